"""Many messages for one robot: memory stays bounded, order stays, nothing is lost."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.robots.hearing import Listener, RobotPlugin, at_work, echo, settled, text_of, until
from tests.servers import PostgreSQL

from balefire import Chat, Conversation, Payload, Submission
from balefire.testing import Platform, start_platform


async def say(platform: Platform, sender: str, text: str) -> None:
    await platform.kernel.path.submit(
        Submission(
            sender=sender,
            conversation=platform.kernel.resolve("private/bot", sender),
            payload=Payload("text", {"text": text}),
            client_message_id=f"{sender}-{text}",
        )
    )


async def test_a_backlog_larger_than_memory_is_worked_off_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balefire_robots.runner.WINDOW", 20)
    gate = asyncio.Event()

    async def answer(chat: Chat) -> None:
        await gate.wait()

    bot = Listener("bot", answer)
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        for user in ("alice", "bob"):
            await platform.add_user(user)
        for number in range(30):
            await asyncio.gather(say(platform, "alice", f"a{number:02}"), say(platform, "bob", f"b{number:02}"))
        while len((await platform.http.get("/v1/robots/bot/deliveries", params={"limit": 200})).json()["items"]) < 60:
            await asyncio.sleep(0.01)
        state = (await platform.http.get("/v1/robots")).json()["items"][0]
        gate.set()
        await until(lambda: len(bot.heard) == 60)

    assert state["waiting"] <= 20
    assert [text for text in bot.heard if text < "b"] == [f"a{number:02}" for number in range(30)]
    assert [text for text in bot.heard if text > "b"] == [f"b{number:02}" for number in range(30)]


async def test_a_robot_answers_no_more_conversations_at_a_time_than_it_may(tmp_path: Path) -> None:
    gate = asyncio.Event()
    running: list[str] = []

    async def answer(chat: Chat) -> None:
        running.append(text_of(chat))
        await gate.wait()

    bot = Listener("bot", answer)
    tables = {"robots": {"concurrency": 3}}
    async with start_platform(tmp_path, plugins=tables, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        for number in range(8):
            await platform.add_user(f"user{number}")
            await say(platform, f"user{number}", "hi")
        await until(lambda: len(running) == 3)
        state = (await platform.http.get("/v1/robots")).json()["items"][0]
        gate.set()
        await until(lambda: len(bot.heard) == 8)

    assert state["running"] == 3


async def test_robots_and_their_log_work_on_postgresql(tmp_path: Path, postgresql: PostgreSQL) -> None:
    url = {"database": {"url": postgresql.create_database()}}
    bot = Listener("bot", echo)
    async with start_platform(tmp_path, settings=url, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        await platform.add_user("alice")
        await say(platform, "alice", "hi")
        log = await settled(platform, "bot")
        said = await platform.kernel.reader.history(Conversation("private", "alice,bot"), "alice")

    assert [message.payload.fields["text"] for message in said] == ["hi", "you said hi"]
    assert (log[0]["state"], log[0]["answers"]) == ("done", [str(said[1].id)])


async def test_a_delivery_whose_robot_is_switched_off_that_moment_waits_for_it(tmp_path: Path) -> None:
    bot = Listener("bot", echo)
    async with start_platform(tmp_path, extra={"bots": RobotPlugin(bot)}) as platform:
        await at_work(platform, "bot")
        await platform.add_user("alice")
        plugin: Any = platform.kernel.host.records["robots"].plugin
        runtime = plugin.runtime
        runner, robots = runtime.runner("bot"), runtime.robots

        offer = runner.offer

        def offer_and_switch_off(delivery: Any) -> None:
            offer(delivery)
            runtime.robots = {}

        runner.offer = offer_and_switch_off
        await say(platform, "alice", "first")
        await until(lambda: runner.waiting and not runner.running)
        runner.offer, runtime.robots = offer, robots
        await say(platform, "alice", "second")
        await until(lambda: len(bot.heard) == 2)

    assert bot.heard == ["first", "second"]
