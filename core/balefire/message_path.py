"""The way in: validate, authorize, ask the policies, append (design, section 3, steps 1 to 4).

Most messages need no waiting before they are queued for the store: membership, settings and policies answer from
memory. Those never become a task. Where a plugin does have to wait, the session's later messages queue behind it,
so that what one session sends keeps its order.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from balefire.bounded import contained
from balefire.dispatcher import HookFailed, run_now
from balefire.json_shape import check_fields
from balefire.plugin_record import PluginFailed
from balefire_hookspecs import (
    Acknowledgement,
    BalefireError,
    Denied,
    Draft,
    Dropped,
    InvalidInput,
    Message,
    MessageDenied,
    MessageFlags,
    Overloaded,
    Payload,
    Redirecting,
    Submission,
    TooLarge,
)

if TYPE_CHECKING:
    from balefire.event_log import EventLog
    from balefire.fan_out import FanOut
    from balefire.hooks import Hooks
    from balefire.membership import MemberTable
    from balefire.message_log import MessageLog
    from balefire.sessions import SessionTable
    from balefire_hookspecs import Clock, ContentType, ConversationKind, MessageStore, Providers

log = logging.getLogger(__name__)

MAX_LISTED: Final = 100
"""Users in ``to`` or ``mentions`` of one message."""
MAX_PUSH_TEXT: Final = 500
MAX_EXPIRES_AFTER_MS: Final = 2**53
MAX_WAITING_PER_SESSION: Final = 1000

DECIDE_SECONDS: Final = 30.0
"""What kind and policies may take together before the message is refused."""

COUNTED: Final = MessageFlags.COUNTED.value

Decided = Draft | Dropped


@dataclass(slots=True)
class PathServices:
    """What the path works with; the callables are read each time, because plugins may be reloaded."""

    providers: Callable[[], Providers]
    hooks: Callable[[], Hooks]
    store: Callable[[], MessageStore]
    clock: Clock
    sessions: SessionTable
    members: MemberTable
    events: EventLog
    max_message_bytes: int


class MessagePath:
    """Takes submissions in. ``log`` and ``fan_out`` are set by the kernel once all three exist."""

    log: MessageLog
    fan_out: FanOut

    def __init__(self, services: PathServices) -> None:
        self._on = services
        self._kinds: dict[str, ConversationKind] = {}
        self._types: dict[str, ContentType] = {}
        self._redirecting: dict[str, Redirecting] = {}
        self._waiting: dict[str, deque[tuple[Submission, Acknowledgement]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def refresh(self) -> None:
        """Plugins changed: look the providers up again."""
        providers = self._on.providers()
        self._kinds = dict(providers.conversation_kinds)
        self._types = dict(providers.content_types)
        self._redirecting = {name: kind for name, kind in self._kinds.items() if isinstance(kind, Redirecting)}

    # -- taking in -------------------------------------------------------------------------------------------------

    async def submit(self, submission: Submission) -> Message:
        """The path for everyone who can await; see ``PluginContext.submit``."""
        try:
            size = len(msgspec.json.encode(submission.payload))
        except (UnicodeEncodeError, TypeError) as error:
            raise InvalidInput(f"this cannot be written down as JSON: {error}", where="payload") from error
        if size > self._on.max_message_bytes:
            limit = self._on.max_message_bytes
            raise TooLarge(f"a message may have {limit} bytes, this one has {size}", where="payload")
        decided: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def done(message: Message | None, error: Exception | None) -> None:
            if decided.done():  # the caller went away; the message was sent all the same
                return
            if message is not None:
                decided.set_result(message)
            else:
                decided.set_exception(error or RuntimeError("neither message nor error"))

        self.offer(submission, done)
        return await decided

    def offer(self, submission: Submission, done: Acknowledgement) -> None:
        """The path for gateways: no task, no waiting; see ``Sessions.offer``."""
        waiting = self._waiting.get(submission.session_id)
        if waiting is not None and submission.session_id:
            if len(waiting) >= MAX_WAITING_PER_SESSION:
                done(None, Overloaded("too many messages of this session are waiting", retry_after_seconds=1))
            else:
                waiting.append((submission, done))
            return
        try:
            prepared = self._prepare(submission)
            if isinstance(prepared, Decided):
                self._accept(prepared, submission, done)
                return
        except (Exception, SystemExit) as error:
            _refuse(submission, done, error)
            return
        if submission.session_id:
            self._waiting[submission.session_id] = deque()
        task = asyncio.get_running_loop().create_task(self._offer_later(prepared, submission, done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _offer_later(self, prepared: Awaitable[Decided], submission: Submission, done: Acknowledgement) -> None:
        await self._settle(prepared, submission, done)
        waiting = self._waiting.get(submission.session_id)
        while waiting:
            following, its_done = waiting.popleft()
            try:
                its_prepared = self._prepare(following)
            except (Exception, SystemExit) as error:
                _refuse(following, its_done, error)
                continue
            await self._settle(its_prepared, following, its_done)
        self._waiting.pop(submission.session_id, None)

    async def _settle(
        self, prepared: Decided | Awaitable[Decided], submission: Submission, done: Acknowledgement
    ) -> None:
        try:
            if not isinstance(prepared, Decided):
                async with asyncio.timeout(DECIDE_SECONDS):
                    prepared = await contained(prepared)
            self._accept(prepared, submission, done)
        except (Exception, SystemExit) as error:
            _refuse(submission, done, error)

    def _accept(self, decided: Decided, submission: Submission, done: Acknowledgement) -> None:
        if isinstance(decided, Dropped):
            done(self._unstored(submission, self._on.clock.now_ms()), None)
            return
        submission = decided.submission
        if self._types[submission.payload.type].is_stored and self._kinds[submission.conversation.kind].is_stored:
            self.log.append(decided, done)
            return
        message = self._unstored(submission, decided.at)
        done(message, None)
        self.fan_out.deliver([(message, submission.session_id)])

    def _unstored(self, submission: Submission, at: int) -> Message:
        """What is acknowledged for content that is not kept, and for what a policy dropped without a word."""
        return Message(
            id=secrets.randbits(62),
            conversation=submission.conversation,
            seq=0,
            sender=submission.sender,
            client_message_id=submission.client_message_id,
            payload=submission.payload,
            at=at,
            origin=submission.origin,
            to=submission.to,
        )

    # -- checking --------------------------------------------------------------------------------------------------

    def _prepare(self, submission: Submission) -> Decided | Awaitable[Decided]:
        """Steps 1 to 3: decided at once when nothing has to wait, otherwise an awaitable of it.

        :raises InvalidInput: malformed. :raises MessageDenied: refused.
        """
        kind = self._validate(submission)
        redirecting = self._redirecting.get(kind.name)
        if redirecting is not None:
            submission = redirecting.redirect(submission)
        verdict = kind.authorize(submission)
        if isinstance(verdict, Denied):
            raise MessageDenied(verdict)
        if verdict is not None:
            return self._authorize_later(verdict, submission)
        hooks = self._on.hooks()
        if hooks.authorize_message.is_empty and hooks.amend_message.is_empty:
            return self._draft(submission)
        if hooks.authorize_message.is_immediate and hooks.amend_message.is_immediate:
            return run_now(self._ask_policies(submission))
        return self._ask_policies(submission)

    def _validate(self, submission: Submission) -> ConversationKind:
        kind = self._kinds.get(submission.conversation.kind)
        if kind is None:
            known = ", ".join(sorted(self._kinds))
            raise InvalidInput(f"no conversation kind {submission.conversation.kind!r}; there are {known}", where="to")
        if not 0 < len(submission.client_message_id) <= 64 or not submission.client_message_id.isprintable():
            raise InvalidInput("must have 1 to 64 printable characters", where="id")
        if len(submission.to) > MAX_LISTED:
            raise InvalidInput(f"at most {MAX_LISTED} users can be listed, got {len(submission.to)}", where="only")
        if not 0 <= submission.expires_after_ms <= MAX_EXPIRES_AFTER_MS:
            raise InvalidInput(f"must be 0 to {MAX_EXPIRES_AFTER_MS}", where="expires_after_ms")
        self._validate_payload(submission.payload, submission.origin)
        return kind

    def _validate_payload(self, payload: Payload, origin: str) -> None:
        content = self._types.get(payload.type)
        if content is None:
            raise InvalidInput(f"no content type {payload.type!r} is registered", where="type")
        if content.sent_by_server_only and origin != "admin":
            raise MessageDenied(Denied("server_only", f"content of type {payload.type!r} is made by the server only"))
        if len(payload.mentions) > MAX_LISTED:
            raise InvalidInput(
                f"at most {MAX_LISTED} users can be mentioned, got {len(payload.mentions)}", where="mentions"
            )
        if len(payload.push_text) > MAX_PUSH_TEXT:
            raise InvalidInput(f"at most {MAX_PUSH_TEXT} characters", where="push_text")
        check_fields(payload.fields)
        content.check(payload.fields)

    async def _authorize_later(self, verdict: Awaitable[Denied | None], submission: Submission) -> Decided:
        denied = await verdict
        if denied is not None:
            raise MessageDenied(denied)
        return await self._ask_policies(submission)

    async def _ask_policies(self, submission: Submission) -> Decided:
        hooks = self._on.hooks()
        try:
            verdict = await hooks.authorize_message(submission)
        except HookFailed as error:
            raise MessageDenied(Denied("policy_unavailable", "a policy could not decide; try again later")) from error
        if isinstance(verdict, Denied):
            raise MessageDenied(verdict)
        if isinstance(verdict, Dropped):
            log.info("message dropped by policy", extra={"sender": submission.sender, "reason": verdict.reason})
            return verdict
        if not hooks.amend_message.is_empty:
            payload = await hooks.amend_message(submission.payload, submission)
            if payload is not submission.payload:
                self._validate_payload(payload, submission.origin)
                submission = msgspec.structs.replace(submission, payload=payload)
        return self._draft(submission)

    def _draft(self, submission: Submission) -> Draft:
        kind = self._kinds[submission.conversation.kind]
        counted = self._types[submission.payload.type].is_counted
        return Draft(
            submission,
            self._on.clock.now_ms(),
            COUNTED if counted else 0,
            tuple(kind.initial_members(submission.conversation)),
        )

    async def stop(self) -> None:
        """Let what is under way finish."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5)


def _refuse(submission: Submission, done: Acknowledgement, error: BaseException) -> None:
    """Tell the sender. An error that nobody raised on purpose is a plugin's: it is logged with where to look."""
    if isinstance(error, BalefireError) and not isinstance(error, PluginFailed):
        done(None, error)
        return
    log.error(
        "conversation kind %r or content type %r failed to decide about a message",
        submission.conversation.kind,
        submission.payload.type,
        exc_info=error,
    )
    done(None, BalefireError("the server failed to decide about this message"))
