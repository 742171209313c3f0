"""The robot, spoken to on a running platform."""

import asyncio
from pathlib import Path

from balefire_robot_acme import Plugin

from balefire.client import ChatMessage, Client
from balefire.testing import start_platform


async def answer_of(robot: str, client: Client) -> str:
    """The next thing the robot says."""
    async with asyncio.timeout(30):
        async for event in client.events():
            if isinstance(event, ChatMessage) and event.sender == robot:
                return event.text
    raise AssertionError("the connection ended")


async def test_acme_answers_who_speaks_to_it(tmp_path: Path) -> None:
    async with start_platform(tmp_path, extra={"robot-acme": Plugin}) as platform:
        alice = await platform.client("alice")

        await alice.send("private/acme", "ping")

        assert await answer_of("acme", alice) == "Hello, alice! You said: ping"
