"""A server that dies while a robot is answering: nothing lost, nothing said twice (I7)."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.robots.hearing import Listener, RobotPlugin, at_work, deliveries, echo, make_group, settled, until

from balefire import Chat, Conversation
from balefire.testing import start_platform

CHILD = """
import asyncio, sys
from pathlib import Path
from tests.robots import test_robot_crash
asyncio.run(getattr(test_robot_crash, sys.argv[2])(Path(sys.argv[1])))
"""


async def run_until_killed(folder: Path, what: str) -> None:
    """Run a function of this module in a process of its own, which ends by SIGKILL."""
    root = str(Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(folder), what, cwd=root, env={**os.environ, "PYTHONPATH": root}
    )
    assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL


FEW_ATTEMPTS: dict[str, dict[str, Any]] = {"robots": {"max_attempts": 2}}


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
    await run_until_killed(tmp_path, "die_half_way")

    async with start_platform(tmp_path, extra={"bots": RobotPlugin(Listener("bot", two_answers))}) as platform:
        log = await settled(platform, "bot")
        said = await platform.kernel.reader.history(Conversation("private", "alice,bot"), "alice")

    assert [message.payload.fields["text"] for message in said] == ["first", "one", "two"]
    assert (log[0]["state"], len(log[0]["answers"])) == ("done", 2)


async def die_at_once(folder: Path) -> None:
    """A handler that takes the process with it before anything can be written down."""

    async def answer(chat: Chat) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    bots = RobotPlugin(Listener("bot", answer))
    async with start_platform(folder, plugins=FEW_ATTEMPTS, extra={"bots": bots}) as platform:
        await at_work(platform, "bot")
        alice = await platform.client("alice")
        await alice.send("private/bot", "boom", id="boom")
        await asyncio.sleep(30)


async def test_a_message_that_kills_the_server_is_given_up(tmp_path: Path) -> None:
    for _ in range(3):
        await run_until_killed(tmp_path, "die_at_once")

    bot = Listener("bot", echo)
    async with start_platform(tmp_path, plugins=FEW_ATTEMPTS, extra={"bots": RobotPlugin(bot)}) as platform:
        [given_up] = await settled(platform, "bot")

    assert bot.heard == []
    assert (given_up["state"], given_up["error"]) == (
        "failed",
        "the server stopped 2 times while this was being handled",
    )


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
