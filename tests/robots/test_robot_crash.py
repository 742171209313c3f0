"""A server that dies while a robot is answering: nothing lost, nothing said twice (I7)."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from tests.robots.hearing import Listener, RobotPlugin, at_work, deliveries, echo, make_group, settled, until

from balefire import Chat, Conversation
from balefire.testing import start_platform

CHILD = """
import asyncio, sys
from pathlib import Path
from tests.robots.test_robot_crash import die_half_way
asyncio.run(die_half_way(Path(sys.argv[1])))
"""


async def two_answers(chat: Chat) -> None:
    """What the robot says when it gets to the end."""
    await chat.reply("one")
    await chat.reply("two")


async def die_half_way(folder: Path) -> None:
    """Runs in a process of its own, which is killed between the robot's two answers."""

    async def answer(chat: Chat) -> None:
        await chat.reply("one")
        os.kill(os.getpid(), signal.SIGKILL)

    async with start_platform(folder, extra={"bots": RobotPlugin(Listener("bot", answer))}) as platform:
        await at_work(platform, "bot")
        alice = await platform.client("alice")
        await alice.send("private/bot", "first")
        await asyncio.sleep(30)


async def test_a_killed_server_repeats_the_delivery_and_doubles_no_answer(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(tmp_path), cwd=root, env={**os.environ, "PYTHONPATH": root}
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL

    async with start_platform(tmp_path, extra={"bots": RobotPlugin(Listener("bot", two_answers))}) as platform:
        log = await settled(platform, "bot")
        said = await platform.kernel.reader.history(Conversation("private", "alice,bot"), "alice")

    assert [message.payload.fields["text"] for message in said] == ["first", "one", "two"]
    assert (log[0]["state"], len(log[0]["answers"])) == ("done", 2)


async def test_a_stopped_server_takes_the_delivery_up_again(tmp_path: Path) -> None:
    is_reached = asyncio.Event()

    async def hang(chat: Chat) -> None:
        await chat.reply("one")
        is_reached.set()
        await asyncio.Event().wait()

    async with start_platform(tmp_path, extra={"bots": RobotPlugin(Listener("bot", hang))}) as platform:
        await at_work(platform, "bot")
        alice = await platform.client("alice")
        await alice.send("private/bot", "first")
        await is_reached.wait()
        await alice.send("private/bot", "second")

    bot = Listener("bot", two_answers)
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(bot)}) as platform:
        log = await settled(platform, "bot", 2)
        said = await platform.kernel.reader.history(Conversation("private", "alice,bot"), "alice")

    assert bot.heard == ["first", "second"]
    assert [message.payload.fields["text"] for message in said] == ["first", "one", "second", "two", "one", "two"]
    assert {each["state"] for each in log} == {"done"}


async def test_messages_wait_for_a_robot_that_is_switched_off(tmp_path: Path) -> None:
    off, on = Listener("bot"), Listener("bot", echo)
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(off)}) as platform:
        await at_work(platform, "bot")
        await make_group(platform, "alice", "bot")

    async with start_platform(tmp_path, plugins={"robots": {"enabled": False}}) as platform:
        alice = await platform.client("alice")
        await alice.send("group/team", "anybody?", mentions=["bot"])

    async with start_platform(tmp_path, extra={"bots": RobotPlugin(on)}) as platform:
        await until(lambda: on.heard)
        log = await settled(platform, "bot")

    assert on.heard == ["anybody?"]
    assert log[0]["conversation"] == "group/team"


async def test_replaying_doubles_no_answer_unless_it_is_asked_for(tmp_path: Path) -> None:
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(Listener("bot", two_answers))}) as platform:
        await at_work(platform, "bot")
        alice = await platform.client("alice")
        await alice.send("private/bot", "first")
        log = await settled(platform, "bot")
        path = f"/v1/robots/bot/deliveries/{log[0]['id']}/replay"

        assert (await platform.http.post(path)).status_code == 202
        await settled(platform, "bot")
        after_replay = await platform.kernel.reader.history(Conversation("private", "alice,bot"), "alice")
        assert (await platform.http.post(path, params={"afresh": "true"})).status_code == 202
        await settled(platform, "bot")
        after_afresh = await platform.kernel.reader.history(Conversation("private", "alice,bot"), "alice")
        missing = await platform.http.post("/v1/robots/bot/deliveries/1/replay")
        malformed = await platform.http.post("/v1/robots/bot/deliveries/x/replay")
        unknown = await platform.http.get("/v1/robots/nobody/deliveries")

        assert len(after_replay) == 3
        assert len(after_afresh) == 5
        assert [answer.status_code for answer in (missing, malformed, unknown)] == [404, 422, 404]
        assert len(await deliveries(platform, "bot")) == 1
