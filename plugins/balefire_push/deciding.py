"""Gathers what the decision needs, decides, words the notification, and puts it into the outbox."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from balefire import (
    MENTION_ALL,
    Conversation,
    Device,
    Member,
    Message,
    PluginContext,
    PushCandidate,
    PushChoice,
    Titled,
    User,
)
from balefire_push.decision import Decision, Situation, decide
from balefire_push.dispatching import Dispatcher
from balefire_push.outbox import Content, Job, Outbox, note_id
from balefire_push.preferences import local_minute, read_preferences
from balefire_push.rendering import Renderer, Wording
from balefire_push.traces import Trace, Traces

CALLS: Final = frozenset({400, 406})
"""Content types that ring like a telephone, by their number in the reference protocol."""
CALL_LIFE_SECONDS: Final = 60
CHUNK: Final = 500
TURN: Final = 25
"""So many recipients are decided about before others have their turn."""

Contents = dict[tuple[int, str, bool, bool], Content]
"""What was worded already: most of a message's recipients get the same."""


class Recipient(msgspec.Struct, frozen=True):
    """Somebody who may have to be told of a message. ``member`` is their record, if it is known already."""

    message: Message
    user: str
    member: Member | None = None


class RecipientDesk:
    """Decides about recipients and queues their notifications."""

    def __init__(
        self,
        ctx: PluginContext[Any],
        outbox: Outbox,
        dispatcher: Dispatcher,
        traces: Traces,
        *,
        life_seconds: int,
        sound: str,
    ) -> None:
        self._ctx, self._outbox, self._dispatcher, self._traces = ctx, outbox, dispatcher, traces
        self._life_seconds, self._sound = life_seconds, sound
        self._renderer = Renderer()
        self._blamed: set[str] = set()

    async def consider(self, recipients: Sequence[Recipient]) -> None:
        """Decide about people who are not online, and queue what is to be sent; durable when it returns."""
        for start in range(0, len(recipients), CHUNK):
            chunk = recipients[start : start + CHUNK]
            devices = await self._devices({recipient.user for recipient in chunk})
            users = await self._users({recipient.user for recipient in chunk if devices.get(recipient.user)})
            senders = await self._users({recipient.message.sender for recipient in chunk}) if users else {}
            jobs: list[Job] = []
            contents: Contents = {}
            for place, recipient in enumerate(chunk):
                if place % TURN == 0:
                    await asyncio.sleep(0)  # deciding about many must not hold up the messages of others
                reachable = devices.get(recipient.user, ())
                situation = await self._situation(recipient, reachable, users.get(recipient.user))
                decision = decide(situation)
                now = self._ctx.clock.now_ms()
                self._traces.add(Trace(recipient.user, recipient.message.id, now, decision))
                if decision.is_pushed:
                    sender = senders.get(recipient.message.sender)
                    jobs += await self._jobs(recipient, situation, decision, reachable, users, sender, contents)
            await self._outbox.add(jobs)
            self._dispatcher.wake({job.vendor for job in jobs})

    async def explain(self, message: Message, user: str) -> Decision:
        """What would be decided now, whether or not it was decided before; nothing is sent or noted."""
        devices = await self._devices({user})
        users = await self._users({user})
        recipient = Recipient(message, user)
        return decide(await self._situation(recipient, devices.get(user, ()), users.get(user)))

    async def call_off(self, message_ids: Sequence[int]) -> None:
        """These messages were recalled: what is queued for them is not sent."""
        await self._outbox.cancel(message_ids, reason="the message was recalled")

    # -- inside ------------------------------------------------------------------------------------------------

    async def _situation(self, recipient: Recipient, devices: Sequence[Device], user: User | None) -> Situation:
        message, name = recipient.message, recipient.user
        is_call, has_text = self._sort(message)
        if name == message.sender or not devices or not (has_text or is_call):  # decided already: ask no further
            return Situation(
                is_sender=name == message.sender, has_text=has_text, is_call=is_call, has_token=bool(devices)
            )
        member = recipient.member or await self._ctx.store.get_member(message.conversation, name)
        now = self._ctx.clock.now_ms()
        timezone = (user.timezone if user else "") or next((d.timezone for d in devices if d.timezone), "")
        is_muted = member is not None and bool(member.settings.get("muted"))
        is_online = self._ctx.sessions.is_online(name)
        is_mentioned = _is_mentioned(message, name)
        candidate = PushCandidate(
            user=name, message=message, is_mentioned=is_mentioned, is_muted=is_muted, is_online=is_online
        )
        return Situation(
            is_mentioned=is_mentioned,
            is_call=is_call,
            has_text=has_text,
            is_read=member is not None and member.read_seq >= message.seq,
            is_late=now >= self._expires_at(message, is_call),
            is_muted=is_muted,
            is_online=is_online,
            minute=local_minute(now, timezone),
            preferences=read_preferences(user),
            choice=await self._choice(candidate),
        )

    async def _choice(self, candidate: PushCandidate) -> PushChoice | None:
        return await self._ctx.hooks.choose_push(candidate)

    def _sort(self, message: Message) -> tuple[bool, bool]:
        """Whether it is a call, and whether there are words for a notification."""
        content_type = self._ctx.providers.content_types.get(message.payload.type)
        is_call = content_type is not None and content_type.number in CALLS
        has_text = bool(message.payload.push_text) or (message.is_counted and bool(self._digest(message, "en")))
        return is_call, has_text

    def _expires_at(self, message: Message, is_call: bool) -> int:
        life = CALL_LIFE_SECONDS if is_call else self._life_seconds
        end = message.at + life * 1000
        return min(end, message.expires_at) if message.expires_at else end

    async def _jobs(
        self,
        recipient: Recipient,
        situation: Situation,
        decision: Decision,
        devices: Sequence[Device],
        users: Mapping[str, User],
        sender: User | None,
        contents: Contents,
    ) -> list[Job]:
        message, user = recipient.message, users.get(recipient.user)
        jobs = []
        for device in devices:
            language = device.language or (user.language if user else "")
            key = (message.id, language, situation.is_mentioned, decision.shows_detail)
            if key not in contents:
                contents[key] = await self._content(message, situation, decision, sender, language)
            jobs.append(
                Job(
                    note_id=note_id(message.id, recipient.user, device.id),
                    message_id=message.id,
                    user=recipient.user,
                    device=device.id,
                    vendor=device.vendor,
                    urgency="call" if situation.is_call else "message",
                    content=contents[key],
                    expires_at=self._expires_at(message, situation.is_call),
                )
            )
        return jobs

    async def _content(
        self, message: Message, situation: Situation, decision: Decision, sender: User | None, language: str
    ) -> Content:
        wording = Wording(
            sender=(sender.display_name if sender else "") or message.sender,
            conversation=await self._title(message.conversation),
            digest=self._digest(message, language),
            is_mentioned=situation.is_mentioned,
        )
        sort = "call" if situation.is_call else message.conversation.kind
        words = self._renderer.words(sort, wording, language=language, shows_detail=decision.shows_detail)
        return Content(
            title=words.title,
            body=words.body,
            data={
                "conversation": message.conversation.key,
                "message": str(message.id),
                "seq": message.seq,
                "sender": message.sender,
            },
            thread=message.conversation.key,
            sound=self._sound,
            collapse_key=f"m{message.id}",  # a repeat after a crash replaces what is shown already
            style="voip" if situation.is_call else "alert",
        )

    def _digest(self, message: Message, language: str) -> str:
        if message.payload.push_text:
            return message.payload.push_text
        content_type = self._ctx.providers.content_types.get(message.payload.type)
        if content_type is None:
            return ""
        wanted = "zh" if language.lower().startswith("zh") else "en"
        try:
            return str(content_type.digest(message.payload, wanted))
        except Exception:  # a plugin's code: its messages push nothing, those behind them must not wait for it
            if content_type.name not in self._blamed:
                self._blamed.add(content_type.name)
                self._ctx.log.exception("content type %r cannot be pushed: its digest fails", content_type.name)
            return ""

    async def _title(self, conversation: Conversation) -> str:
        kind = self._ctx.providers.conversation_kinds.get(conversation.kind)
        if not isinstance(kind, Titled):
            return ""
        title = kind.title(conversation)
        return title if isinstance(title, str) else await title

    async def _devices(self, users: Iterable[str]) -> dict[str, list[Device]]:
        """Devices that can be pushed to, by user; those without are left out."""
        found = await self._ctx.store.devices(list(users))
        reachable = {
            user: [device for device in devices if device.token and self._dispatcher.knows(device.vendor)]
            for user, devices in found.items()
        }
        return {user: devices for user, devices in reachable.items() if devices}

    async def _users(self, users: set[str]) -> Mapping[str, User]:
        return await self._ctx.directory.get(sorted(users)) if users else {}


def _is_mentioned(message: Message, user: str) -> bool:
    return user in message.payload.mentions or MENTION_ALL in message.payload.mentions
