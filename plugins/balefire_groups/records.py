"""The group records' table."""

import json
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Text, insert, select, update
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from balefire import Database
from balefire_groups.group import Group


class Tables(SQLModel, registry=registry()):
    """Base of this plugin's tables, with a catalogue of their own."""


class GroupRow(Tables, table=True):
    """One group; ``extra`` is JSON text. See ``Group`` for the meaning of each column."""

    __tablename__ = "groups_group"

    id: str = Field(primary_key=True, max_length=64)
    name: str
    portrait: str
    extra: str = Field(sa_type=Text)
    owner: str = Field(max_length=64)
    type: str = Field(max_length=16)
    join_type: str = Field(max_length=16)
    is_muted: bool
    allows_private_chat: bool
    shows_history: bool
    max_members: int
    is_dissolved: bool
    created_at: int = Field(sa_type=BigInteger)
    updated_at: int = Field(sa_type=BigInteger)


GROUPS: Final = Tables.metadata.tables["groups_group"]


class GroupTable:
    """Reads and writes group records. Each change is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, group_id: str) -> Group | None:
        """The record, of a dissolved group too."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(GROUPS).where(GROUPS.c.id == group_id))).mappings().first()
        return None if row is None else msgspec.convert({**row, "extra": json.loads(row["extra"])}, Group, strict=False)

    async def insert(self, group: Group) -> None:
        """Enter a new group.

        :raises sqlalchemy.exc.IntegrityError: the id is taken.
        """
        async with self._database.write() as connection:
            await connection.execute(insert(GROUPS), _columns(group))

    async def replace(self, group: Group) -> None:
        """Overwrite the record of a group that exists."""
        async with self._database.write() as connection:
            await connection.execute(update(GROUPS).where(GROUPS.c.id == group.id).values(_columns(group)))


def _columns(group: Group) -> dict[str, Any]:
    columns: dict[str, Any] = msgspec.structs.asdict(group)
    return columns | {"extra": json.dumps(group.extra, ensure_ascii=False)}
