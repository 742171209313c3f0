"""Who does not want to hear from whom: the plugin's own table."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import BigInteger, delete, select, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from balefire import Database


class Tables(SQLModel, registry=registry()):
    """Base of this plugin's tables, with a catalogue of their own."""


class Block(Tables, table=True):
    """``blocker`` has blocked ``blocked``; ``created_at`` in milliseconds since the epoch."""

    __tablename__ = "private_block"

    blocker: str = Field(primary_key=True, max_length=64)
    blocked: str = Field(primary_key=True, max_length=64)
    created_at: int = Field(sa_type=BigInteger)


_INSERT = text(
    "INSERT INTO private_block (blocker, blocked, created_at) VALUES (:blocker, :blocked, :at) ON CONFLICT DO NOTHING"
)


BLOCKS: Final = Tables.metadata.tables["private_block"]


class BlockTable:
    """Reads and writes blocks. Safe to call concurrently; each change is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def blocked_by(self, users: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Everyone each of these users has blocked, at most 500 users a call; nobody is left out."""
        found: dict[str, set[str]] = {user: set() for user in users}
        async with self._database.read() as connection:
            for blocker, blocked in await connection.execute(
                select(BLOCKS.c.blocker, BLOCKS.c.blocked).where(BLOCKS.c.blocker.in_(users))
            ):
                found[blocker].add(blocked)
        return {user: frozenset(blocked) for user, blocked in found.items()}

    async def page(self, user: str, *, after: str, limit: int) -> Sequence[tuple[str, int]]:
        """Blocked user ids after ``after``, in order, with the time of blocking."""
        statement = (
            select(BLOCKS.c.blocked, BLOCKS.c.created_at)
            .where(BLOCKS.c.blocker == user, BLOCKS.c.blocked > after)
            .order_by(BLOCKS.c.blocked)
            .limit(limit)
        )
        async with self._database.read() as connection:
            return [(blocked, at) for blocked, at in await connection.execute(statement)]

    async def add(self, user: str, blocked: str, at: int) -> None:
        """Block; blocking twice changes nothing."""
        async with self._database.write() as connection:
            await connection.execute(_INSERT, {"blocker": user, "blocked": blocked, "at": at})

    async def remove(self, user: str, blocked: str) -> None:
        """Unblock; no error if there was no block."""
        async with self._database.write() as connection:
            await connection.execute(delete(BLOCKS).where(BLOCKS.c.blocker == user, BLOCKS.c.blocked == blocked))
