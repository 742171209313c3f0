"""Every hook, in memory and in the table ``incoming_hooks_hook``."""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlmodel import col

from balefire import Database, NotFound
from balefire_incoming_hooks.definition import HookDefinition
from balefire_incoming_hooks.tables import IncomingHook as Row


@dataclass(slots=True)
class Figures:
    """How a hook fares; counted in memory and saved now and then."""

    used_at: int = 0
    delivered: int = 0
    ignored: int = 0
    refused: int = 0
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook as it stands. ``secret_hash`` is what its address is found by; ``sealed_key`` opens with ``Seal``."""

    id: str
    secret_hash: str
    sealed_key: str
    owner: str
    definition: HookDefinition
    created_at: int
    updated_at: int
    figures: Figures = field(default_factory=Figures, compare=False)

    @property
    def sender(self) -> str:
        """The robot account that posts."""
        return self.definition.sender or f"hook-{self.id}"


def new_secret() -> str:
    """32 random bytes as an address can hold them."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """What is stored of a secret; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Seal:
    """Encrypts signing keys for the database (AES-GCM), with a key that is in the data folder only."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def close(self, text: str, hook: str) -> str:
        """Encrypt, bound to the hook, so that rows can not be swapped; "" stays ""."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if not text:
            return ""
        nonce = secrets.token_bytes(12)
        return base64.b64encode(nonce + AESGCM(self._key).encrypt(nonce, text.encode(), hook.encode())).decode()

    def open(self, sealed: str, hook: str) -> str:
        """Decrypt what ``close`` made for this hook."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if not sealed:
            return ""
        raw = base64.b64decode(sealed)
        return AESGCM(self._key).decrypt(raw[:12], raw[12:], hook.encode()).decode()


class HookBook:
    """Finds hooks by id and by secret without asking the database; changes go through it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_id: dict[str, Hook] = {}
        self._by_hash: dict[str, Hook] = {}
        self._used: set[str] = set()

    async def load(self) -> None:
        """Read every hook; once, at start."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(Row))).mappings().all()
        for row in rows:
            self._keep(_hook(row))

    def all(self) -> Iterable[Hook]:
        """Every hook, in the order of the ids."""
        return [self._by_id[id_] for id_ in sorted(self._by_id)]

    def get(self, id_: str) -> Hook:
        """:raises NotFound: there is none."""
        if id_ not in self._by_id:
            raise NotFound(f"there is no hook {id_[:40]!r}", where="hook")
        return self._by_id[id_]

    def find(self, secret: str) -> Hook:
        """The hook whose address holds this secret. Only hashes are compared, so timing tells nothing of the secret.

        :raises NotFound: there is none, or it is switched off.
        """
        hook = self._by_hash.get(hash_of(secret))
        if hook is None or not hook.definition.is_enabled:
            raise NotFound("there is no hook at this address; its owner may have changed or deleted it")
        return hook

    async def add(self, hook: Hook) -> Hook:
        """Write a new hook."""
        row = {"id": hook.id, "owner": hook.owner, "created_at": hook.created_at, **_changeable(hook), **_figures(hook)}
        async with self._database.write() as connection:
            await connection.execute(insert(Row).values(row))
        return self._keep(hook)

    async def change(self, hook: Hook, **changes: Any) -> Hook:
        """Write changes of a hook (fields of ``Hook``); returns it as it is now."""
        changed = replace(hook, **changes)
        async with self._database.write() as connection:
            await connection.execute(update(Row).where(col(Row.id) == hook.id).values(_changeable(changed)))
        self._by_hash.pop(hook.secret_hash, None)
        return self._keep(changed)

    async def remove(self, hook: Hook) -> None:
        """Delete a hook."""
        async with self._database.write() as connection:
            await connection.execute(delete(Row).where(col(Row.id) == hook.id))
        self._by_id.pop(hook.id, None)
        self._by_hash.pop(hook.secret_hash, None)

    def used(self, hook: Hook) -> None:
        """The hook's figures changed; they will be saved."""
        self._used.add(hook.id)

    async def save_figures(self) -> None:
        """Write the figures of the hooks that were used."""
        used, self._used = self._used, set()
        hooks = [self._by_id[id_] for id_ in used if id_ in self._by_id]
        if not hooks:
            return
        async with self._database.write() as connection:
            for hook in hooks:
                await connection.execute(update(Row).where(col(Row.id) == hook.id).values(_figures(hook)))

    def _keep(self, hook: Hook) -> Hook:
        self._by_id[hook.id] = self._by_hash[hook.secret_hash] = hook
        return hook


def _changeable(hook: Hook) -> dict[str, Any]:
    return {
        "secret_hash": hook.secret_hash,
        "sealed_key": hook.sealed_key,
        "definition": hook.definition.model_dump_json(),
        "updated_at": hook.updated_at,
    }


def _figures(hook: Hook) -> dict[str, Any]:
    figures = hook.figures
    return {
        "used_at": figures.used_at,
        "delivered": figures.delivered,
        "ignored": figures.ignored,
        "refused": figures.refused,
        "last_error": figures.last_error[:500],
    }


def _hook(row: Mapping[str, Any]) -> Hook:
    figures = Figures(row["used_at"], row["delivered"], row["ignored"], row["refused"], row["last_error"])
    return Hook(
        id=row["id"],
        secret_hash=row["secret_hash"],
        sealed_key=row["sealed_key"],
        owner=row["owner"],
        definition=HookDefinition.model_validate_json(row["definition"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        figures=figures,
    )
