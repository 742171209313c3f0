"""What a connected client asks and gets: the upper half of a connection, one object per session."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import msgspec

from balefire import (
    BalefireError,
    Conversation,
    Device,
    Forbidden,
    Identity,
    InvalidInput,
    Member,
    Message,
    NotFound,
    Overloaded,
    Payload,
    Session,
    SlowDown,
    StorageUnavailable,
    Submission,
    TooLarge,
    Typing,
    Unauthenticated,
)
from balefire_gateway_websocket import frames
from balefire_gateway_websocket.early import Early
from balefire_gateway_websocket.encodings import TEXT, Encoding
from balefire_gateway_websocket.reading import Reading
from balefire_gateway_websocket.refusals import CLOSE_CODES, ENDED
from balefire_gateway_websocket.websocket import INVALID_DATA

if TYPE_CHECKING:
    from balefire_gateway_websocket.gateway import WebSocketGateway
    from balefire_gateway_websocket.websocket import WebSocket

DECODING_FAILED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
PROTOCOL_VERSION: Final = 1
MAX_REQUESTS_AT_ONCE: Final = 16
MAX_BAD_FRAMES: Final = 10
"""Frames that could not be understood, within one heartbeat period, before the connection is closed."""
MAX_REFUSED: Final = 300
"""Refused requests, in the same time, before the connection counts as flooding."""
MAX_TYPING: Final = 60
"""Typing notices, in the same time, that are passed on."""


class ClientSession:
    """Implements ``Connection`` for the kernel and ``Peer`` for the socket."""

    __slots__ = (
        "_bad_frames",
        "_gateway",
        "_is_lost",
        "_may_write",
        "_refused",
        "_requests",
        "_session",
        "_socket",
        "_state",
        "_typed",
        "platform",
        "representation",
        "write",
    )

    def __init__(self, gateway: WebSocketGateway, socket: WebSocket, encoding: Encoding) -> None:
        self._gateway = gateway
        self._socket = socket
        self.representation = encoding
        self.write: Callable[[bytes], None] = socket.write
        self.platform = ""
        self._may_write = False
        self._is_lost = False
        self._session: Session | None = None
        self._state: Identity | None = None
        self._requests = 0
        self._bad_frames = 0
        self._refused = 0
        self._typed = 0

    # -- from the socket -------------------------------------------------------------------------------------------

    def received(self, opcode: int, payload: bytes) -> None:
        try:
            if opcode != self.representation.opcode:
                raise msgspec.DecodeError(f"{self.representation.subprotocol} uses the other kind of message")
            frame = self.representation.decode(payload)
        except DECODING_FAILED as error:
            self._not_understood(payload, error)
            return
        if self._session is None:
            self._before_hello(frame)
        elif isinstance(frame, frames.Send):
            self._send(frame, self._session, len(payload))
        elif isinstance(frame, frames.Ping):
            self._answer(frames.Pong(id=frame.id, now=self._gateway.ctx.clock.now_ms()))
        elif isinstance(frame, frames.Hello):
            self._error(frame.id, InvalidInput("hello was said already", where="t"))
        else:
            self._request(frame)

    def caught_up(self) -> bytes:
        return self.representation.frame(frames.Resync(reason="slow_reader"))

    def lost(self) -> None:
        self._is_lost = True
        self._gateway.forget(self)
        if self._session is not None:
            self._gateway.ctx.sessions.close(self._session)

    def _not_understood(self, payload: bytes, error: Exception) -> None:
        if isinstance(error, UnicodeDecodeError) and self.representation.opcode == TEXT:
            self._socket.fail(INVALID_DATA, "text is UTF-8")
            return
        try:
            request_id = self.representation.decode_head(payload).id
        except DECODING_FAILED:
            request_id = ""
        self._bad_frames += 1
        if self._bad_frames >= MAX_BAD_FRAMES:
            self.close("bad_frames", "too many frames that cannot be understood")
        else:
            self._error(request_id, InvalidInput(f"this frame cannot be understood: {error}"))

    # -- hello -----------------------------------------------------------------------------------------------------

    def _before_hello(self, frame: frames.ClientFrame) -> None:
        if type(frame) is not frames.Hello:
            self.close("unauthenticated", "say hello first, and wait for welcome")
        elif PROTOCOL_VERSION not in frame.versions:
            self.close("unsupported_version", f"this server speaks protocol version {PROTOCOL_VERSION}")
        elif self._requests == 0:
            self._requests = 1
            self._start(self._hello(frame))

    async def _hello(self, frame: frames.Hello) -> None:
        try:
            identity = await self._identify(frame)
            if not self._is_lost:
                await self._open(identity, frame)
        except (Unauthenticated, Forbidden) as error:
            self._error(frame.id, error)
            self.close("unauthenticated", error.reason)
        except Exception as error:
            self._error(frame.id, error)
            wait = random.randint(500, 5000)  # noqa: S311 - spreads the herd, guards nothing
            self.close("unavailable", "nobody can be let in now; come back", reconnect_after_ms=wait)

    async def _identify(self, frame: frames.Hello) -> Identity:
        identity = await self._gateway.ctx.authenticate(frame.token)
        if not identity.may("messages:read"):
            raise Forbidden("this token does not carry the scope messages:read")
        if not frame.device:
            return identity
        if identity.device_id not in ("", frame.device):
            raise Unauthenticated("this token was issued to another device", where="device")
        return msgspec.structs.replace(identity, device_id=frame.device)

    async def _open(self, identity: Identity, frame: frames.Hello) -> None:
        gateway = self._gateway
        self.platform = frame.platform
        early = Early()
        self.write = early.write  # welcome comes before anything else
        try:
            session = await gateway.ctx.sessions.open(identity, self, platform=self.platform)
        finally:
            self.write = self._socket.write
        if self._is_lost:  # while we were looking up the conversations
            gateway.ctx.sessions.close(session)
            return
        self._session, self._state = session, identity
        self._may_write = identity.may("messages:write")
        self._requests = 0
        gateway.greeted(self, self._socket)
        self._answer(
            frames.Welcome(
                id=frame.id,
                version=PROTOCOL_VERSION,
                session=session.id,
                user=identity.user,
                now=gateway.ctx.clock.now_ms(),
                heartbeat_ms=gateway.heartbeat_ms,
                limits=gateway.limits,
            )
        )
        for delivered in early.frames if early.is_whole else (self.caught_up(),):
            self.write(delivered)

    # -- sending ---------------------------------------------------------------------------------------------------

    def _send(self, frame: frames.Send, session: Session, size: int) -> None:
        identity = session.identity
        try:
            if size > self._gateway.max_message_bytes:
                limit = self._gateway.max_message_bytes
                raise TooLarge(f"a message may have {limit} bytes, this one has {size}", where="fields")
            if not self._may_write:
                raise Forbidden("this token does not carry the scope messages:write")
            submission = Submission(
                sender=identity.user,
                conversation=self._gateway.resolve(frame.to, identity.user),
                payload=Payload(frame.type, frame.fields, frame.mentions, frame.push_text),
                client_message_id=frame.id,
                to=frame.only,
                expires_after_ms=frame.expires_after_ms,
                session_id=session.id,
            )
        except BalefireError as error:
            self._error(frame.id, error)
            return

        def done(message: Message | None, error: Exception | None) -> None:
            if message is None:
                self._error(frame.id, error)
                return
            sent = frames.Sent(
                id=frame.id,
                message=str(message.id),
                in_=message.conversation.key,
                seq=message.seq,
                at=message.at,
            )
            self.write(self.representation.frame(sent))

        self._gateway.offer(submission, done)

    # -- other requests --------------------------------------------------------------------------------------------

    def _request(self, frame: frames.Request) -> None:
        if self._requests >= MAX_REQUESTS_AT_ONCE:
            if not isinstance(frame, frames.TypingNotice):  # of those, what comes too often is left out
                self._error(frame.id, SlowDown(f"{MAX_REQUESTS_AT_ONCE} requests are under way", retry_after_seconds=1))
            return
        self._requests += 1
        self._start(self._serve(frame))

    async def _serve(self, frame: frames.Request) -> None:
        try:
            answer = await self._handle(frame)
            if answer is not None:
                self._answer(answer)
        except Exception as error:
            self._error(frame.id, error)
        finally:
            self._requests -= 1

    def _handle(self, frame: frames.Request) -> Awaitable[frames.Frame | None]:
        match frame:
            case frames.ListConversations():
                return self._reading().conversations(frame)
            case frames.Sync():
                return self._reading().sync(frame)
            case frames.History():
                return self._reading().history(frame)
            case frames.Mark():
                return self._mark(frame)
            case frames.TypingNotice():
                return self._typing(frame)
            case frames.Watch():
                return self._watch(frame)
            case frames.RegisterDevice():
                return self._device(frame)
            case frames.Recall():
                return self._recall(frame)

    async def _mark(self, frame: frames.Mark) -> frames.Frame:
        member = await self._gateway.ctx.members.mark(
            self._resolve(frame.in_), self._user, read_seq=frame.read, delivered_seq=frame.delivered
        )
        return frames.Ok(id=frame.id, read=member.read_seq, delivered=member.delivered_seq)

    async def _watch(self, frame: frames.Watch) -> frames.Frame:
        if self._session is not None:
            self._gateway.ctx.sessions.watch(self._session, frame.users)
        return frames.Ok(id=frame.id)

    async def _device(self, frame: frames.RegisterDevice) -> frames.Frame:
        device_id = self._identity.device_id
        if not device_id:
            raise InvalidInput("say hello with a device id before registering where to push", where="device")
        ctx = self._gateway.ctx
        now = ctx.clock.now_ms()
        await ctx.store.put_device(
            Device(
                user=self._user,
                id=device_id,
                platform=self.platform,
                vendor=frame.vendor,
                token=frame.token,
                voip_token=frame.voip_token,
                app=frame.app,
                environment=frame.environment,
                language=frame.language,
                timezone=frame.timezone,
                last_seen_at=now,
                registered_at=now,
            )
        )
        await ctx.emit("device.registered", user=self._user, data={"device": device_id, "vendor": frame.vendor})
        return frames.Ok(id=frame.id)

    async def _recall(self, frame: frames.Recall) -> frames.Frame:
        number = int(frame.message)
        if number >= 2**63:
            raise NotFound(f"there is no message {number}")
        await self._gateway.ctx.recall(number, by=self._user)
        return frames.Ok(id=frame.id)

    async def _typing(self, frame: frames.TypingNotice) -> None:
        """Passed on to the conversation when the sender is in it; answered by an error at most."""
        self._typed += 1
        if self._typed > MAX_TYPING:
            return
        members = self._gateway.ctx.members
        conversation = self._resolve(frame.in_)
        found = members.get(conversation, self._user)
        member = found if found is None or isinstance(found, Member) else await found
        if member is not None and member.role != "removed":
            members.tell(Typing(conversation, self._user, frame.on), conversation)

    # -- to the socket ---------------------------------------------------------------------------------------------

    def close(self, code: str, reason: str, *, reconnect_after_ms: int | None = None) -> None:
        """Say ``bye`` and close; also the kernel's way of ending a session."""
        if code == "draining" and reconnect_after_ms is None:
            reconnect_after_ms = random.randint(0, 5000)  # noqa: S311 - spreads the herd, guards nothing
        elif code == "timeout":  # the network's fault, more often than the client's
            reconnect_after_ms = 0
        bye = frames.Bye(code=code, reason=reason, reconnect_after_ms=reconnect_after_ms)
        self._socket.close(CLOSE_CODES.get(code, ENDED), code, self.representation.frame(bye))

    def sweep(self, now_ms: int) -> None:
        """Once per heartbeat period: end what is silent or expired, and forgive old mistakes."""
        identity = self._state
        if identity is not None and 0 < identity.expires_at <= now_ms:
            self.close("token_expired", "the token has expired; reconnect with a new one")
        elif self._socket.silent_sweeps >= 2:
            self.close("timeout", "nothing was heard for two heartbeat periods")
        self._socket.silent_sweeps += 1
        self._bad_frames = self._refused = self._typed = 0

    def _answer(self, frame: frames.Frame) -> None:
        self.write(self.representation.frame(frame))

    def _error(self, request_id: str, error: Exception | None) -> None:
        if not isinstance(error, StorageUnavailable | Overloaded):  # those are no fault of the client's
            self._refused += 1
        if self._refused > MAX_REFUSED:
            self.close("flooding", "too many refused requests; slow down", reconnect_after_ms=30_000)
        else:
            self._answer(self._gateway.error_frame(request_id, error))

    # -- small things ----------------------------------------------------------------------------------------------

    @property
    def _identity(self) -> Identity:
        if self._state is None:
            raise Unauthenticated("say hello first")
        return self._state

    @property
    def _user(self) -> str:
        return self._identity.user

    def _resolve(self, key: str) -> Conversation:
        try:
            return self._gateway.resolve(key, self._user)
        except InvalidInput as error:
            raise InvalidInput(error.reason, where="in") from None

    def _reading(self) -> Reading:
        return Reading(self._gateway.ctx, self._user, self.representation)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._gateway.run(work)
