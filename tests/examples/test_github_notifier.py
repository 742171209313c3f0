"""The GitHub notifier with GitHub's real payloads: every one, over HTTP, into a group, a channel and a pocket."""

import asyncio
import re
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from examples.github_notifier import notifier
from examples.github_notifier.notifier import SAMPLES, Delivery, definition, read_deliveries

from balefire.client import ChatMessage, Client
from balefire.testing import Platform, start_platform
from balefire_incoming_hooks.rendering import MAX_TEXT

ROOT = Path(__file__).parents[2]
TARGETS = ["group/dev", "channel/releases"]
RAW = re.compile(r"\bNone\b|\bnull\b|undefined|[{}]|\s,|  |\n\n|\[\]|api\.github\.com|/api/v3|\b(success|failure) on\b")
AT_ONCE = 8
DEADLINE_SECONDS = 100
PLUGINS: dict[str, dict[str, Any]] = {
    "push-sandbox": {"phones": [{"user": "carol", "name": "Carol's phone"}]},
    "push-apns": {"account_file": "../push-sandbox/apns.json"},
    "incoming-hooks": {"burst": 10_000, "rate_per_minute": 100_000},
}


@pytest.fixture(scope="session")
def payloads() -> Path:
    """The folder with GitHub's payloads, fetched when missing."""
    fetched = subprocess.run([ROOT / "scripts" / "fetch-github-payloads"], capture_output=True, text=True, check=False)
    assert fetched.returncode == 0, f"the payloads could not be fetched: {fetched.stderr}"
    return ROOT / "build" / "github-payloads"


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    """A group and a channel; alice and bob will be online, carol has only her phone."""
    async with start_platform(tmp_path, plugins=PLUGINS) as platform:
        people = ["alice", "bob", "carol"]
        for user in ("owner", *people):
            await platform.add_user(user)
        group = {"id": "dev", "owner": "owner", "members": people}
        for path, body in [
            ("/v1/groups", group),
            ("/v1/channels", {"id": "releases", "owner": "owner"}),
            ("/v1/channels/releases/subscribers", {"users": people}),
        ]:
            made = await platform.http.post(path, json=body)
            assert made.is_success, made.text
        yield platform


async def install(platform: Platform) -> dict[str, Any]:
    """Make the hook as its owner would."""
    token = await platform.token("owner", scopes=frozenset({"hooks:write"}))
    answer = await platform.http.post(
        "/v1/hooks", json=definition(TARGETS), headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 201, answer.text
    hook: dict[str, Any] = answer.json()
    return hook


async def post_all(hook: dict[str, Any], deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Post every delivery, a few at a time, as GitHub would; the answers, aligned."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def post(http: httpx.AsyncClient, delivery: Delivery) -> dict[str, Any]:
        body, headers = delivery.request(hook["signing_key"])
        async with gate:
            answer = await http.post(hook["url"], content=body, headers=headers)
        assert answer.status_code == 200, f"{delivery.event}: {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        return await asyncio.gather(*(post(http, delivery) for delivery in deliveries))


async def receive(client: Client, count: int) -> dict[str, ChatMessage]:
    """So many messages of the hook's robot, by message id."""
    found: dict[str, ChatMessage] = {}
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for event in client.events():
            if isinstance(event, ChatMessage) and event.sender == "github":
                found[event.message] = event
            if len(found) == count:
                break
    return found


def check_readable(delivery: Delivery, text: str) -> None:
    """What a person may expect of a message about this payload."""
    assert 0 < len(text) <= MAX_TEXT
    assert not RAW.search(text), f"{delivery.event}: {text}"
    assert len(text.splitlines()) <= 6
    for key, name in (("repository", "full_name"), ("sender", "login")):
        about = delivery.payload.get(key)
        if about:
            assert about[name] in text, f"{delivery.event} does not name the {key}: {text}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("source", ["api.github.com", "ghes-*"])
async def test_every_real_payload_reaches_those_online_and_the_phone_of_who_is_not(
    platform: Platform, payloads: Path, source: str
) -> None:
    deliveries = [each for folder in sorted(payloads.glob(source)) for each in read_deliveries(folder)]
    alice, bob = await platform.client("alice"), await platform.client("bob", encoding="msgpack")
    hook = await install(platform)
    count = len(deliveries) * len(TARGETS)

    answers, to_alice, to_bob = await asyncio.gather(
        post_all(hook, deliveries), receive(alice, count), receive(bob, count)
    )
    plugin: Any = platform.kernel.host.records["push-sandbox"].plugin
    phones = plugin.sandbox.phones
    async with asyncio.timeout(DEADLINE_SECONDS):
        while phones.count < count:
            await asyncio.sleep(0.05)
    rung = Counter(shown.data["message"] for shown in phones.accepted)

    assert len(deliveries) >= 300
    for delivery, answer in zip(deliveries, answers, strict=True):
        assert [posted["in"] for posted in answer["messages"]] == TARGETS
        for posted in answer["messages"]:
            message = to_alice[posted["message"]]
            check_readable(delivery, message.text)
            assert message.conversation == posted["in"]
            assert to_bob[posted["message"]].text == message.text
            assert rung[posted["message"]] == 1


async def test_the_samples_are_worded_by_templates_of_their_own(platform: Platform) -> None:
    alice = await platform.client("alice")
    hook = await install(platform)
    deliveries = list(read_deliveries(SAMPLES))

    answers = await post_all(hook, deliveries)
    texts = await receive(alice, len(deliveries) * len(TARGETS))

    for delivery, answer in zip(deliveries, answers, strict=True):
        check_readable(delivery, texts[answer["messages"][0]["message"]].text)
    words = " ".join(message.text for message in texts.values())
    for expected in ("pushed 2 commits to main", "修复雾笛的定时器", "merged pull request #57", "❌", "⭐", "🚀"):
        assert expected in words


async def test_an_event_nobody_has_thought_of_is_told_all_the_same(platform: Platform) -> None:
    alice = await platform.client("alice")
    hook = await install(platform)
    known = next(iter(read_deliveries(SAMPLES))).payload
    strange = [
        Delivery("quantum_branch", {**known, "action": "entangled"}),
        Delivery("quantum_branch", {"sender": known["sender"]}),
        Delivery("issues", {**known, "action": "teleported"}),
    ]

    answers = await post_all(hook, strange)
    found = await receive(alice, len(strange) * len(TARGETS))

    texts = [found[answer["messages"][0]["message"]].text.splitlines()[0] for answer in answers]
    login, repository = known["sender"]["login"], known["repository"]["full_name"]
    assert texts[:2] == [f"[{repository}] {login}: quantum branch entangled", f"{login}: quantum branch"]
    assert "teleported issue #58" in texts[2]


async def test_a_redelivery_by_github_is_posted_once(platform: Platform) -> None:
    hook = await install(platform)
    delivery = next(iter(read_deliveries(SAMPLES)))
    body, headers = delivery.request(hook["signing_key"])

    async with httpx.AsyncClient(trust_env=False) as http:
        first = await http.post(hook["url"], content=body, headers=headers)
        again = await http.post(hook["url"], content=body, headers=headers)
        forged = await http.post(hook["url"], content=body + b" ", headers=headers)

    assert first.json() == again.json()
    assert forged.status_code == 401


async def test_the_script_makes_the_hook_and_replays_the_samples(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    token = await platform.token("owner", scopes=frozenset({"hooks:write"}))

    await asyncio.to_thread(notifier.main, ["install", "--server", platform.url, "--token", token, "--to", "group/dev"])
    printed = dict(re.findall(r"^(\S[\w ]+?) *: (.*)$", capsys.readouterr().out, re.MULTILINE))
    await asyncio.to_thread(notifier.main, ["replay", printed["Payload URL"], printed["Secret"], "--limit", "3"])
    outcomes = capsys.readouterr().out.splitlines()
    with pytest.raises(SystemExit, match="not made"):
        await asyncio.to_thread(
            notifier.main, ["install", "--server", platform.url, "--token", token, "--to", "group/none"]
        )

    assert len(outcomes) == 3
    assert all(line.startswith("200 ") and line.endswith(": delivered") for line in outcomes)
