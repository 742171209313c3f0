"""Hands the SQLite log to a process of its own: two threads of one interpreter would wait for each other."""

import asyncio
import socket
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from balefire import Appended, Draft, Event, Message, StorageUnavailable

HEAD: Final = struct.Struct("<I")
_SOCKET_BUFFER: Final = 1 << 20
_ENDS_WITHIN_SECONDS: Final = 10.0

_encode = msgspec.msgpack.Encoder().encode
_appended = msgspec.msgpack.Decoder(tuple[list[int], list[int], dict[int, Message]]).decode


class Start(msgspec.Struct, frozen=True):
    """What the process is told."""

    path: str
    pragmas: tuple[str, ...]
    busy_timeout_seconds: float
    node: int
    recent_messages: int
    conversations: int


class Trouble(msgspec.Struct, frozen=True):
    """An error on its way back; without ``type`` it is StorageUnavailable."""

    type: str
    text: str
    code: int = 0

    def error(self) -> Exception:
        if not self.type:
            return StorageUnavailable(self.text)
        kind = getattr(sqlite3, self.type, None)
        if kind is None:
            return RuntimeError(f"{self.type}: {self.text}")
        error: sqlite3.Error = kind(self.text)
        error.sqlite_errorcode = self.code
        return error


class _Line(asyncio.Protocol):
    """One question at a time, each answered by one frame."""

    def __init__(self) -> None:
        self._gathered = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self.is_lost = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        gathered = self._gathered
        gathered += data
        if len(gathered) >= HEAD.size and len(gathered) == HEAD.size + HEAD.unpack_from(gathered)[0]:
            self._gathered = bytearray()
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(bytes(gathered[HEAD.size :]))

    def connection_lost(self, _: Exception | None) -> None:
        self.is_lost = True
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(StorageUnavailable("the log's process ended; send again", retry_after_seconds=1))

    async def ask(self, kind: bytes, body: bytes) -> bytes:
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.writelines((HEAD.pack(len(body) + 1), kind, body))
        return await self._answer


class ProcessLog:
    """Implements ``LogWriter`` by a ``SqliteLog`` in a child process, started again when it ended."""

    def __init__(self, database: Any, *, recent_messages: int, conversations: int):
        self._database = database
        self._start = Start(
            path=str(database.path),
            pragmas=database.pragmas,
            busy_timeout_seconds=database.busy_timeout_seconds,
            node=database.node,
            recent_messages=recent_messages,
            conversations=conversations,
        )
        self._line: _Line | None = None
        self._child: subprocess.Popen[bytes] | None = None

    async def open(self) -> None:
        await self._ask(b"c", b"")

    async def close(self) -> None:
        if self._line is not None:
            self._line.transport.abort()
        await self._reap()

    async def append(self, drafts: Sequence[Draft]) -> list[Appended]:
        ids, seqs, repeats = _appended(await self._ask(b"a", _encode(drafts)))
        results = []
        for n, draft in enumerate(drafts):
            said = draft.submission
            stored = repeats.get(n) if repeats else None
            message = stored or Message(
                id=ids[n],
                conversation=said.conversation,
                seq=seqs[n],
                sender=said.sender,
                client_message_id=said.client_message_id,
                payload=said.payload,
                at=draft.at,
                origin=said.origin,
                to=said.to,
                expires_at=draft.at + said.expires_after_ms if said.expires_after_ms else 0,
                flags=draft.flags,
            )
            results.append(Appended(message, stored is None))
        return results

    async def append_events(self, events: Sequence[Event]) -> list[Event]:
        ids: list[int] = msgspec.msgpack.decode(await self._ask(b"e", _encode(events)))
        return [msgspec.structs.replace(event, id=id_) for event, id_ in zip(events, ids, strict=True)]

    async def forget(self, message: Message) -> None:
        await self._ask(b"f", _encode(message))

    async def check(self) -> None:
        await self._ask(b"c", b"")

    async def _ask(self, kind: bytes, body: bytes) -> bytes:
        # A caller who gives up must not leave an answer to the next one's question.
        return await asyncio.shield(asyncio.ensure_future(self._exchange(kind, body)))

    async def _exchange(self, kind: bytes, body: bytes) -> bytes:
        async with self._database.exclusive():
            if self._line is None or self._line.is_lost:
                await self._reap()
                await self._spawn()
            assert self._line is not None
            reply = await self._line.ask(kind, body)
        if reply[:1] == b"+":
            return reply[1:]
        error = msgspec.msgpack.decode(reply[1:], type=Trouble).error()
        raise self._database.explain(error) from error

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            for end in (ours, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER)
            ours.setblocking(False)
            arguments = (str(theirs.fileno()), msgspec.json.encode(self._start).decode())
            self._child = await asyncio.to_thread(
                subprocess.Popen,
                [sys.executable, "-m", "balefire_store_sql.log_process", *arguments],
                pass_fds=[theirs.fileno(), *self._database.lock_descriptors],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        _, self._line = await asyncio.get_running_loop().create_connection(_Line, sock=ours)

    async def _reap(self) -> None:
        """Wait for the end of the one before: two must never write."""
        child, self._child = self._child, None
        if child is None:
            return
        try:
            await asyncio.to_thread(child.wait, _ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            await asyncio.to_thread(child.wait)
