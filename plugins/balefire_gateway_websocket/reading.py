"""What a client reads from the log: its conversations, what it missed, and older messages, in bounded pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from balefire import Conversation, InvalidInput, Message, NotFound, Summary
from balefire_gateway_websocket import frames
from balefire_gateway_websocket.encodings import Encoding, message_frame

if TYPE_CHECKING:
    from balefire import PluginContext

MAX_PAGE_BYTES: Final = 524_288


class Reading:
    """One user's view of the log, in the encoding of one session. Holds nothing; made per request."""

    def __init__(self, ctx: PluginContext[Any], user: str, encoding: Encoding) -> None:
        self._ctx = ctx
        self._user = user
        self._encoding = encoding

    async def conversations(self, frame: frames.ListConversations) -> frames.Frame:
        found = await self._ctx.store.summaries(self._user, after=frame.after, limit=frame.limit)
        is_last = len(found) < frame.limit
        items: list[msgspec.Raw] = []
        size, upto = 0, ""
        for summary in found:
            item = msgspec.Raw(self._encoding.encode_body(self._item(summary)))
            size += len(item)
            if items and size > MAX_PAGE_BYTES:
                is_last = False
                break
            items.append(item)
            upto = summary.conversation.key
        return frames.Conversations(id=frame.id, next="" if is_last else upto, items=items)

    def _item(self, summary: Summary) -> frames.ConversationItem:
        return frames.ConversationItem(
            in_=summary.conversation.key,
            last_seq=summary.last_seq,
            unread=summary.unread,
            read=summary.member.read_seq,
            delivered=summary.member.delivered_seq,
            role=summary.member.role,
            settings=summary.member.settings,
            alias=summary.member.alias,
            last=self._last(summary.last_message),
        )

    def _last(self, message: Message | None) -> msgspec.Raw | None:
        if message is None or not message.is_for(self._user):
            return None
        return self._raw(message)

    def _raw(self, message: Message) -> msgspec.Raw:
        return msgspec.Raw(self._encoding.encode_body(message_frame(message)))

    async def sync(self, frame: frames.Sync) -> frames.Frame:
        found: list[msgspec.Raw] = []
        upto: dict[str, int] = {}
        more: list[str] = []
        room, size = frame.limit, 0
        for key, cursor in frame.cursors.items():
            if room <= 0 or size >= MAX_PAGE_BYTES:
                more.append(key)
                continue
            try:
                conversation = self._ctx.resolve(key, self._user)
                raws, reached, last = await self._behind(conversation, cursor, room, MAX_PAGE_BYTES - size)
            except (NotFound, InvalidInput):  # left, or of a kind that is switched off: no reason to fail the others
                continue
            found += raws
            room -= max(1, len(raws))
            size += sum(len(raw) for raw in raws)
            upto[key] = reached
            if reached < last:
                more.append(key)
        return frames.Page(id=frame.id, messages=found, upto=upto, more=more)

    async def _behind(
        self, conversation: Conversation, cursor: int, limit: int, max_bytes: int
    ) -> tuple[list[msgspec.Raw], int, int]:
        """Messages after a cursor, the seq up to which the page is complete, and the last seq there is.

        Works on a window of seq numbers, so that numbers the reader does not get are passed over for good.
        """
        bounds = await self._ctx.visibility(conversation, self._user)
        last = await self._ctx.store.last_seq(conversation)
        if bounds.to_seq:
            last = min(last, bounds.to_seq)
        cursor = max(cursor, bounds.from_seq - 1)
        if cursor >= last:
            return [], max(cursor, 0), last
        reached = min(last, cursor + limit)
        raws: list[msgspec.Raw] = []
        size = 0
        for message in await self._ctx.history(
            conversation, self._user, after_seq=cursor, before_seq=reached + 1, limit=limit
        ):
            raw = self._raw(message)
            size += len(raw)
            if raws and size > max_bytes:
                return raws, message.seq - 1, last
            raws.append(raw)
        return raws, reached, last

    async def history(self, frame: frames.History) -> frames.Frame:
        conversation = self._ctx.resolve(frame.in_, self._user)
        bounds = await self._ctx.visibility(conversation, self._user)
        last = await self._ctx.store.last_seq(conversation)
        before = min(frame.before or last + 1, last + 1)
        lowest = max(before - frame.limit, bounds.from_seq, 1)
        raws: list[msgspec.Raw] = []
        size = 0
        for message in await self._ctx.history(
            conversation, self._user, after_seq=lowest - 1, before_seq=before, limit=frame.limit, newest_first=True
        ):
            raw = self._raw(message)
            size += len(raw)
            if raws and size > MAX_PAGE_BYTES:
                lowest = message.seq + 1
                break
            raws.append(raw)
        is_more = lowest > max(bounds.from_seq, 1)
        return frames.Page(id=frame.id, messages=raws, upto={frame.in_: lowest}, more=[frame.in_] if is_more else [])
