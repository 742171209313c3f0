"""The examples of the hook reference do what they say, all of them in one platform."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from scripts.reference.hooks import EXAMPLES

from balefire.client import RequestFailed
from balefire.testing import Platform, next_event, start_platform


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    files = [str(file) for file in sorted(EXAMPLES.glob("*.py"))]
    async with start_platform(tmp_path, settings={"kernel": {"plugins": files}}) as running:
        yield running


def example(platform: Platform, hook: str) -> Any:
    """The module behind an example."""
    return platform.kernel.host.records[hook.replace("_", "-")].plugin


async def test_the_example_of_register_robots_answers(platform: Platform) -> None:
    alice = await platform.client("alice")

    await alice.send("private/parrot", "hello")

    assert (await next_event(alice)).text == "hello!"


async def test_the_example_of_authorize_message_refuses(platform: Platform) -> None:
    alice = await platform.client("alice")

    with pytest.raises(RequestFailed, match="too_easy"):
        await alice.send("private/parrot", "open sesame")


async def test_the_examples_of_amend_message_and_on_message_stored_see_the_same_text(platform: Platform) -> None:
    alice, bob = await platform.client("alice"), await platform.client("bob")

    await alice.send("private/bob", "darn!")

    assert (await next_event(bob)).text == "****!"
    assert example(platform, "on_message_stored").lengths[-1] == 5


async def test_the_example_of_register_content_types_checks_dice(platform: Platform) -> None:
    alice = await platform.client("alice")

    await alice.send("private/parrot", type="dice", fields={"eyes": 6})

    with pytest.raises(RequestFailed, match="eyes must be 1 to 6"):
        await alice.send("private/parrot", type="dice", fields={"eyes": 7})


async def test_the_example_of_register_authenticators_knows_the_postman(platform: Platform) -> None:
    assert (await platform.kernel.authenticate("ring twice")).user == "postman"


async def test_the_example_of_register_routes_is_served(platform: Platform) -> None:
    assert (await platform.http.get("/v1/ping")).json() == {"answer": "pong"}


async def test_the_examples_of_on_presence_changed_and_on_message_recalled_hear(platform: Platform) -> None:
    await platform.add_user("bob")
    alice = await platform.client("alice")
    sent = await alice.send("private/bob", "oops")

    await alice.recall(sent.message)

    assert example(platform, "on_presence_changed").online == {"alice"}
    assert example(platform, "on_message_recalled").regrets["private"] >= 1


@pytest.mark.parametrize(
    ("hook", "example_name", "names"),
    [
        ("register_push_vendors", "register-push-vendors", ["pigeon"]),
        ("register_gateways", "register-gateways", ["telegraph"]),
        ("register_event_consumers", "register-event-consumers", ["counter"]),
        ("register_jobs", "register-jobs", ["sweep"]),
        ("register_health_checks", "register-health-checks", ["vendor"]),
        ("register_metrics", "register-metrics", ["balefire_pigeons_total"]),
        ("register_message_stores", "register-message-stores", []),
        ("register_token_issuers", "register-token-issuers", []),
        ("register_directories", "register-directories", []),
        ("register_conversation_kinds", "register-conversation-kinds", []),
    ],
)
async def test_what_an_example_registers_is_there(
    platform: Platform, hook: str, example_name: str, names: list[str]
) -> None:
    registered = platform.kernel.host.registered(hook)

    assert [item.name for plugin, item in registered if plugin == example_name] == names
