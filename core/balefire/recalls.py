"""Taking a message back: who may, what it leaves behind, who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from balefire_hookspecs import Forbidden, Message, MessageFlags, NotFound, Payload, Replaced

if TYPE_CHECKING:
    from balefire.message_path import PathServices

RECALL_LIMIT_MS: Final = 120_000
"""How long authors may take back what they said (domain rules 5.13)."""
RECALLED: Final = "recalled"
"""The content type that stands in a recalled message's place."""


class Recalls:
    """Replaces messages by recall notices."""

    def __init__(self, services: PathServices) -> None:
        self._on = services

    async def recall(self, message_id: int, *, by: str, origin: str = "user") -> Message:
        """See ``PluginContext.recall``. Recalling twice is no error, and is told twice (I7)."""
        message = await self._on.store().get_message(message_id)
        if message is None:
            raise NotFound(f"there is no message {message_id}")
        if not message.is_recalled:
            recalled = await self._replace(message, by, origin)
        elif message.payload.fields.get("by") == by:
            recalled = message  # by a process that died before it told anybody, perhaps: tell once more
        else:
            return message
        await self._on.events.emit(
            "message.recalled",
            conversation=message.conversation,
            user=by,
            data={"message": str(message_id), "seq": message.seq},
        )
        self._tell_replaced(recalled)
        await self._on.hooks().on_message_recalled(recalled, by)
        return recalled

    async def _replace(self, message: Message, by: str, origin: str) -> Message:
        if origin != "admin" and not await self._may_recall(message, by):
            raise Forbidden("only the author, for two minutes, or a manager may recall this message")
        recalled = await self._on.store().replace_payload(
            message.id, Payload(RECALLED, {"by": by}), message.flags | MessageFlags.RECALLED
        )
        if recalled is None:
            raise NotFound(f"there is no message {message.id}")
        return recalled

    async def _may_recall(self, message: Message, by: str) -> bool:
        if message.sender == by and self._on.clock.now_ms() - message.at <= RECALL_LIMIT_MS:
            return True
        kind = self._on.providers().conversation_kinds.get(message.conversation.kind)
        if kind is None:
            return False
        allowed = kind.may_recall(message, by)
        return allowed if isinstance(allowed, bool) else await allowed

    def _tell_replaced(self, message: Message) -> None:
        if message.to:
            self._on.sessions.signal(Replaced(message), users=dict.fromkeys((message.sender, *message.to)))
        else:
            self._on.members.tell(Replaced(message), message.conversation)
