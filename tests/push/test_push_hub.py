"""From a message to a phone: the whole way, on a running platform with the sandbox as Apple."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.push.waiting import until

from balefire import Conversation, Message, Payload, PushCandidate, PushChoice, Submission, hookimpl
from balefire.testing import Platform, TestClock, start_platform
from balefire_push.outbox import Content, Job, note_id
from balefire_push_sandbox.faults import Fault
from balefire_push_sandbox.phones import Shown
from balefire_push_sandbox.sandbox import Sandbox

PHONES = [{"user": "carol", "name": "Carol's phone"}]
PLUGINS: dict[str, dict[str, Any]] = {
    "push-sandbox": {"phones": PHONES, "is_open": True},
    "push-apns": {"account_file": "../push-sandbox/apns.json"},
}


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with start_platform(tmp_path, plugins=PLUGINS) as platform:
        for user in ("alice", "bob", "carol"):
            await platform.add_user(user)
        yield platform


def sandbox_of(platform: Platform) -> Sandbox:
    plugin: Any = platform.kernel.host.records["push-sandbox"].plugin
    found: Sandbox = plugin.sandbox
    return found


def hub_of(platform: Platform) -> Any:
    plugin: Any = platform.kernel.host.records["push"].plugin
    return plugin.hub


async def say(platform: Platform, sender: str, to: str, text: str = "hello", **payload: Any) -> Message:
    return await platform.kernel.path.submit(
        Submission(
            sender=sender,
            conversation=platform.kernel.resolve(to, sender),
            payload=Payload("text", {"text": text}, **payload),
            client_message_id=f"{sender}-{to}-{text}"[:64],
        )
    )


async def shown(platform: Platform, count: int = 1) -> list[Shown]:
    phones = sandbox_of(platform).phones
    await until(lambda: phones.count >= count)
    return phones.accepted


async def settled(platform: Platform, state: str, count: int = 1) -> list[dict[str, Any]]:
    """Jobs in this state, once there are so many."""
    found: list[dict[str, Any]] = []

    async def enough() -> bool:
        answer = await platform.http.get("/v1/push/jobs", params={"state": state})
        found[:] = answer.json()["items"]
        return len(found) >= count

    await until(enough)
    return found


async def test_a_message_rings_the_phone_of_somebody_offline(platform: Platform) -> None:
    message = await say(platform, "alice", "private/carol", "五点喝茶? 👍")

    [note] = await shown(platform)

    assert (note.title, note.body, note.badge) == ("Alice", "五点喝茶? 👍", 1)
    assert note.data["message"] == str(message.id)
    [job] = await settled(platform, "done")
    assert (job["note_id"], job["outcome"]) == (note.id, "delivered")


async def test_nobody_who_is_online_is_pushed_to(platform: Platform) -> None:
    await platform.client("carol")

    first = await say(platform, "alice", "private/carol")

    answer = await platform.http.get("/v1/push/decisions", params={"user": "carol", "message": str(first.id)})
    assert (answer.json()["is_pushed"], answer.json()["rule"]) == (False, "online")
    assert sandbox_of(platform).phones.count == 0


async def make_group(platform: Platform, *members: str, name: str = "Tea party") -> Conversation:
    body = {"id": "tea", "name": name, "owner": "alice", "members": list(members)}
    answer = await platform.http.post("/v1/groups", json=body)
    assert answer.status_code < 300, answer.text
    return Conversation("group", "tea")


async def explain(platform: Platform, user: str, message: Message) -> dict[str, Any]:
    """The decision, once it has been taken."""
    found: dict[str, Any] = {}

    async def is_recorded() -> bool:
        answer = await platform.http.get("/v1/push/decisions", params={"user": user, "message": str(message.id)})
        found.update(answer.json())
        return bool(found["is_recorded"])

    await until(is_recorded)
    return found


async def test_a_group_is_named_and_only_the_absent_are_rung(platform: Platform) -> None:
    await make_group(platform, "alice", "bob", "carol")
    await platform.client("bob")

    await say(platform, "alice", "group/tea", "cake!")

    [note] = await shown(platform)
    assert (note.title, note.body, note.thread) == ("Tea party", "Alice: cake!", "group/tea")


async def test_mute_silences_and_a_mention_gets_through(platform: Platform) -> None:
    group = await make_group(platform, "alice", "carol")
    await platform.kernel.members.update(group, "carol", settings={"muted": True})

    quiet = await say(platform, "alice", "group/tea", "not for carol")
    await say(platform, "alice", "group/tea", "carol, come!", mentions=("carol",))

    [note] = await shown(platform)
    assert note.body == "Alice mentioned you: carol, come!"
    decision = await explain(platform, "carol", quiet)
    assert (decision["is_pushed"], decision["rule"]) == (False, "muted")
    assert decision["steps"][-1] == {"rule": "muted", "result": "the conversation is muted"}


async def test_chinese_phones_get_chinese_words(platform: Platform) -> None:
    carol = (await platform.kernel.directory.get(["carol"]))["carol"]
    await platform.kernel.directory.put(structs.replace(carol, language="zh-CN"))
    await make_group(platform, "alice", "carol", name="茶会")

    await say(platform, "alice", "group/tea", "来喝茶", mentions=("*",))

    [note] = await shown(platform)
    assert (note.title, note.body) == ("茶会", "[有人@你] Alice：来喝茶")


async def test_quiet_hours_are_the_users_own(platform: Platform) -> None:
    carol = (await platform.kernel.directory.get(["carol"]))["carol"]
    hours = {"quiet_hours": {"from": "00:00", "to": "23:59"}}
    await platform.kernel.directory.put(structs.replace(carol, extra={"push": hours}, timezone="Asia/Shanghai"))

    message = await say(platform, "alice", "private/carol")

    decision = await explain(platform, "carol", message)
    minute = decision["steps"][-1]
    assert (decision["is_pushed"], decision["rule"], minute["rule"]) == (False, "quiet_hours", "quiet_hours")
    assert minute["result"].startswith("00:00 to 23:59")


async def test_hidden_detail_tells_neither_who_nor_what(platform: Platform) -> None:
    carol = (await platform.kernel.directory.get(["carol"]))["carol"]
    await platform.kernel.directory.put(structs.replace(carol, extra={"push": {"hide_detail": True}}))

    await say(platform, "alice", "private/carol", "secret")

    [note] = await shown(platform)
    assert (note.title, note.body) == ("", "New message")


async def test_nobody_without_a_device_is_queued_for(platform: Platform) -> None:
    message = await say(platform, "alice", "private/bob")

    decision = await explain(platform, "bob", message)

    assert decision["rule"] == "device"
    assert decision["jobs"] == []


async def test_a_phone_without_the_app_is_forgotten(platform: Platform) -> None:
    sandbox = sandbox_of(platform)
    sandbox.phones.uninstall(sandbox.phones.all()[0].id)

    await say(platform, "alice", "private/carol")

    [dead] = await settled(platform, "dead")
    assert dead["outcome"] == "token_gone"
    devices = (await platform.kernel.store.devices(["carol"]))["carol"]
    assert [device.token for device in devices] == [""]
    second = await say(platform, "alice", "private/carol", "again")
    assert (await explain(platform, "carol", second))["rule"] == "device"


class Watcher:
    """A plugin that says who may be rung, and hears of rejected tokens."""

    def __init__(self) -> None:
        self.rejected: list[tuple[str, str]] = []

    @hookimpl
    async def choose_push(self, candidate: PushCandidate) -> PushChoice | None:
        if "spam" in candidate.message.payload.fields["text"]:
            return PushChoice(is_allowed=False, reason="looks like spam")
        return None

    @hookimpl
    async def on_push_rejected(self, user: str, vendor: str, reason: str) -> None:
        self.rejected.append((user, vendor))


async def test_plugins_have_a_say(tmp_path: Path) -> None:
    watcher = Watcher()
    async with start_platform(tmp_path, plugins=PLUGINS, extra={"watcher": watcher}) as platform:
        for user in ("alice", "carol"):
            await platform.add_user(user)
        spam = await say(platform, "alice", "private/carol", "spam")
        decision = await explain(platform, "carol", spam)
        sandbox_of(platform).phones.uninstall(sandbox_of(platform).phones.all()[0].id)
        await say(platform, "alice", "private/carol", "tea?")
        await until(lambda: bool(watcher.rejected))

    assert (decision["rule"], decision["steps"][-1]["result"]) == ("choose_push", "looks like spam")
    assert watcher.rejected == [("carol", "apns")]


async def test_a_recall_cancels_what_waits(platform: Platform) -> None:
    sandbox_of(platform).faults.add(
        Fault(kind="answer", status=503, reason="ServiceUnavailable", retry_after_seconds=60)
    )
    message = await say(platform, "alice", "private/carol", "oops")
    await until(lambda: len(sandbox_of(platform).servers["production"].requests) == 1)
    await settled(platform, "ready")

    await platform.kernel.recalls.recall(message.id, by="alice")

    [cancelled] = await settled(platform, "cancelled")
    assert cancelled["reason"] == "the message was recalled"


async def test_what_was_read_while_it_waited_rings_no_more(tmp_path: Path) -> None:
    clock = TestClock()
    async with start_platform(tmp_path, plugins=PLUGINS, clock=clock) as platform:
        for user in ("alice", "carol"):
            await platform.add_user(user)
        fault = Fault(kind="answer", status=503, reason="ServiceUnavailable", retry_after_seconds=60, times=None)
        sandbox_of(platform).faults.add(fault)
        read, unread = [await say(platform, "alice", "private/carol", text) for text in ("read", "unread")]
        await until(lambda: hub_of(platform).dispatcher.lane("apns").outcomes["retry"] == 2)
        await settled(platform, "ready", 2)

        await platform.kernel.members.mark(read.conversation, "carol", read_seq=read.seq)
        sandbox_of(platform).faults.clear()
        await clock.advance(61)
        [note] = await shown(platform)
        [cancelled] = await settled(platform, "cancelled")

    assert note.body == "unread"
    assert (cancelled["message"], cancelled["outcome"]) == (str(read.id), "read")
    assert unread.seq == read.seq + 1


async def test_a_dead_notification_can_be_replayed(platform: Platform) -> None:
    sandbox_of(platform).faults.add(Fault(kind="answer", status=400, reason="BadPriority"))
    await say(platform, "alice", "private/carol")
    [dead] = await settled(platform, "dead")

    answer = await platform.http.post(f"/v1/push/jobs/{dead['id']}/replay")

    assert answer.status_code == 202
    [note] = await shown(platform)
    assert note.id == dead["note_id"]
    await settled(platform, "done")
    again = await platform.http.post(f"/v1/push/jobs/{dead['id']}/replay")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_a_users_devices_can_be_tried(platform: Platform) -> None:
    answer = await platform.http.post("/v1/push/test", json={"user": "carol", "body": "can you hear me?"})

    [attempt] = answer.json()["items"]
    assert (attempt["vendor"], attempt["outcome"]) == ("apns", "delivered")
    assert (await shown(platform))[0].body == "can you hear me?"
    missing = await platform.http.post("/v1/push/test", json={"user": "bob"})
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/push/jobs?after=x", 422),
        ("GET", "/v1/push/jobs?limit=0", 422),
        ("GET", "/v1/push/jobs?state=odd", 422),
        ("POST", "/v1/push/jobs/99/replay", 404),
        ("POST", "/v1/push/jobs/99999999999999999999/replay", 422),
        ("GET", "/v1/push/decisions?user=carol", 422),
        ("GET", "/v1/push/decisions?user=carol&message=5", 404),
        ("GET", "/v1/push/decisions?user=carol&message=%C2%B2", 422),
    ],
)
async def test_bad_questions_get_stable_answers(platform: Platform, method: str, path: str, status: int) -> None:
    answer = await platform.http.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_ordinary_users_cannot_look_into_the_outbox(platform: Platform) -> None:
    token = await platform.token("bob")

    answer = await platform.http.get("/v1/push/jobs", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403


async def test_what_waits_survives_a_restart_and_keeps_its_id(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins={"push-sandbox": PLUGINS["push-sandbox"]}) as platform:
        for user in ("alice", "carol"):
            await platform.add_user(user)
        message = await say(platform, "alice", "private/carol", "are you there?")
        [waiting] = await settled(platform, "ready")

    async with start_platform(tmp_path, plugins=PLUGINS) as platform:
        [note] = await shown(platform)

    assert (note.id, note.body) == (waiting["note_id"], "are you there?")
    assert note.data["message"] == str(message.id)


async def test_a_reloaded_vendor_goes_on(platform: Platform) -> None:
    await say(platform, "alice", "private/carol", "one")
    await shown(platform)

    await platform.kernel.reload_plugin("push-apns")
    await say(platform, "alice", "private/carol", "two")

    assert [note.body for note in await shown(platform, 2)] == ["one", "two"]


async def test_a_reloaded_hub_goes_on(platform: Platform) -> None:
    await say(platform, "alice", "private/carol", "one")
    await shown(platform)

    await platform.kernel.reload_plugin("push")
    await say(platform, "alice", "private/carol", "two")

    assert [note.body for note in await shown(platform, 2)] == ["one", "two"]


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # pyapns-client's way of using httpx
async def test_the_whole_way_through_pyapns(tmp_path: Path) -> None:
    apns = PLUGINS["push-apns"] | {"transport": "pyapns"}
    async with start_platform(tmp_path, plugins=PLUGINS | {"push-apns": apns}) as platform:
        for user in ("alice", "carol"):
            await platform.add_user(user)
        await say(platform, "alice", "private/carol", "short-lived")

        [note] = await shown(platform)
        await settled(platform, "done")
        phones = sandbox_of(platform).phones
        phones.uninstall(phones.all()[0].id)
        await say(platform, "alice", "private/carol", "gone")
        [dead] = await settled(platform, "dead")
        tokens_seen = sandbox_of(platform).tokens.tokens_seen

    assert (note.title, note.body) == ("Alice", "short-lived")
    assert tokens_seen == 1
    assert dead["outcome"] == "token_gone"


async def test_wrong_credentials_show_in_readiness(platform: Platform) -> None:
    sandbox_of(platform).faults.add(Fault(kind="answer", status=403, reason="InvalidProviderToken", times=None))

    await say(platform, "alice", "private/carol")
    await until(lambda: any(lane.circuit.is_open for lane in hub_of(platform).dispatcher.lanes.values()))

    answer = await platform.http.get("/readyz")
    assert "InvalidProviderToken" in answer.text
    figures = (await platform.http.get("/metrics")).text
    assert 'balefire_push_outcomes{vendor="apns",outcome="misconfigured"}' in figures


async def test_what_another_node_left_waiting_gets_a_lane_here(platform: Platform) -> None:
    hub = hub_of(platform)
    [phone] = (await platform.kernel.store.devices(["carol"]))["carol"]
    assert "apns" not in hub.dispatcher.lanes
    left = Job(
        note_id=note_id(1, "carol", phone.id),
        message_id=1,
        user="carol",
        device=phone.id,
        vendor="apns",
        urgency="message",
        content=Content(body="left"),
        expires_at=int(time.time() * 1000) + 60_000,
    )
    await hub.outbox.add([left])

    await hub.keep_house()

    [note] = await shown(platform)
    assert note.body == "left"
