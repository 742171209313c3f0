"""``balefire chat`` as a person uses it: a process, lines in, lines out."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.client.conftest import Place, join

from balefire.client import Marked
from balefire.testing import next_event


class Terminal:
    """A running ``balefire chat``."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.seen = ""

    def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    def close(self) -> None:
        """End the input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def shows(self, text: str) -> None:
        """Wait until this was printed."""
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            while text not in self.seen:
                chunk = await self._process.stdout.read(4096)
                assert chunk, f"it ended without showing {text!r}:\n{self.seen}"
                self.seen += chunk.decode()

    async def ends(self) -> int:
        async with asyncio.timeout(30):
            return await self._process.wait()


@asynccontextmanager
async def chat(place: Place, *options: str, token: str = "") -> AsyncIterator[Terminal]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "balefire", "chat", "--url", place.platform.url, "--token", token, *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Terminal(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_lines_are_sent_and_messages_are_shown(place: Place) -> None:
    bob, carol = await join(place, "bob"), await join(place, "carol")
    async with chat(place, "--as", "alice", "--to", "bob", token=await place.platform.token("alice")) as terminal:
        await terminal.shows("alice → private/alice,bob")

        terminal.type("你好 Bob")
        assert (await next_event(bob)).text == "你好 Bob"
        await bob.send("private/alice", "hi there \x1b[31mnot red\x07")
        await terminal.shows("hi there")
        assert (await next_event(bob, Marked)).read == 2

        await carol.send("private/alice", "and I am here too")
        await terminal.shows("and I am here too")
        terminal.type("/list")
        await terminal.shows("private/alice,carol (1)")
        terminal.type("/to nobody")
        terminal.type("hello?")
        await terminal.shows("unknown_user")
        terminal.type("/quit")
        assert await terminal.ends() == 0
    assert "\x07" not in terminal.seen
    assert "\x1b[31mnot" not in terminal.seen
    await bob.close()
    await carol.close()


async def test_it_ends_with_its_input(place: Place) -> None:
    async with chat(place, "--as", "alice", token=await place.platform.token("alice")) as terminal:
        await terminal.shows("/list")
        terminal.type("to whom?")
        await terminal.shows("write to whom?")
        terminal.close()
        assert await terminal.ends() == 0


async def test_a_token_of_somebody_else_is_refused(place: Place) -> None:
    async with chat(place, "--as", "bob", token=await place.platform.token("alice")) as terminal:
        await terminal.shows("this token belongs to alice, not to bob")
        assert await terminal.ends() == 1


async def test_a_wrong_token_is_said_in_a_sentence(place: Place) -> None:
    async with chat(place, "--as", "alice", token="nonsense") as terminal:
        await terminal.shows("unauthenticated")
        assert await terminal.ends() == 1
        assert "Traceback" not in terminal.seen


async def test_more_goes_back_further_each_time(place: Place) -> None:
    bob = await join(place, "bob")
    for number in range(1, 31):
        await bob.send("private/alice", f"line {number}.")
    async with chat(place, "--as", "alice", "--to", "bob", token=await place.platform.token("alice")) as terminal:
        await terminal.shows("line 30.")
        for expected in ("line 30.", "line 10.", "nothing was said before"):
            terminal.seen = ""
            terminal.type("/more")
            await terminal.shows(expected)
        terminal.type("/quit")
        assert await terminal.ends() == 0
    await bob.close()


async def test_it_ends_by_itself_when_the_server_ends_the_session(place: Place) -> None:
    async with chat(place, "--as", "alice", token=await place.platform.token("alice")) as terminal:
        await terminal.shows("/list")
        await place.platform.http.post("/v1/users/alice/revoke-tokens")

        await terminal.shows("token_revoked")
        assert await terminal.ends() == 1
        assert "Traceback" not in terminal.seen
