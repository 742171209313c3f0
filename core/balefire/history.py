"""Reading back: what a reader may see of a conversation, in one place for every door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from balefire_hookspecs import Conversation, Denied, Message, NotFound, Visibility

if TYPE_CHECKING:
    from balefire_hookspecs import Clock, MessageStore, Providers


class Reader:
    """History under the rules of the conversation's kind."""

    def __init__(self, store: Callable[[], MessageStore], providers: Callable[[], Providers], clock: Clock) -> None:
        self._store = store
        self._providers = providers
        self._clock = clock

    async def visibility(self, conversation: Conversation, reader: str) -> Visibility:
        """The part of the conversation this reader may see.

        :raises NotFound: none of it; whether it exists is not told.
        """
        kind = self._providers().conversation_kinds.get(conversation.kind)
        if kind is None:
            raise NotFound(f"there is no conversation {conversation.key}")
        answer = await kind.visibility(conversation, reader)
        if isinstance(answer, Denied):
            raise NotFound(f"there is no conversation {conversation.key}, or it is not yours to read")
        return answer

    async def history(
        self,
        conversation: Conversation,
        reader: str,
        *,
        after_seq: int = 0,
        before_seq: int = 0,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[Message]:
        """Messages the reader may see; directed at others and expired ones are left out, so a page may be short."""
        bounds = await self.visibility(conversation, reader)
        return await self.page(
            conversation,
            reader,
            bounds,
            after_seq=after_seq,
            before_seq=before_seq,
            limit=limit,
            newest_first=newest_first,
        )

    async def page(
        self,
        conversation: Conversation,
        reader: str,
        bounds: Visibility,
        *,
        after_seq: int = 0,
        before_seq: int = 0,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[Message]:
        """``history`` for a caller that knows the bounds already."""
        after = max(after_seq, bounds.from_seq - 1, 0)
        before = min(filter(None, (before_seq, bounds.to_seq + 1 if bounds.to_seq else 0)), default=0)
        if before and before <= after + 1:
            return ()
        found = await self._store().history(
            conversation, after_seq=after, before_seq=before, limit=limit, newest_first=newest_first
        )
        now = self._clock.now_ms()
        return [m for m in found if m.is_for(reader) and not 0 < m.expires_at <= now]
