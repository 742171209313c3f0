"""Whatever a plugin hands over may raise, hang or exit: the platform answers, goes on, and names it (I6)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from tests.push.waiting import until

from balefire import (
    Audience,
    BalefireError,
    Conversation,
    ConversationKind,
    Gateway,
    Identity,
    Message,
    Payload,
    PluginContext,
    RawRoute,
    Representation,
    Route,
    Settings,
    Submission,
    Typing,
    Unauthenticated,
    hookimpl,
)
from balefire.client import Client, RequestFailed
from balefire.testing import Platform, start_platform


class Misbehaves:
    """Does in each place what ``acts`` holds for it."""

    name = "odd"
    is_stored = True
    is_listed = False
    attaches_members = False
    number = 0
    is_counted = True
    sent_by_server_only = False

    def __init__(self, **acts: Callable[[], Any]) -> None:
        self.acts = acts

    def act(self, place: str, otherwise: Any = None) -> Any:
        return self.acts[place]() if place in self.acts else otherwise

    @hookimpl
    def register_conversation_kinds(self) -> list[ConversationKind]:
        return [cast(ConversationKind, self)]

    @hookimpl
    def register_content_types(self) -> list[Any]:
        return [self]

    @hookimpl
    def register_gateways(self) -> list[Gateway]:
        return [cast(Gateway, self)] if "drain" in self.acts else []

    @hookimpl
    def register_authenticators(self) -> list[Any]:
        return [self] if "authenticate" in self.acts else []

    @hookimpl
    def register_routes(self) -> list[Route]:
        return cast("list[Route]", self.act("routes", []))

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Settings]) -> AsyncIterator[None]:
        if "changed" in self.acts:
            ctx.watch_providers(self.acts["changed"])
        yield

    def resolve(self, target: str, speaker: str) -> str:
        return target

    def authorize(self, submission: Submission) -> Any:
        return self.act("authorize")

    def audience(self, message: Message) -> Audience | Awaitable[Audience]:
        return cast(Audience, self.act("audience", Audience("everyone")))

    def initial_members(self, conversation: Conversation) -> Sequence[str]:
        return ()

    async def visibility(self, conversation: Conversation, reader: str) -> None: ...

    def check(self, fields: dict[str, Any]) -> None:
        self.act("check")

    def digest(self, payload: Payload, language: str) -> str:
        return "odd"

    def authenticate(self, credential: str) -> Any:
        return self.act("authenticate")

    async def drain(self, spread_seconds: float) -> None:
        await self.act("drain")


def raises() -> Any:
    raise ValueError("broken")


def exits() -> Any:
    raise SystemExit(3)


async def raises_later() -> Any:
    raise ValueError("broken")


async def exits_later() -> Any:
    raise SystemExit(3)


async def cancels_itself() -> Any:
    raise asyncio.CancelledError


async def hangs() -> Any:
    await asyncio.Event().wait()


AT_ONCE: list[Callable[[], Any]] = [raises, exits]
LATER: list[Callable[[], Any]] = [raises_later, exits_later, cancels_itself]


def odd(number: int, content: str = "text") -> Submission:
    return Submission(
        sender="alice",
        conversation=Conversation("odd", "room"),
        payload=Payload(content, {"text": f"message {number}"}),
        client_message_id=f"odd-{number}",
    )


async def talker(platform: Platform) -> Client:
    await platform.add_user("bob")
    return await platform.client("alice")


async def refused(platform: Platform, number: int, content: str = "text") -> BalefireError:
    with pytest.raises(BalefireError) as caught:
        await asyncio.wait_for(platform.kernel.path.submit(odd(number, content)), 10)
    return caught.value


@pytest.mark.parametrize("act", [*AT_ONCE, *LATER])
async def test_a_kind_that_fails_refuses_the_message_and_is_named(
    tmp_path: Path, act: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    plugin = Misbehaves(authorize=act)
    async with start_platform(tmp_path, extra={"odd": plugin}) as platform:
        alice = await talker(platform)
        error = await refused(platform, 1)
        plugin.acts.clear()
        message = await platform.kernel.path.submit(odd(2))

        assert (error.code, message.seq) == ("internal_error", 1)
        assert "conversation kind 'odd'" in caplog.text
        assert (await alice.send("private/bob", "still here")).seq == 1


async def test_a_kind_that_hangs_refuses_in_time_and_what_waited_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balefire.message_path.DECIDE_SECONDS", 0.05)
    plugin = Misbehaves(authorize=hangs)
    async with start_platform(tmp_path, extra={"odd": plugin}) as platform:
        alice = await talker(platform)
        stuck, behind = await asyncio.gather(
            alice.send("odd/room", "first"), alice.send("private/bob", "second"), return_exceptions=True
        )

        assert isinstance(stuck, RequestFailed)
        assert not isinstance(behind, BaseException)
        assert behind.seq == 1


@pytest.mark.parametrize("act", AT_ONCE)
async def test_a_content_type_that_fails_refuses_the_message_and_is_named(
    tmp_path: Path, act: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with start_platform(tmp_path, extra={"odd": Misbehaves(check=act)}) as platform:
        error = await refused(platform, 1, "odd")

        assert error.code == "internal_error"
        assert "content type 'odd'" in caplog.text


@pytest.mark.parametrize("act", [*AT_ONCE, *LATER])
async def test_a_kind_that_knows_no_audience_costs_its_own_deliveries_only(
    tmp_path: Path, act: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with start_platform(tmp_path, extra={"odd": Misbehaves(audience=act)}) as platform:
        alice = await talker(platform)
        await platform.kernel.path.submit(odd(1))
        assert (await alice.send("private/bob", "hello")).seq == 1

        await until(lambda: "a message of kind 'odd' could not be handed out" in caplog.text)


class Plain:
    """A gateway's end of a session, and its representation: both fail if told to."""

    def __init__(self, fails_at: str = "") -> None:
        self.fails_at = fails_at
        self.written: list[bytes] = []

    @property
    def representation(self) -> Representation:
        return cast(Representation, self)

    def encode(self, delivery: object) -> bytes:
        if self.fails_at == "encode":
            raise ValueError("broken")
        return b"frame"

    def write(self, frames: bytes) -> None:
        if self.fails_at == "write":
            raise OSError("broken")
        self.written.append(frames)

    def close(self, code: str, reason: str) -> None: ...


@pytest.mark.parametrize("place", ["encode", "write"])
async def test_a_gateway_that_cannot_deliver_costs_its_own_sessions_only(
    tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with start_platform(tmp_path) as platform:
        kernel = platform.kernel
        broken, whole = Plain(place), Plain()
        for user, connection in (("alice", broken), ("bob", whole)):
            await platform.add_user(user)
            await kernel.sessions.open(Identity(user=user), connection, platform="web")
            kernel.sessions.attach(Conversation("group", "g1"), user)
        room = Conversation("group", "g1")
        message = Message(
            id=1, conversation=room, seq=1, sender="carol", client_message_id="c", payload=Payload("text", {}), at=1
        )

        kernel.sessions.deliver_to_room(room, [message], [""])
        kernel.sessions.deliver_to_users(message, ["alice", "bob"], "")
        kernel.sessions.signal(Typing(room, "carol"), users=["alice", "bob"])

        assert whole.written == [b"frame"] * 3
        assert "Plain" in caplog.text


async def test_listeners_that_fail_cost_only_themselves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with start_platform(tmp_path, extra={"odd": Misbehaves(changed=exits)}) as platform:
        alice = await talker(platform)
        await platform.kernel.reload_plugin("content")

        assert {record.state for record in platform.kernel.host.records.values()} == {"running"}
        assert "plugin 'odd'" in caplog.text
        assert (await alice.send("private/bob", "hello")).seq == 1


@pytest.mark.parametrize("act", [*AT_ONCE, *LATER, hangs])
async def test_a_gateway_that_fails_to_drain_does_not_keep_the_platform_from_stopping(
    tmp_path: Path, act: Callable[[], Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balefire.kernel.DRAIN_SECONDS", 0.05)
    settings = {"server": {"drain_seconds": 0.0}}
    async with start_platform(tmp_path, extra={"odd": Misbehaves(drain=act)}, settings=settings) as platform:
        closed: list[bool] = []
        database = platform.kernel.database
        close = database.close

        async def note() -> None:
            await close()
            closed.append(True)

        monkeypatch.setattr(database, "close", note)

    assert "gateway 'odd' could not be drained" in caplog.text
    assert closed == [True]


ASKED_FIRST: dict[str, dict[str, Any]] = {"odd": {}, "auth-tokens": {}, "auth-keys": {}, "auth-passwords": {}}


@pytest.mark.parametrize("act", [*AT_ONCE, *LATER, hangs])
async def test_an_authenticator_that_fails_does_not_stand_in_for_the_others(
    tmp_path: Path, act: Callable[[], Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balefire.authentication.AUTHENTICATE_SECONDS", 0.05)
    async with start_platform(tmp_path, extra={"odd": Misbehaves(authenticate=act)}, plugins=ASKED_FIRST) as platform:
        token = await platform.token("alice")

        assert next(iter(platform.kernel.providers.authenticators)) == "odd"
        assert (await platform.kernel.authenticate(token)).user == "alice"
        assert "authenticator 'odd' failed" in caplog.text
        with pytest.raises(BalefireError) as nobody:
            await platform.kernel.authenticate("nonsense")
        assert nobody.value.code == "authentication_unavailable"


async def test_an_authenticator_that_refuses_has_the_last_word(tmp_path: Path) -> None:
    def refuses() -> None:
        raise Unauthenticated("expired")

    async with start_platform(
        tmp_path, extra={"odd": Misbehaves(authenticate=refuses)}, plugins=ASKED_FIRST
    ) as platform:
        with pytest.raises(Unauthenticated, match="expired"):
            await platform.kernel.authenticate(await platform.token("alice"))


@pytest.mark.parametrize("path", [None, 5, "no-slash", "/{", "/x{y:[}", "/ok/{a}/{a}"])
async def test_a_route_that_cannot_be_added_leaves_the_others(
    tmp_path: Path, path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: Any) -> Any: ...

    plugin = Misbehaves(routes=lambda: [RawRoute("GET", path, handler), RawRoute(cast(Any, 7), "/odd", handler)])
    async with start_platform(tmp_path, extra={"odd": plugin}) as platform:
        answer = await platform.http.get("/readyz")

        assert answer.status_code == 200
        assert "plugin 'odd': route" in caplog.text
