"""The kinds' plugins are reloaded while people talk."""

import pytest
from tests.kinds.listening import Meet

from balefire.testing import Platform


@pytest.mark.parametrize("plugin", ["content", "private", "groups", "channels", "rate-limit"])
async def test_a_reloaded_plugin_goes_on_where_it_was(meet: Meet, platform: Platform, plugin: str) -> None:
    alice, bob = await meet("alice", "bob")
    await alice.ask("POST", "/v1/groups", {"id": "team", "members": ["bob"]})
    await alice.ask("POST", "/v1/channels", {"id": "news"})
    await bob.ask("PUT", "/v1/channels/news/subscription")
    await bob.ask("PATCH", "/v1/groups/team", {"name": "Team"})
    conversations = ("private/alice,bob", "group/team", "channel/news")
    for conversation in conversations:
        assert await alice.say(conversation, "before") == conversation

    await platform.kernel.reload_plugin(plugin)
    for conversation in conversations:
        assert await alice.say(conversation, "after") == conversation

    assert platform.kernel.host.records[plugin].state == "running"
    await bob.hears("private/alice,bob", "before", "after")
    await bob.hears("group/team", "group.created", "group.renamed", "before", "after")
    await bob.hears("channel/news", "before", "after")
    assert (await bob.ask("GET", "/v1/groups/team"))["name"] == "Team"
