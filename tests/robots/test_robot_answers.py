"""What robots hear and answer, on a running platform."""

import asyncio
from pathlib import Path

from tests.robots.hearing import (
    Listener,
    RobotPlugin,
    at_work,
    echo,
    make_group,
    next_message,
    settled,
    text_of,
    until,
)

from balefire import Chat
from balefire.testing import start_platform


async def test_the_echo_robot_says_it_back_in_private(tmp_path: Path) -> None:
    async with start_platform(tmp_path, plugins={"robot-echo": {}}) as platform:
        await at_work(platform, "echo")
        alice = await platform.client("alice")

        await alice.send("private/echo", "hello")
        answer = await next_message(alice)
        await alice.send("private/echo", "帮助")
        help_text = await next_message(alice)

        assert (answer.sender, answer.text, answer.origin) == ("echo", "hello", "robot")
        assert "@echo" in help_text.text
        assert (await platform.kernel.directory.get(["echo"]))["echo"].kind == "robot"


async def test_in_a_group_a_robot_hears_only_what_mentions_it(tmp_path: Path) -> None:
    bot = Listener()
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        await make_group(platform, "alice", "bot")
        alice = await platform.client("alice")

        await alice.send("group/team", "to nobody")
        await alice.send("group/team", "to everybody", mentions=["*"])
        await alice.send("group/team", "to the bot", mentions=["bot"])
        await until(lambda: bot.heard)

        assert bot.heard == ["to the bot"]


async def test_the_groups_owner_may_let_a_robot_hear_everything(tmp_path: Path) -> None:
    bot = Listener()
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        await make_group(platform, "alice", "bob", "bot")
        alice, bob = await platform.client("alice"), await platform.token("bob")

        grant, path = {"hears_everything": True}, "/v1/robots/bot/groups/team"
        refused = await platform.http.put(path, json=grant, headers={"Authorization": f"Bearer {bob}"})
        token = await platform.token("alice")
        granted = await platform.http.put(path, json=grant, headers={"Authorization": f"Bearer {token}"})
        await alice.send("group/team", "to nobody")
        await until(lambda: bot.heard)

        assert (refused.status_code, granted.status_code) == (403, 200)
        assert bot.heard == ["to nobody"]


async def test_a_mention_where_the_robot_is_no_member_tells_it_nothing(tmp_path: Path) -> None:
    bot = Listener()
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        await make_group(platform, "alice")
        alice = await platform.client("alice")

        await alice.send("group/team", "a secret", mentions=["bot"])
        await alice.send("private/bot", "not a secret")
        await until(lambda: bot.heard)

        assert bot.heard == ["not a secret"]


async def test_a_robot_that_takes_its_time_holds_up_nobody_else(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def wait(chat: Chat) -> None:
        await gate.wait()
        await chat.reply("at last")

    slow, quick = Listener("slow", wait), Listener("quick", echo)
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(slow, quick)}) as platform:
        await at_work(platform, "slow", "quick")
        alice = await platform.client("alice")

        for number in range(50):
            await alice.send("private/slow", f"{number}")
        await alice.send("private/quick", "hi")
        from_quick = await next_message(alice)
        gate.set()
        from_slow = [await next_message(alice) for _ in range(50)]

        assert from_quick.text == "you said hi"
        assert {message.text for message in from_slow} == {"at last"}
        assert slow.heard == [f"{number}" for number in range(50)]


async def test_a_conversation_is_answered_in_order_while_others_go_on(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def answer(chat: Chat) -> None:
        if text_of(chat) == "wait":
            await gate.wait()

    bot = Listener("bot", answer)
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        alice, bob = await platform.client("alice"), await platform.client("bob")

        await alice.send("private/bot", "wait")
        await alice.send("private/bot", "after")
        await bob.send("private/bot", "meanwhile")
        await until(lambda: len(bot.heard) == 2)
        before = list(bot.heard)
        gate.set()
        await until(lambda: len(bot.heard) == 3)

        assert before == ["wait", "meanwhile"]
        assert bot.heard[-1] == "after"


async def test_a_robot_that_fails_is_named_and_paused_and_loses_nothing(tmp_path: Path) -> None:
    is_broken = True

    async def answer(chat: Chat) -> None:
        if is_broken:
            raise LookupError("out of words")
        await chat.reply("recovered")

    bot = Listener("bot", answer)
    tables = {"robots": {"pause_after": 3, "pause_seconds": 0.2}}
    async with start_platform(tmp_path, plugins=tables, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        alice = await platform.client("alice")

        for number in range(6):
            await alice.send("private/bot", f"{number}")
        await until(lambda: len(bot.heard) >= 3)
        log = await settled(platform, "bot", 3)
        state = (await platform.http.get("/v1/robots")).json()["items"][0]
        is_broken = False
        answers = [await next_message(alice)]
        await settled(platform, "bot", 6)

        assert [each["error"] for each in log if each["state"] == "failed"][:1] == ["LookupError: out of words"]
        assert (state["state"], state["id"]) == ("paused", "bot")
        assert answers[0].text == "recovered"
        assert bot.heard == [f"{number}" for number in range(6)]


async def test_two_robots_do_not_answer_each_other_for_ever(tmp_path: Path) -> None:
    async def provoke(chat: Chat) -> None:
        await chat.send(chat.message.payload)

    one, two = Listener("one", provoke), Listener("two", provoke)
    tables = {"robots": {"max_hops": 2}}
    async with start_platform(tmp_path, plugins=tables, extra={"bots": RobotPlugin(one, two)}) as platform:
        await at_work(platform, "one", "two")
        await make_group(platform, "alice", "one", "two")
        alice = await platform.client("alice")

        await alice.send("group/team", "go", mentions=["one", "two"])
        heard = [(await next_message(alice)).sender for _ in range(4)]
        await settled(platform, "one", 2)
        await settled(platform, "two", 2)
        await alice.send("private/one", "still there?")
        await until(lambda: one.heard[-1] == "still there?")

        assert sorted(heard) == ["one", "one", "two", "two"]
        assert (len(one.heard), len(two.heard)) == (3, 2)


async def test_a_robot_answers_followers_of_a_channel_it_publishes(tmp_path: Path) -> None:
    bot = Listener("bot", echo)
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        await platform.add_user("owner")
        made = await platform.http.post("/v1/channels", json={"id": "news", "owner": "owner", "publishers": ["bot"]})
        assert made.status_code == 201, made.text
        alice = await platform.client("alice")
        token = await platform.token("alice")
        joined = await platform.http.put("/v1/channels/news/subscription", headers={"Authorization": f"Bearer {token}"})
        assert joined.status_code == 204, joined.text

        await alice.send("channel/news", "when do you open?")
        answer = await next_message(alice)

        assert (answer.sender, answer.text) == ("bot", "you said when do you open?")


async def test_what_was_said_to_some_is_answered_to_the_same_people(tmp_path: Path) -> None:
    bot = Listener("bot", echo)
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        await make_group(platform, "alice", "bob", "bot")
        alice, bob = await platform.client("alice"), await platform.client("bob")

        await alice.send("group/team", "between us", mentions=["bot"], only=["bot"])
        to_alice = await next_message(alice)
        await alice.send("group/team", "hello all")
        to_bob = await next_message(bob)

        assert to_alice.text == "you said between us"
        assert to_bob.text == "hello all"


async def test_a_group_that_mutes_a_robot_does_not_silence_it_elsewhere(tmp_path: Path) -> None:
    bot = Listener("bot", echo)
    tables = {"robots": {"pause_after": 2, "pause_seconds": 600}}
    async with start_platform(tmp_path, plugins=tables, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        await make_group(platform, "alice", "bot")
        muted = await platform.http.patch("/v1/groups/team/members/bot", json={"role": "muted"})
        assert muted.is_success, muted.text
        alice, bob = await platform.client("alice"), await platform.client("bob")

        for number in range(4):
            await alice.send("group/team", f"{number}", mentions=["bot"])
        log = await settled(platform, "bot", 4)
        await bob.send("private/bot", "still there?")
        answer = await next_message(bob)

        assert {each["state"] for each in log} == {"failed"}
        assert "may not speak here" in log[0]["error"]
        assert answer.text == "you said still there?"
