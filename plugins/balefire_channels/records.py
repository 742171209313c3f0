"""The channel records' table."""

import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Text, insert, select, update
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from balefire import Database
from balefire_channels.channel import Channel

_JSON: Final = ("extra", "publishers")


class Tables(SQLModel, registry=registry()):
    """Base of this plugin's tables, with a catalogue of their own."""


class ChannelRow(Tables, table=True):
    """One channel; ``extra`` and ``publishers`` are JSON text. See ``Channel`` for the meaning of each column."""

    __tablename__ = "channels_channel"

    id: str = Field(primary_key=True, max_length=64)
    name: str
    portrait: str
    description: str = Field(sa_type=Text)
    extra: str = Field(sa_type=Text)
    owner: str = Field(max_length=64)
    publishers: str = Field(sa_type=Text)
    is_private: bool
    is_global: bool
    accepts_unsubscribed: bool
    may_enrol: bool
    shows_history: bool
    is_closed: bool
    created_at: int = Field(sa_type=BigInteger)
    updated_at: int = Field(sa_type=BigInteger)


CHANNELS: Final = Tables.metadata.tables["channels_channel"]


class ChannelTable:
    """Reads and writes channel records. Each change is durable when it returns."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_all(self) -> Sequence[Channel]:
        """Every record, closed channels too."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(CHANNELS))).mappings().all()
        return [_channel(dict(row)) for row in rows]

    async def insert(self, channel: Channel) -> None:
        """Enter a new channel.

        :raises sqlalchemy.exc.IntegrityError: the id is taken.
        """
        async with self._database.write() as connection:
            await connection.execute(insert(CHANNELS), _columns(channel))

    async def replace(self, channel: Channel) -> None:
        """Overwrite the record of a channel that exists."""
        statement = update(CHANNELS).where(CHANNELS.c.id == channel.id).values(_columns(channel))
        async with self._database.write() as connection:
            await connection.execute(statement)


def _channel(row: dict[str, Any]) -> Channel:
    return msgspec.convert(row | {name: json.loads(row[name]) for name in _JSON}, Channel, strict=False)


def _columns(channel: Channel) -> dict[str, Any]:
    columns: dict[str, Any] = msgspec.structs.asdict(channel)
    return columns | {name: json.dumps(columns[name], ensure_ascii=False) for name in _JSON}
