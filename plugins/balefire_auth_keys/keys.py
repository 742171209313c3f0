"""Makes, checks and revokes API keys: ``bf_<id>_<secret>``, of which only a hash is kept."""

import contextlib
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import delete, insert, select, update

from balefire import Forbidden, Identity, NotFound, PluginContext, Settings, Unauthenticated, User
from balefire_auth_keys.table import KEYS

OPERATOR_KEY: Final = "operator"
"""The key that is made at the first start, and the user it acts for; its secret is in the data folder."""

MOST_CACHED: Final = 5_000
RECHECK_SECONDS: Final = 5.0
"""A revocation by another process takes effect after this long."""

USE_NOTED_MS: Final = 60_000
"""``last_used_at`` is this exact; writing it at every call would cost more than the calls."""

_KEY: Final = re.compile(r"bf_([a-z0-9]{1,16})_([A-Za-z0-9]{40,80})")


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a key, but for the key."""

    id: str
    user: str
    label: str
    scopes: frozenset[str]
    created_at: int
    last_used_at: int = 0
    expires_at: int = 0
    revoked_at: int = 0


class ApiKeys:
    """The authenticator named "key"."""

    name = "key"

    def __init__(self, ctx: PluginContext[Settings]) -> None:
        self._ctx = ctx
        self._cached: OrderedDict[str, tuple[float, str, ApiKey | None]] = OrderedDict()

    async def authenticate(self, credential: str) -> Identity | None:
        """See ``Authenticator.authenticate``."""
        if not credential.startswith("bf_"):
            return None
        match = _KEY.fullmatch(credential)
        digest, key = await self._find(match[1]) if match else ("", None)
        if key is None or not hmac.compare_digest(digest, _digest(credential)):
            raise Unauthenticated("this API key is not known")
        self._insist(key)
        await self._refuse_banned(key)
        return Identity(
            user=key.user,
            scopes=key.scopes | {"*"} if "admin" in key.scopes else key.scopes,
            expires_at=key.expires_at,
            credential_id=f"key:{key.id}",
        )

    async def make(self, *, user: str, label: str, scopes: frozenset[str], expires_at: int = 0) -> tuple[str, ApiKey]:
        """A new key, in clear for the only time, and what is kept of it."""
        key = ApiKey(
            id=secrets.token_hex(5),
            user=user,
            label=label,
            scopes=scopes,
            created_at=self._ctx.clock.now_ms(),
            expires_at=expires_at,
        )
        text = f"bf_{key.id}_{secrets.token_hex(24)}"
        async with self._ctx.database.write() as connection:
            await connection.execute(insert(KEYS).values(**_values(key, text)))
        return text, key

    async def provide_operator_key(self, secret: bytes) -> None:
        """See that the key in the data folder works, unless it was revoked."""
        text = f"bf_{OPERATOR_KEY}_{secret.hex()}"
        digest, known = await self._load(OPERATOR_KEY)
        if known is not None and digest == _digest(text):
            return
        key = ApiKey(
            id=OPERATOR_KEY,
            user=OPERATOR_KEY,
            label="made at the first start; see balefire key show",
            scopes=frozenset({"admin"}),
            created_at=self._ctx.clock.now_ms(),
        )
        async with self._ctx.database.write() as connection:
            await connection.execute(delete(KEYS).where(KEYS.c.id == OPERATOR_KEY))
            await connection.execute(insert(KEYS).values(**_values(key, text)))
        await self._provide_operator()

    async def _provide_operator(self) -> None:
        """Whoever acts with the key has a name that others can see."""
        if not await self._ctx.directory.get([OPERATOR_KEY]):
            with contextlib.suppress(Forbidden):  # a directory that is kept elsewhere
                await self._ctx.directory.put(User(id=OPERATOR_KEY, display_name="Operator"))

    async def list(self) -> Sequence[ApiKey]:
        """Every key, the oldest first."""
        async with self._ctx.database.read() as connection:
            return [_key(row) for row in await connection.execute(select(KEYS).order_by(KEYS.c.created_at, KEYS.c.id))]

    async def revoke(self, key_id: str) -> None:
        """Refuse a key from now on, and end the sessions that were opened with it.

        :raises NotFound: there is no such key.
        """
        values = {"revoked_at": self._ctx.clock.now_ms()}
        async with self._ctx.database.write() as connection:
            changed = await connection.execute(update(KEYS).where(KEYS.c.id == key_id).values(**values))
        if not changed.rowcount:
            raise NotFound(f"there is no API key {key_id!r}")
        self._cached.pop(key_id, None)
        _, key = await self._load(key_id)
        if key is not None:
            self._ctx.sessions.disconnect(
                key.user, "token_revoked", "your API key was revoked", credential_id=f"key:{key_id}"
            )

    async def _find(self, key_id: str) -> tuple[str, ApiKey | None]:
        now = self._ctx.clock.monotonic()
        cached = self._cached.get(key_id)
        if cached is not None and now - cached[0] < RECHECK_SECONDS:
            return cached[1], cached[2]
        digest, key = await self._load(key_id)
        self._cached[key_id] = now, digest, key
        self._cached.move_to_end(key_id)
        if len(self._cached) > MOST_CACHED:
            self._cached.popitem(last=False)
        return digest, key

    async def _load(self, key_id: str) -> tuple[str, ApiKey | None]:
        async with self._ctx.database.read() as connection:
            row = (await connection.execute(select(KEYS).where(KEYS.c.id == key_id))).first()
        return (row.digest, _key(row)) if row is not None else ("", None)

    def _insist(self, key: ApiKey) -> None:
        now = self._ctx.clock.now_ms()
        if key.revoked_at:
            raise Unauthenticated("this API key was revoked")
        if key.expires_at and now > key.expires_at:
            raise Unauthenticated("this API key has expired")
        if now - key.last_used_at > USE_NOTED_MS:
            self._note_use(key, now)

    async def _refuse_banned(self, key: ApiKey) -> None:
        """A banned person's keys are worth nothing. An operator's are: who else would lift a mistaken ban?"""
        if key.scopes & {"admin", "*"}:
            return
        profile = (await self._ctx.directory.get([key.user])).get(key.user)
        if profile is not None and profile.is_banned:
            raise Unauthenticated("this account is banned")

    def _note_use(self, key: ApiKey, now: int) -> None:
        seen, digest, _ = self._cached[key.id]
        self._cached[key.id] = seen, digest, msgspec.structs.replace(key, last_used_at=now)
        self._ctx.spawn(self._write_use(key.id, now), name="note key use")

    async def _write_use(self, key_id: str, now: int) -> None:
        async with self._ctx.database.write() as connection:
            await connection.execute(update(KEYS).where(KEYS.c.id == key_id).values(last_used_at=now))


def _digest(text: str) -> str:
    """Keys are long and random, so a plain hash is as good as a slow one."""
    return hashlib.sha256(text.encode()).hexdigest()


def _values(key: ApiKey, text: str) -> dict[str, Any]:
    return {**msgspec.structs.asdict(key), "scopes": " ".join(sorted(key.scopes)), "digest": _digest(text)}


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row.id,
        user=row.user,
        label=row.label,
        scopes=frozenset(row.scopes.split()),
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
