"""What the store needs from whatever writes its log; one implementation per database."""

from collections.abc import Sequence
from typing import Protocol

from balefire import Appended, Draft, Event, Message


class LogWriter(Protocol):
    """Gives out ids and seqs, and commits. Ids are committed in the order they are given out."""

    async def open(self) -> None:
        """Prepare to write, without holding up another instance that still does."""

    async def close(self) -> None:
        """Give the connection back."""

    async def append(self, drafts: Sequence[Draft]) -> list[Appended]:
        """See ``MessageStore.append``."""

    async def append_events(self, events: Sequence[Event]) -> list[Event]:
        """See ``MessageStore.append_events``."""

    async def forget(self, message: Message) -> None:
        """Do not answer a repeated send with this message from memory: it has changed."""

    async def check(self) -> None:
        """Write something and commit it."""


CHECK_CURSOR = "store-sql.check"
"""The cursor row that ``check`` writes: no consumer has this name."""
