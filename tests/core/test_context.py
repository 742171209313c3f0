"""What a plugin's context promises, on a running platform."""

import asyncio
import inspect
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.push.waiting import until

from balefire import (
    Allowed,
    Conversation,
    Denied,
    InvalidInput,
    Manifest,
    Message,
    MessageDenied,
    MessageFlags,
    NotFound,
    Payload,
    PluginContext,
    PushCandidate,
    PushChoice,
    Settings,
    Submission,
    Verdict,
    hookimpl,
)
from balefire.testing import Platform, start_platform


class Witness:
    """Implements every per-event hook, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.ctx: PluginContext[Settings]

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest("Hears everything")

    @hookimpl
    async def lifespan(self, ctx: PluginContext[Settings]) -> AsyncIterator[None]:
        self.ctx = ctx
        yield

    @hookimpl
    def authorize_message(self, submission: Submission) -> Verdict | None:
        text = submission.payload.fields.get("text")
        return Denied("rude", "be kind") if text == "rude" else Allowed() if text == "fine" else None

    @hookimpl
    async def amend_message(self, payload: Payload, submission: Submission) -> Payload | None:
        return Payload("text", {"text": f"{payload.fields['text']}!"}) if payload.type == "text" else None

    @hookimpl
    async def on_message_stored(self, message: Message) -> None:
        self.told.append(("stored", message.payload.fields.get("text")))

    @hookimpl
    async def on_message_recalled(self, message: Message, by: str) -> None:
        self.told.append(("recalled", message.seq, by))

    @hookimpl
    async def choose_push(self, candidate: PushCandidate) -> PushChoice | None:
        return PushChoice(is_allowed=False, reason="the witness says no")

    @hookimpl
    async def on_push_rejected(self, user: str, vendor: str, reason: str) -> None:
        self.told.append(("push rejected", user, vendor, reason))

    @hookimpl
    async def on_channel_subscribed(self, conversation: Conversation, user: str) -> None:
        self.told.append(("subscribed", conversation.key, user))

    @hookimpl
    async def on_channel_unsubscribed(self, conversation: Conversation, user: str) -> None:
        self.told.append(("unsubscribed", conversation.key, user))

    @hookimpl
    async def on_presence_changed(self, user: str, is_online: bool) -> None:
        self.told.append(("presence", user, is_online))


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
async def platform(tmp_path: Path, witness: Witness) -> AsyncIterator[Platform]:
    async with start_platform(tmp_path, extra={"witness": witness}) as platform:
        for user in ("alice", "bob"):
            await platform.add_user(user)
        yield platform


def note(text: str, number: int = 1) -> Submission:
    return Submission(
        sender="alice",
        conversation=Conversation("private", "alice,bob"),
        payload=Payload("text", {"text": text}),
        client_message_id=f"n-{number}",
    )


async def test_a_plugin_hears_decides_and_amends_what_is_said(platform: Platform, witness: Witness) -> None:
    sent = await witness.ctx.submit(note("hello"))
    with pytest.raises(MessageDenied, match="be kind"):
        await witness.ctx.submit(note("rude", 2))
    recalled = await witness.ctx.recall(sent.id, by="alice")

    assert sent.payload.fields == {"text": "hello!"}
    assert recalled.is_recalled
    await until(lambda: len(witness.told) == 2)
    assert witness.told == [("stored", "hello!"), ("recalled", 1, "alice")]
    [kept] = await witness.ctx.history(sent.conversation, "bob")
    assert kept.is_recalled


async def test_a_recall_that_was_cut_off_is_told_when_it_is_repeated(platform: Platform, witness: Witness) -> None:
    sent = await witness.ctx.submit(note("hello"))
    notice = Payload("recalled", {"by": "alice"})
    await platform.kernel.store.replace_payload(sent.id, notice, sent.flags | MessageFlags.RECALLED)  # and killed here

    await witness.ctx.recall(sent.id, by="bob")
    assert "message.recalled" not in await _kinds(platform), "somebody else's repeat is none"
    await witness.ctx.recall(sent.id, by="alice")

    assert (await _kinds(platform)).count("message.recalled") == 1


async def _kinds(platform: Platform) -> list[str]:
    return [event.kind for event in await platform.kernel.store.read_log(after=0, limit=1000)]


async def test_a_plugin_hears_who_comes_and_goes(platform: Platform, witness: Witness) -> None:
    client = await platform.client("alice")
    await until(lambda: ("presence", "alice", True) in witness.told)
    await client.close()
    await until(lambda: ("presence", "alice", False) in witness.told)


async def test_plugins_call_the_hooks_they_bring_about(platform: Platform, witness: Witness) -> None:
    channel = Conversation("channel", "news")
    message = await witness.ctx.submit(note("hello"))

    await witness.ctx.hooks.on_channel_subscribed(channel, "bob")
    await witness.ctx.hooks.on_channel_unsubscribed(channel, "bob")
    await witness.ctx.hooks.on_push_rejected("bob", "acme", "gone")
    choice = await witness.ctx.hooks.choose_push(PushCandidate(user="bob", message=message))

    assert choice == PushChoice(is_allowed=False, reason="the witness says no")
    assert [told for told in witness.told if told[0] != "stored"] == [
        ("subscribed", "channel/news", "bob"),
        ("unsubscribed", "channel/news", "bob"),
        ("push rejected", "bob", "acme", "gone"),
    ]


async def test_a_spawned_task_that_fails_is_named_and_harms_nobody(
    platform: Platform, witness: Witness, caplog: pytest.LogCaptureFixture
) -> None:
    async def exits() -> None:
        raise SystemExit(1)

    witness.ctx.spawn(exits(), name="leaver")

    await until(lambda: "task 'leaver' of plugin 'witness' failed" in caplog.text)
    assert platform.kernel.host.records["witness"].state == "running"


async def test_spawned_tasks_end_with_the_plugin(tmp_path: Path, witness: Witness) -> None:
    ended = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with start_platform(tmp_path, extra={"witness": witness}):
        witness.ctx.spawn(endless(), name="endless")
        await asyncio.sleep(0)
    assert ended.is_set()

    late = endless()
    witness.ctx.spawn(late, name="late")
    assert inspect.getcoroutinestate(late) == inspect.CORO_CLOSED, "after the end it is closed, not started"


async def test_folder_and_secrets_are_the_plugins_own(platform: Platform, witness: Witness) -> None:
    folder = witness.ctx.data_folder
    secret = witness.ctx.secret("signing")

    assert folder == platform.kernel.config.data_folder / "plugins" / "witness"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert witness.ctx.secret("signing") == secret
    assert (platform.kernel.config.data_folder / "secrets" / "witness-signing").read_bytes() == secret


@pytest.mark.parametrize("name", ["", "../operator", "Signing", "a/b", "x" * 65])
async def test_a_secret_cannot_be_named_out_of_its_folder(platform: Platform, witness: Witness, name: str) -> None:
    with pytest.raises(InvalidInput, match="a secret's name has lower-case letters"):
        witness.ctx.secret(name)


async def test_a_plugin_can_see_the_plugins_and_reload_one(platform: Platform, witness: Witness) -> None:
    before = {status.name: status.state for status in witness.ctx.platform.plugins()}
    await witness.ctx.platform.reload_plugin("content")

    assert before["witness"] == before["content"] == "running"
    with pytest.raises(NotFound, match="no plugin is called 'gost'"):
        await witness.ctx.platform.reload_plugin("gost")


@pytest.mark.parametrize(
    "name",
    [
        "store-sql",
        "auth-tokens",
        "auth-keys",
        "auth-passwords",
        "directory-hosted",
        "content",
        "private",
        "groups",
        "channels",
        "rate-limit",
        "gateway-websocket",
        "rest",
        "robots",
        "incoming-hooks",
        "push",
        "chat-page",
    ],
)
async def test_every_built_in_plugin_can_be_reloaded_while_people_talk(platform: Platform, name: str) -> None:
    alice = await platform.client("alice")
    await alice.send("private/bob", "before")

    await platform.kernel.reload_plugin(name)

    states = {record.name: (record.state, record.reason) for record in platform.kernel.host.records.values()}
    assert set(states.values()) == {("running", "")}
    assert alice.is_connected
    assert (await alice.send("private/bob", "after")).seq == 2
