"""People on a running platform, and what they hear."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from balefire.client import ChatMessage, Client, Event, RequestFailed
from balefire.testing import Platform

PATIENCE_SECONDS = 10.0


class Person:
    """A user with a connected client that remembers everything it hears, and an HTTP voice of their own."""

    def __init__(self, platform: Platform, client: Client, token: str) -> None:
        self.client = client
        self.heard: list[Event] = []
        self._platform = platform
        self._headers = {"Authorization": f"Bearer {token}"}
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for event in self.client.events():
            self.heard.append(event)

    async def stop(self) -> None:
        self._listening.cancel()
        await asyncio.wait({self._listening})

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call the REST API as this person; the answer's JSON, or the problem's code."""
        answer = await self._platform.http.request(method, path, json=body, headers=self._headers)
        if answer.is_success:
            return answer.json() if answer.content else None
        return answer.json()["code"]

    async def say(self, to: str, text: str = "hello", **options: Any) -> str:
        """Send a text; the conversation it went to, or the code of the refusal."""
        try:
            return (await self.client.send(to, text, **options)).conversation
        except RequestFailed as refused:
            return refused.code

    def messages(self, conversation: str) -> list[ChatMessage]:
        return [e for e in self.heard if type(e) is ChatMessage and e.conversation == conversation]

    async def hears(self, conversation: str, *contents: str) -> list[ChatMessage]:
        """Wait until the messages heard there are these: texts, or the types of notices."""
        expected = list(contents)

        def words() -> list[str]:
            return [message.text or message.type for message in self.messages(conversation)]

        await until(lambda: words() == expected, lambda: f"{self.client.user} heard {words()}, not {expected}")
        return self.messages(conversation)

    async def reads(self, conversation: str) -> list[str] | str:
        """The texts or types of what history shows, oldest first; or the code of the refusal."""
        try:
            found = await self.client.history(conversation)
        except RequestFailed as refused:
            return refused.code
        return [message.text or message.type for message in reversed(found)]

    async def lists(self) -> set[str]:
        return {summary.conversation for summary in await self.client.conversations()}


async def until(holds: Callable[[], bool], complaint: Callable[[], str]) -> None:
    """Wait until something holds.

    :raises AssertionError: with the complaint, when it never does.
    """
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(complaint()) from None


async def person(platform: Platform, name: str) -> Person:
    client = await platform.client(name)
    return Person(platform, client, await platform.token(name))


Meet = Callable[..., Awaitable[list[Person]]]
"""``alice, bob = await meet("alice", "bob")``"""
