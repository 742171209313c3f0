"""Robots that remember what they hear, and ways to wait for them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from balefire import Chat, Conversation, Manifest, Robot, hookimpl
from balefire.client import ChatMessage, Client
from balefire.testing import Platform

Answer = Callable[[Chat], Awaitable[object]]
DEADLINE_SECONDS = 15


class Listener:
    """A robot that notes what it hears and answers as the test says."""

    def __init__(self, id: str = "bot", answer: Answer | None = None) -> None:
        self.id = id
        self.display_name = id.capitalize()
        self.heard: list[str] = []
        self._answer = answer

    async def answer(self, chat: Chat) -> None:
        """Note, then answer."""
        self.heard.append(text_of(chat))
        if self._answer is not None:
            await self._answer(chat)


class RobotPlugin:
    """A plugin that brings these robots."""

    def __init__(self, *robots: Robot) -> None:
        self._robots = robots

    @hookimpl
    def describe(self) -> Manifest:
        return Manifest(summary="robots of a test")

    @hookimpl
    def register_robots(self, ctx: Any) -> list[Robot]:
        return list(self._robots)


def text_of(chat: Chat) -> str:
    """What was said."""
    return str(chat.message.payload.fields["text"])


async def echo(chat: Chat) -> None:
    """Say it back."""
    await chat.reply(f"you said {text_of(chat)}")


async def until(is_so: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():
            await asyncio.sleep(0.005)


async def next_message(client: Client) -> ChatMessage:
    """The next text this client receives; notices of groups are passed over."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        async for event in client.events():
            if isinstance(event, ChatMessage) and event.type == "text":
                return event
    raise AssertionError("the connection ended")


async def at_work(platform: Platform, *robots: str) -> None:
    """Wait until these robots have accounts."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(await platform.kernel.directory.get(list(robots))) < len(robots):
            await asyncio.sleep(0.005)


async def make_group(platform: Platform, owner: str, *members: str, id: str = "team") -> Conversation:
    """Found a group over the API."""
    for user in (owner, *members):
        await platform.add_user(user)
    answer = await platform.http.post("/v1/groups", json={"id": id, "owner": owner, "members": list(members)})
    assert answer.status_code == 201, answer.text
    return Conversation("group", id)


async def deliveries(platform: Platform, robot: str) -> list[dict[str, Any]]:
    """The robot's delivery log, newest first."""
    answer = await platform.http.get(f"/v1/robots/{robot}/deliveries")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def settled(platform: Platform, robot: str, count: int = 1) -> list[dict[str, Any]]:
    """The delivery log once this many deliveries are finished."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            found = await deliveries(platform, robot)
            if sum(each["finished_at"] > 0 for each in found) >= count:
                return found
            await asyncio.sleep(0.01)
