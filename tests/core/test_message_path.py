"""The message path: what policies may do to a message, and that order and durability hold whatever they do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.gateway.talking import signed_in

from balefire import (
    Allowed,
    Conversation,
    Denied,
    Dropped,
    InvalidInput,
    Message,
    MessageDenied,
    Payload,
    StorageFull,
    Submission,
    Verdict,
    hookimpl,
)
from balefire.message_log import MAX_BATCH
from balefire.testing import Platform, start_platform

NO_LIMIT = {"rate-limit": {"enabled": False}}
ALICE_BOB = Conversation("private", "alice,bob")


def said(text: str, key: str, **more: object) -> Submission:
    fields = {"sender": "alice", "conversation": ALICE_BOB, "client_message_id": key, **more}
    return Submission(payload=Payload("text", {"text": text}), **fields)  # type: ignore[arg-type]  # by name


class Policy:
    """A policy made of a function; waits first when ``gate`` is given."""

    def __init__(self, decide: Callable[[Submission], Verdict | None], gate: asyncio.Event | None = None) -> None:
        self.decide = decide
        self.gate = gate

    @hookimpl
    async def authorize_message(self, submission: Submission) -> Verdict | None:
        if self.gate is not None and submission.payload.fields["text"] == "slow":
            await self.gate.wait()
        return self.decide(submission)


class QuickPolicy:
    """A plain function: keeps messages on the path without a task."""

    @hookimpl
    def authorize_message(self, submission: Submission) -> Verdict | None:
        return Denied("no_shouting", "please speak softly") if submission.payload.fields["text"].isupper() else None


class Amender:
    @hookimpl
    def amend_message(self, payload: Payload) -> Payload | None:
        if "darn" not in payload.fields.get("text", ""):
            return None
        return Payload("text", {"text": payload.fields["text"].replace("darn", "***")})


async def people(platform: Platform) -> None:
    await platform.add_user("alice")
    await platform.add_user("bob")


async def stored(platform: Platform) -> list[str]:
    return [m.payload.fields["text"] for m in await platform.kernel.store.history(ALICE_BOB)]


# -- policies ----------------------------------------------------------------------------------------------------------


async def test_a_policy_may_refuse_with_its_own_code(tmp_path: Path) -> None:
    async with start_platform(tmp_path, extra={"quiet": QuickPolicy()}) as platform:
        await people(platform)

        with pytest.raises(MessageDenied) as refused:
            await platform.kernel.path.submit(said("LOUD", "1"))
        await platform.kernel.path.submit(said("soft", "2"))

        assert refused.value.denied.code == "no_shouting"
        assert await stored(platform) == ["soft"]


async def test_a_dropped_message_is_acknowledged_and_stored_nowhere(tmp_path: Path) -> None:
    policy = Policy(lambda s: Dropped("spam") if "buy" in s.payload.fields["text"] else None)
    async with start_platform(tmp_path, extra={"spam": policy}) as platform:
        await people(platform)

        message = await platform.kernel.path.submit(said("buy now", "1"))

        assert message.seq == 0
        assert await stored(platform) == []


async def test_the_first_verdict_decides(tmp_path: Path) -> None:
    asked: list[str] = []

    def allow(_: Submission) -> Verdict:
        asked.append("first")
        return Allowed()

    def deny(_: Submission) -> Verdict:
        asked.append("second")
        return Denied("never", "never")

    extra = {"first": Policy(allow), "second": Policy(deny)}
    async with start_platform(tmp_path, extra=extra) as platform:
        await people(platform)
        await platform.kernel.path.submit(said("hi", "1"))

    assert asked == ["first"]


async def test_a_policy_that_fails_refuses_the_message(tmp_path: Path) -> None:
    def break_down(_: Submission) -> Verdict:
        raise ZeroDivisionError

    async with start_platform(tmp_path, extra={"broken": Policy(break_down)}) as platform:
        await people(platform)

        with pytest.raises(MessageDenied) as refused:
            await platform.kernel.path.submit(said("hi", "1"))

    assert refused.value.denied.code == "policy_unavailable"


async def test_a_message_may_be_amended_and_a_failing_amendment_is_left_out(tmp_path: Path) -> None:
    class Broken:
        @hookimpl
        async def amend_message(self, payload: Payload) -> Payload | None:
            raise RuntimeError(payload.type)

    async with start_platform(tmp_path, extra={"broken": Broken(), "soap": Amender()}) as platform:
        await people(platform)
        await platform.kernel.path.submit(said("darn it", "1"))

        assert await stored(platform) == ["*** it"]


async def test_messages_behind_a_slow_policy_keep_their_order(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with (
        start_platform(tmp_path, extra={"slow": Policy(lambda _: None, gate)}) as platform,
        signed_in(platform, "alice") as alice,
        signed_in(platform, "bob") as bob,
    ):
        for text in ("slow", "quick", "quicker"):
            await alice.say("send", id=text, to="private/bob", fields={"text": text})
        await bob.say("send", id="mine", to="private/alice", fields={"text": "other sessions go on"})
        assert (await alice.until("message"))["fields"] == {"text": "other sessions go on"}
        gate.set()

        assert [(await bob.until("message"))["id"] for _ in range(3)] == ["slow", "quick", "quicker"]


# -- the log -----------------------------------------------------------------------------------------------------------


async def test_a_full_store_refuses_and_the_same_id_goes_through_later(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people(platform)

    async def full(_: object) -> Awaitable[None]:
        raise StorageFull("the disk is full; make room and send again with the same id")

    with monkeypatch.context() as patch:
        patch.setattr(platform.kernel.store, "append", full)
        with pytest.raises(StorageFull):
            await platform.kernel.path.submit(said("patience", "1"))
    message = await platform.kernel.path.submit(said("patience", "1"))

    assert message.seq == 1
    assert await stored(platform) == ["patience"]


async def test_more_than_a_batch_at_once_is_stored_in_order(tmp_path: Path) -> None:
    count = MAX_BATCH + 500
    async with start_platform(tmp_path, plugins=NO_LIMIT) as platform:
        await people(platform)

        messages = await asyncio.gather(*(platform.kernel.path.submit(said(str(n), f"k{n}")) for n in range(count)))

    assert [m.seq for m in messages] == list(range(1, count + 1))
    assert sorted(m.id for m in messages) == [m.id for m in messages]


async def test_equal_submissions_at_once_are_one_message(platform: Platform) -> None:
    await people(platform)

    messages = await asyncio.gather(*(platform.kernel.path.submit(said("once", "same")) for _ in range(50)))

    assert len({m.id for m in messages}) == 1
    assert await stored(platform) == ["once"]


@pytest.mark.parametrize("key", ["", "x" * 65, "a\x00b", "line\nbreak", "\ud800"])
async def test_an_id_that_databases_cannot_keep_is_refused_alone(platform: Platform, key: str) -> None:
    await people(platform)

    outcomes = await asyncio.gather(
        platform.kernel.path.submit(said("good", "1")),
        platform.kernel.path.submit(said("bad", key)),
        return_exceptions=True,
    )

    assert isinstance(outcomes[0], Message)
    assert isinstance(outcomes[1], InvalidInput)


@pytest.mark.parametrize("text", ["\ud800", object()])
async def test_a_payload_that_is_no_json_is_refused_alone(platform: Platform, text: object) -> None:
    await people(platform)

    with pytest.raises(InvalidInput):
        await platform.kernel.path.submit(said(text, "1"))  # type: ignore[arg-type]  # what a faulty plugin may do


class Recorder:
    """An acknowledgement that keeps what it was told."""

    message: Message | None = None
    error: Exception | None = None

    def __call__(self, message: Message | None, error: Exception | None, /) -> None:
        self.message, self.error = message, error


@pytest.mark.parametrize(
    "value",
    [
        2**63,
        -(2**63) - 1,
        float("nan"),
        b"bytes",
        {1: "a number as key"},
        [[{"deep": msgspec.msgpack.Ext(5, b"x")}]],
        json.loads("[" * 40 + "]" * 40),
    ],
    ids=["large", "small", "not a number", "bytes", "key", "extension", "deep"],
)
async def test_a_value_that_one_encoding_cannot_carry_is_refused_before_it_harms_others(
    platform: Platform, value: object
) -> None:
    await people(platform)
    refused = Recorder()
    good = asyncio.create_task(platform.kernel.path.submit(said("good", "1")))
    await asyncio.sleep(0)
    bad = said("bad", "2")
    bad = msgspec.structs.replace(bad, payload=Payload("text", {"text": "x", "extra": {"value": value}}))
    platform.kernel.path.offer(bad, refused)

    assert isinstance(await good, Message)
    assert isinstance(refused.error, InvalidInput)
    assert refused.error.where == "fields.extra"


async def test_an_expiry_that_no_database_can_hold_is_refused(platform: Platform) -> None:
    await people(platform)
    refused = Recorder()
    platform.kernel.path.offer(msgspec.structs.replace(said("x", "1"), expires_after_ms=2**70), refused)

    assert isinstance(refused.error, InvalidInput)
    assert refused.error.where == "expires_after_ms"


async def test_a_caller_who_goes_away_does_not_stop_the_message(platform: Platform) -> None:
    await people(platform)
    leaving = asyncio.create_task(platform.kernel.path.submit(said("sent", "1")))
    await asyncio.sleep(0)

    leaving.cancel()

    async with asyncio.timeout(5):
        while await stored(platform) != ["sent"]:
            await asyncio.sleep(0.01)


# -- handing out -------------------------------------------------------------------------------------------------------


async def test_plugins_hear_of_stored_messages_and_of_presence(tmp_path: Path) -> None:
    heard: list[object] = []

    class Listener:
        @hookimpl
        def on_message_stored(self, message: Message) -> None:
            heard.append(message.payload.fields["text"])

        @hookimpl
        async def on_presence_changed(self, user: str, is_online: bool) -> None:
            heard.append((user, is_online))

    async with start_platform(tmp_path, extra={"ear": Listener()}) as platform:
        await people(platform)
        async with signed_in(platform, "alice") as alice:
            await alice.ask("send", id="1", to="private/bob", fields={"text": "hi"})
        async with asyncio.timeout(5):
            while ("alice", False) not in heard:
                await asyncio.sleep(0.01)

    assert heard == [("alice", True), "hi", ("alice", False)]


async def test_a_kind_that_cannot_name_its_audience_harms_nobody_else(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with signed_in(platform, "alice") as alice, signed_in(platform, "bob") as bob:
        kind = platform.kernel.providers.conversation_kinds["private"]
        audience = kind.audience

        def audience_or_not(message: Message) -> object:
            if message.client_message_id == "broken":
                raise KeyError("who?")
            return audience(message)

        monkeypatch.setattr(kind, "audience", audience_or_not)
        await alice.say("send", id="broken", to="private/bob", fields={"text": "lost on the way"})
        await alice.say("send", id="whole", to="private/bob", fields={"text": "arrives"})

        assert (await bob.until("message"))["id"] == "whole"
        page = await bob.ask("sync", id="s", cursors={"private/alice,bob": 0})

    assert [m["id"] for m in page["messages"]] == ["broken", "whole"]


async def test_a_directed_message_leaves_no_gap_for_the_others(platform: Platform) -> None:
    for name in ("alice", "bob", "carol"):
        await platform.add_user(name)
    made = await platform.http.post(
        "/v1/groups", json={"id": "team", "name": "Team", "owner": "alice", "members": ["bob", "carol"]}
    )
    assert made.is_success, made.text
    async with (
        signed_in(platform, "alice") as alice,
        signed_in(platform, "bob") as bob,
        signed_in(platform, "carol") as carol,
    ):
        sent = await alice.ask("send", id="1", to="group/team", fields={"text": "for bob"}, only=["bob"])
        after = await alice.ask("send", id="2", to="group/team", fields={"text": "for all"})

        assert (await bob.until("message", id="1"))["only"] == ["bob"]
        assert await carol.until("hole") == {"t": "hole", "in": "group/team", "seq": sent["seq"]}
        assert (await carol.until("message", id="2"))["seq"] == after["seq"] == sent["seq"] + 1
        page = await carol.ask("sync", id="s", cursors={"group/team": sent["seq"] - 1})

    assert [m["id"] for m in page["messages"]] == ["2"]
    assert page["upto"] == {"group/team": after["seq"]}


async def test_an_expired_message_is_not_shown_any_more(platform: Platform) -> None:
    await people(platform)
    await platform.kernel.path.submit(said("brief", "1", expires_after_ms=1))
    await platform.kernel.path.submit(said("lasting", "2"))
    await asyncio.sleep(0.01)

    seen = await platform.kernel.reader.history(ALICE_BOB, "bob")

    assert [m.payload.fields["text"] for m in seen] == ["lasting"]


async def test_what_was_waiting_when_the_platform_stops_is_stored(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins=NO_LIMIT) as platform:
        await people(platform)
        sending = [asyncio.create_task(platform.kernel.path.submit(said(str(n), str(n)))) for n in range(300)]
        await asyncio.sleep(0)

    acknowledged = [task.result() for task in sending if not task.cancelled() and task.exception() is None]
    async with start_platform(tmp_path) as platform:
        kept = {m.id for m in await platform.kernel.store.history(ALICE_BOB, limit=1000)}

    assert len(acknowledged) == 300
    assert {m.id for m in acknowledged} <= kept


def test_values_are_frozen() -> None:
    with pytest.raises(AttributeError):
        said("x", "1").sender = "eve"  # type: ignore[misc]  # the point of the test
    assert msgspec.structs.replace(said("x", "1"), sender="eve").sender == "eve"
