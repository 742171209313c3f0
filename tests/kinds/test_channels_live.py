"""Channels on a running platform: subscribing, publishing, threads with followers."""

from typing import Any

import pytest
from tests.kinds.listening import Meet, Person, until

from balefire import hookimpl
from balefire.client import Joined
from balefire.testing import Platform, start_platform

NEWS = "channel/news"


async def opened(olga: Person, **record: object) -> None:
    channel = await olga.ask("POST", "/v1/channels", {"id": "news", "name": "The News", **record})
    assert (channel["owner"], channel["is_staff"]) == ("olga", True)


async def test_a_post_reaches_subscribers_live_and_later(meet: Meet) -> None:
    olga, alice, bob = await meet("olga", "alice", "bob")
    await opened(olga)
    for follower in (alice, bob):
        assert await follower.ask("PUT", "/v1/channels/news/subscription") is None

    assert await olga.say(NEWS, "first") == NEWS
    await bob.ask("DELETE", "/v1/channels/news/subscription")
    assert await olga.say(NEWS, "second") == NEWS

    await alice.hears(NEWS, "first", "second")
    await bob.hears(NEWS, "first")
    assert await alice.reads(NEWS) == ["first", "second"]
    assert await bob.reads(NEWS) == "not_found"
    assert NEWS in await alice.lists()


async def test_followers_get_a_thread_of_their_own_and_numbers_have_no_gaps(meet: Meet) -> None:
    olga, paul, alice, bob = await meet("olga", "paul", "alice", "bob")
    await opened(olga, publishers=["paul"])
    for follower in (alice, bob):
        await follower.ask("PUT", "/v1/channels/news/subscription")

    await olga.say(NEWS, "post 1")
    assert await alice.say(NEWS, "a question") == "channel/news,alice"
    assert await bob.say(NEWS, "another") == "channel/news,bob"
    assert await paul.say("channel/news,alice", "an answer") == "channel/news,alice"
    await olga.say(NEWS, "post 2")

    assert [message.seq for message in await alice.hears(NEWS, "post 1", "post 2")] == [1, 2]
    await alice.hears("channel/news,alice", "an answer")
    await olga.hears("channel/news,alice", "a question", "an answer")
    await paul.hears("channel/news,bob", "another")
    assert alice.messages("channel/news,bob") == []
    assert await bob.reads("channel/news,alice") == "not_found"
    assert await bob.say("channel/news,alice") == "not_a_member"
    assert {NEWS, "channel/news,alice", "channel/news,bob"} <= await olga.lists()
    assert await alice.lists() == {NEWS, "channel/news,alice"}


async def test_a_thread_opened_while_its_staff_is_online_carries_their_marks_at_once(meet: Meet) -> None:
    olga, alice = await meet("olga", "alice")
    await opened(olga)
    await alice.ask("PUT", "/v1/channels/news/subscription")
    await alice.say(NEWS, "a question")
    await olga.hears("channel/news,alice", "a question")

    await olga.client.mark("channel/news,alice", read=1)

    await until(
        lambda: any(getattr(event, "read", 0) == 1 and getattr(event, "user", "") == "olga" for event in alice.heard),
        lambda: f"alice heard {alice.heard}",
    )


async def test_strangers_and_leavers_are_not_heard(meet: Meet) -> None:
    olga, alice, bob = await meet("olga", "alice", "bob")
    await opened(olga)
    await alice.ask("PUT", "/v1/channels/news/subscription")
    await alice.ask("DELETE", "/v1/channels/news/subscription")

    assert await alice.say(NEWS) == "not_subscribed"
    assert await bob.say(NEWS) == "not_subscribed"
    assert await olga.say("channel/news,bob") == "not_subscribed"
    assert await bob.say("channel/none") == "no_such_channel"


async def test_new_subscribers_start_at_the_present_unless_the_channel_shows_its_history(meet: Meet) -> None:
    olga, alice, bob = await meet("olga", "alice", "bob")
    await opened(olga)
    await olga.say(NEWS, "old")

    await alice.ask("PUT", "/v1/channels/news/subscription")
    await olga.ask("PATCH", "/v1/channels/news", {"shows_history": True})
    await bob.ask("PUT", "/v1/channels/news/subscription")

    assert await alice.reads(NEWS) == []
    assert await bob.reads(NEWS) == ["old"]


async def test_subscribers_are_told_of_themselves_only(meet: Meet) -> None:
    olga, alice, bob = await meet("olga", "alice", "bob")
    await opened(olga)
    await alice.ask("PUT", "/v1/channels/news/subscription")
    await bob.ask("PUT", "/v1/channels/news/subscription")

    def joined(who: Person) -> list[str]:
        return [event.user for event in who.heard if type(event) is Joined and event.conversation == NEWS]

    await until(lambda: joined(bob) == ["bob"], lambda: f"bob was told of {joined(bob)}")
    assert joined(alice) == ["alice"]
    assert await alice.ask("GET", "/v1/channels/news/subscribers") == "not_staff"


async def test_subscriptions_are_made_in_bulk_and_counted(meet: Meet, platform: Platform) -> None:
    [olga] = await meet("olga")
    await opened(olga)
    users = [f"u{number:03}" for number in range(300)]
    for user in users:
        await platform.add_user(user)
    path = "/v1/channels/news/subscribers"

    assert await olga.ask("POST", path, {"users": users}) == "forbidden"
    answer = await platform.http.post(path, json={"users": users})
    assert answer.json() == {"changed": 300}
    assert (await platform.http.post(path, json={"users": users[:10]})).json() == {"changed": 0}
    assert (await platform.http.post(path, json={"users": ["nobody"]})).json()["code"] == "invalid_input"

    found: list[str] = []
    after = ""
    while True:
        page = await olga.ask("GET", f"{path}?limit=100&after={after}")
        found += [item["user"] for item in page["items"]]
        if not (after := page["next"]):
            break
    assert found == users
    assert await olga.ask("POST", f"{path}/remove", {"users": users[:50]}) == {"changed": 50}
    assert (await olga.ask("GET", "/v1/channels/news"))["subscriber_count"] == 250
    assert (await olga.ask("GET", f"{path}/u100"))["user"] == "u100"
    assert await olga.ask("GET", f"{path}/u000") == "no_such_channel"


async def test_only_operators_set_flags_that_reach_beyond_the_followers(meet: Meet, platform: Platform) -> None:
    [olga, stranger] = await meet("olga", "stranger")
    for flag in ("is_private", "is_global", "accepts_unsubscribed", "may_enrol"):
        assert await olga.ask("POST", "/v1/channels", {"id": "news", flag: True}) == "forbidden"
    (
        await platform.http.post("/v1/channels", json={"id": "all", "owner": "olga", "is_global": True})
    ).raise_for_status()

    await olga.say("channel/all", "to everyone")

    await stranger.hears("channel/all", "to everyone")
    assert await stranger.reads("channel/all") == ["to everyone"]
    assert await stranger.ask("PUT", "/v1/channels/all/subscription") == "no_subscriptions"
    assert await stranger.say("channel/all", "hello?") == "channel/all,stranger"


async def test_private_channels_are_found_by_their_people_only(meet: Meet, platform: Platform) -> None:
    olga, alice, bob = await meet("olga", "alice", "bob")
    body = {"id": "board", "owner": "olga", "is_private": True}
    (await platform.http.post("/v1/channels", json=body)).raise_for_status()
    (await platform.http.post("/v1/channels/board/subscribers", json={"users": ["alice"]})).raise_for_status()

    assert (await bob.ask("GET", "/v1/channels"))["items"] == []
    assert await bob.ask("GET", "/v1/channels/board") == "no_such_channel"
    assert await bob.ask("PUT", "/v1/channels/board/subscription") == "no_such_channel"
    assert (await alice.ask("GET", "/v1/channels/board"))["is_subscribed"]
    assert [item["id"] for item in (await alice.ask("GET", "/v1/subscriptions"))["items"]] == ["board"]
    assert (await olga.ask("GET", "/v1/channels/board"))["subscriber_count"] == 1


async def test_publishers_come_and_go_and_the_owner_hands_over(meet: Meet) -> None:
    olga, paul, _ = await meet("olga", "paul", "alice")
    await opened(olga)

    assert await paul.ask("PUT", "/v1/channels/news/publishers/paul") == "not_staff"
    assert await olga.ask("PUT", "/v1/channels/news/publishers/paul") is None
    assert await paul.say(NEWS, "by paul") == NEWS
    assert await olga.ask("DELETE", "/v1/channels/news/publishers/paul") is None
    assert await paul.say(NEWS, "no longer") == "channel/news,paul"
    assert (await olga.ask("PUT", "/v1/channels/news/owner", {"owner": "paul"}))["owner"] == "paul"
    assert await olga.say(NEWS, "still a publisher") == NEWS
    assert await olga.ask("DELETE", "/v1/channels/news") == "not_staff"
    await olga.hears(NEWS, "by paul")


async def test_channels_are_searched_by_name(meet: Meet) -> None:
    olga, alice = await meet("olga", "alice")
    await opened(olga)
    await olga.ask("POST", "/v1/channels", {"id": "weather", "name": "天气"})

    async def found(text: str) -> list[str]:
        return [item["id"] for item in (await alice.ask("GET", f"/v1/channels?text={text}"))["items"]]

    assert await found("") == ["news", "weather"]
    assert await found("THE") == ["news", "weather"]
    assert await found("news") == ["news"]
    assert await found("天") == ["weather"]


async def test_a_closed_channel_is_gone_with_its_subscriptions(meet: Meet) -> None:
    olga, alice = await meet("olga", "alice")
    await opened(olga)
    await alice.ask("PUT", "/v1/channels/news/subscription")
    await olga.say(NEWS, "last")

    assert await alice.ask("DELETE", "/v1/channels/news") == "not_staff"
    assert await olga.ask("DELETE", "/v1/channels/news") is None

    assert await olga.say(NEWS) == "no_such_channel"
    assert await alice.reads(NEWS) == "not_found"
    assert await olga.ask("POST", "/v1/channels", {"id": "news"}) == "conflict"
    assert await alice.ask("GET", "/v1/channels/news") == "no_such_channel"


class Welcome:
    """A plugin that hears of subscriptions."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    @hookimpl
    async def on_channel_subscribed(self, conversation: Any, user: str) -> None:
        self.heard.append(("subscribed", user))

    @hookimpl
    async def on_channel_unsubscribed(self, conversation: Any, user: str) -> None:
        self.heard.append(("unsubscribed", user))


async def test_plugins_and_the_event_log_hear_of_subscriptions_once(tmp_path: Any) -> None:
    welcome = Welcome()
    async with start_platform(tmp_path, extra={"welcome": welcome}) as platform:
        for user in ("olga", "alice"):
            await platform.add_user(user)
        http = platform.http
        before = await platform.kernel.store.last_event_id()
        await http.post("/v1/channels", json={"id": "news", "owner": "olga"})
        for _ in range(2):
            (await http.put("/v1/channels/news/subscription?user=alice")).raise_for_status()
        for _ in range(2):
            (await http.delete("/v1/channels/news/subscription?user=alice")).raise_for_status()

        events = await platform.kernel.store.read_log(after=before, limit=100)

    assert welcome.heard == [("subscribed", "alice"), ("unsubscribed", "alice")]
    told = [(event.kind, event.user) for event in events if event.kind.startswith("channel.")]
    assert told == [("channel.subscribed", "alice"), ("channel.unsubscribed", "alice")]


@pytest.mark.parametrize("size", [1, 200])
async def test_a_post_is_one_row_however_many_subscribe(meet: Meet, platform: Platform, size: int) -> None:
    [olga] = await meet("olga")
    await opened(olga)
    users = [f"u{number}" for number in range(size)]
    for user in users:
        await platform.add_user(user)
    (await platform.http.post("/v1/channels/news/subscribers", json={"users": users})).raise_for_status()
    before = await platform.kernel.store.last_event_id()

    await olga.say(NEWS, "to all")

    events = await platform.kernel.store.read_log(after=before, limit=100)
    assert [event.kind for event in events] == ["message.stored"]
