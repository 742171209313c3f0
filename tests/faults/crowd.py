"""The crowd: many clients in a process of their own, who send, number what they send, and write down what happens.

``python -m tests.faults.crowd PLAN`` runs until its standard input ends; then it lets every send under way be
answered, waits until everybody was shown everything or nothing more comes, and exits 0. What was never shown is for the
count to say.
"""

import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.faults.counting import Entry

from balefire.client import Backoff, ChatMessage, Client, Sent

PATIENCE_SECONDS = 120.0
SILENCE_SECONDS = 20.0
"""Nothing was shown to anybody for so long: the rest is not coming."""


class Journal:
    """A file that gets one whole line per write, so that it tells the truth whenever it is read."""

    def __init__(self, file: Path) -> None:
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def add(self, entry: Entry) -> None:
        os.write(self._descriptor, entry.line())


class Person:
    """One user with one client: sends round robin into their conversations, notes what is acknowledged and shown."""

    def __init__(self, name: str, plan: dict[str, Any], journal: Journal, acknowledged: list[Entry]) -> None:
        self.name = name
        self._speaks_in: list[str] = plan["conversations"][name]
        self._hears = frozenset(plan["hears"][name])
        self._text = "火" * plan["text_length"]
        self._journal = journal
        self._acknowledged = acknowledged
        self._shown: set[str] = set()
        self._screen = Journal(Path(plan["folder"]) / f"shown-{name}")
        backoff = Backoff(base_seconds=0.1, cap_seconds=0.5)
        self.client = Client(
            plan["url"], plan["tokens"][name], start="all", backoff=backoff, deadline_seconds=PATIENCE_SECONDS
        )
        self.client.on(ChatMessage, self._show)

    def _show(self, message: ChatMessage) -> None:
        self._shown.add(message.message)
        self._screen.add(Entry(message.conversation, message.sender, message.id, message.message, message.seq))

    async def send(self, numbers: Iterator[int], stopping: asyncio.Event) -> None:
        """One message after another until it is time to stop."""
        for number in numbers:
            if stopping.is_set():
                return
            to = self._speaks_in[number % len(self._speaks_in)]
            client_id = f"{self.name}-{number}"
            sent = await self.client.send(to, self._text, id=client_id)
            self._note(client_id, sent)

    def _note(self, client_id: str, sent: Sent) -> None:
        entry = Entry(sent.conversation, self.name, client_id, sent.message, sent.seq)
        self._acknowledged.append(entry)
        self._journal.add(entry)

    @property
    def shown(self) -> int:
        """How many messages this person was shown."""
        return len(self._shown)

    def has_been_shown_everything(self) -> bool:
        """Whether all that was acknowledged to the others has arrived here."""
        return self._shown.issuperset(
            entry.message
            for entry in self._acknowledged
            if entry.sender != self.name and entry.conversation in self._hears
        )


async def run(plan: dict[str, Any]) -> None:
    journal, acknowledged = Journal(Path(plan["folder"]) / "acknowledged"), list[Entry]()
    people = [Person(name, plan, journal, acknowledged) for name in plan["tokens"]]
    stopping = asyncio.Event()
    async with AsyncExitStack() as exits:
        await asyncio.gather(*(exits.enter_async_context(person.client) for person in people))
        async with asyncio.TaskGroup() as group:
            group.create_task(_until_end_of_input(stopping))
            for person in people:
                if person.name in plan["senders"]:
                    numbers = itertools.count()
                    for _ in range(plan["window"]):
                        group.create_task(person.send(numbers, stopping))
        await _until_all_is_shown(people)


async def _until_all_is_shown(people: Sequence[Person]) -> None:
    shown, since = -1, time.monotonic()
    while not all(person.has_been_shown_everything() for person in people):
        now_shown = sum(person.shown for person in people)
        if now_shown != shown:
            shown, since = now_shown, time.monotonic()
        if time.monotonic() - since > SILENCE_SECONDS:
            return
        await asyncio.sleep(0.05)


async def _until_end_of_input(stopping: asyncio.Event) -> None:
    # A thread that reads could not be cancelled, and a crowd that failed would not end.
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    stopping.set()


if __name__ == "__main__":
    asyncio.run(run(json.loads(Path(sys.argv[1]).read_text())))
