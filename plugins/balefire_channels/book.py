"""All channel records, in memory: there are few of them, and the message path asks for one with every message."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError

from balefire import Clock, Conflict
from balefire_channels.channel import Channel, NoSuchChannel
from balefire_channels.records import ChannelTable


class ChannelBook:
    """The records by id, closed channels left out. A change is durable before it is seen."""

    def __init__(self, table: ChannelTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._open: dict[str, Channel] = {}

    async def load(self) -> Sequence[Channel]:
        """Read every record; returns the closed channels."""
        records = await self._table.load_all()
        self._open = {channel.id: channel for channel in records if not channel.is_closed}
        return [channel for channel in records if channel.is_closed]

    def get(self, channel_id: str) -> Channel | None:
        """The record, ``None`` if there is no such channel."""
        return self._open.get(channel_id)

    def demand(self, channel_id: str) -> Channel:
        """The record.

        :raises NoSuchChannel: there is none, or it was closed.
        """
        channel = self._open.get(channel_id)
        if channel is None:
            raise NoSuchChannel(f"there is no channel {channel_id}")
        return channel

    def search(self, text: str, *, after: str, limit: int) -> Sequence[Channel]:
        """Public channels whose id or name contains the text, in the order of their ids."""
        wanted = text.casefold()
        found = (
            channel
            for channel in self._open.values()
            if not channel.is_private and channel.id > after and wanted in f"{channel.id}\n{channel.name}".casefold()
        )
        return sorted(found, key=lambda channel: channel.id)[:limit]

    async def enter(self, channel: Channel) -> Channel:
        """Enter a new channel.

        :raises Conflict: the id is taken, perhaps by one that was closed.
        """
        now = self._clock.now_ms()
        channel = msgspec.structs.replace(channel, created_at=now, updated_at=now)
        try:
            await self._table.insert(channel)
        except IntegrityError:
            raise Conflict(f"there is a channel {channel.id} already; choose another id", where="body.id") from None
        self._open[channel.id] = channel
        return channel

    async def change(self, channel_id: str, **changes: Any) -> Channel:
        """Change columns of a record; ``is_closed`` takes it out of the book."""
        channel = msgspec.structs.replace(self.demand(channel_id), **changes, updated_at=self._clock.now_ms())
        await self._table.replace(channel)
        if channel.is_closed:
            self._open.pop(channel_id, None)
        else:
            self._open[channel_id] = channel
        return channel
