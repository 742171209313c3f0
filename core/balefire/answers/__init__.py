"""Answers of requests with an ``Idempotency-Key``: given again for 24 hours instead of acting twice."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from balefire.answers.table import ANSWERS
from balefire.problems import KeyReused, StillRunning, problem_response
from balefire.request_keys import REQUEST_ID
from balefire.secrets import secret_file
from balefire_hookspecs import BalefireError, Clock, Database, InvalidInput

KEPT_MS: Final = 24 * 3_600_000
"""How long an answer is given again."""

CLAIM_MS: Final = 120_000
"""After this long an unfinished request is taken for dead, and its key may run again."""

REPLAYED: Final = "Idempotency-Replayed"
"""Header of an answer that is given again."""

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_SWEEP_MS: Final = 60_000
_WHERE = "header.idempotency-key"


class StoredAnswers:
    """Runs a request once per caller and key. Safe against concurrent repeats, also from another node.

    Answers may hold what is shown once and stored as a hash only, so they are kept encrypted (AES-GCM).
    """

    def __init__(self, database: Database | None, clock: Clock, key_file: Path) -> None:
        """Prepare.

        :param key_file: holds the key that the answers are encrypted with; made when there is none.
        """
        self._database = database
        self._clock = clock
        self._key_file = key_file
        self._key = b""
        self._swept_at = 0

    @property
    def _tables(self) -> Database:
        assert self._database is not None, "nothing is claimed without a database"
        return self._database

    async def prepare(self) -> None:
        """Bring the table up to date, and read the key."""
        if self._database is not None:
            self._key = secret_file(self._key_file)
            from balefire.migrations import migrate

            await migrate(self._database, "http", "balefire.answers.migrations")

    async def once(
        self, request: web.Request, caller: str, run: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """The answer stored for this key, or what ``run`` answers now, stored before it is sent.

        An answer below 500 is kept, a refusal too: repeating it would refuse again. A failure frees the key.

        :raises InvalidInput, KeyReused, StillRunning: the key cannot be used.
        """
        key = request.headers["Idempotency-Key"]
        if not _KEY.fullmatch(key):
            raise InvalidInput("must be 1 to 128 visible ASCII characters", where=_WHERE)
        if self._database is None:
            return await run()
        digest = _digest(caller.encode(), key.encode())
        fingerprint = _digest(request.method.encode(), request.path_qs.encode(), await request.read())
        stored = await self._claim(digest, fingerprint)
        if stored is not None:
            return self._replay(stored)
        return await self._run(digest, request, run)

    async def _run(
        self, digest: str, request: web.Request, run: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            response = await run()
        except BalefireError as error:
            if error.status >= 500 or error.status == 429:
                await self._release(digest)
                raise
            response = problem_response(error, request[REQUEST_ID])
        except BaseException:
            await self._release(digest)
            raise
        if isinstance(response, web.Response) and not response.prepared:
            await self._keep(digest, response)
        return response

    async def _claim(self, digest: str, fingerprint: str) -> Any:
        """``None`` if the request is ours to run, otherwise the row of its answer."""
        now = self._clock.now_ms()
        claim = {"fingerprint": fingerprint, "status": 0, "content_type": "", "body": b"", "at": now}
        mine = ANSWERS.c.digest == digest
        try:
            async with self._tables.write() as connection:
                await self._sweep(connection, now)
                row = (await connection.execute(select(ANSWERS).where(mine))).first()
                if row is None:
                    await connection.execute(insert(ANSWERS).values(digest=digest, **claim))
                    return None
                if row.fingerprint != fingerprint:
                    raise KeyReused("this key belongs to another request; choose a new key", where=_WHERE)
                if row.status:
                    return row
                if row.at > now - CLAIM_MS:
                    raise StillRunning("the first request with this key is still running", retry_after_seconds=1)
                await connection.execute(update(ANSWERS).where(mine).values(**claim))
                return None
        except IntegrityError:  # another node was first by a hair
            raise StillRunning("the first request with this key is still running", retry_after_seconds=1) from None

    async def _sweep(self, connection: Any, now: int) -> None:
        if now - self._swept_at > _SWEEP_MS:
            self._swept_at = now
            await connection.execute(delete(ANSWERS).where(ANSWERS.c.at < now - KEPT_MS))

    async def _keep(self, digest: str, response: web.Response) -> None:
        body = response.body if isinstance(response.body, bytes) else b""
        sealed = _seal(self._key, body, digest) if body else b""
        values = {"status": response.status, "content_type": response.content_type, "body": sealed}
        async with self._tables.write() as connection:
            await connection.execute(update(ANSWERS).where(ANSWERS.c.digest == digest).values(**values))

    def _replay(self, row: Any) -> web.Response:
        response = web.Response(status=row.status)
        if row.body:
            response.body = _open(self._key, row.body, row.digest)
            response.content_type = row.content_type
        response.headers[REPLAYED] = "true"
        return response

    async def _release(self, digest: str) -> None:
        async with self._tables.write() as connection:
            await connection.execute(delete(ANSWERS).where(ANSWERS.c.digest == digest))


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _seal(key: bytes, body: bytes, digest: str) -> bytes:
    """Encrypt, bound to the row."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # slow to import, and seldom needed

    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, body, digest.encode())


def _open(key: bytes, sealed: bytes, digest: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key).decrypt(sealed[:12], sealed[12:], digest.encode())
