"""The process that writes the SQLite log: it reads requests from its standard input until that ends.

It ends with its parent, whose end of the pipe the system closes, and not by signals to the process group: what it was
given is committed first. The database's lock came with it as an inherited descriptor, so nobody else can take the
file while it lives.
"""

import gc
import signal
import socket
import sqlite3
import sys
import time

import msgspec

from balefire import BalefireError, Draft, Event, Message
from balefire_store_sql.process_log import HEAD, Start, Trouble
from balefire_store_sql.sqlite_log import SqliteLog

_encode = msgspec.msgpack.Encoder().encode
_drafts = msgspec.msgpack.Decoder(list[Draft]).decode
_events = msgspec.msgpack.Decoder(list[Event]).decode


def append(log: SqliteLog, body: memoryview) -> object:
    """Ids and seqs; whole messages only of repeats, by their place in the batch."""
    results = log.append(_drafts(body))
    repeats = {n: one.message for n, one in enumerate(results) if not one.is_new}
    return [one.message.id for one in results], [one.message.seq for one in results], repeats


def append_events(log: SqliteLog, body: memoryview) -> object:
    return [event.id for event in log.append_events(_events(body))]


def forget(log: SqliteLog, body: memoryview) -> object:
    log.forget(msgspec.msgpack.decode(body, type=Message))
    return None


def check(log: SqliteLog, _: memoryview) -> object:
    log.check()
    return None


WORK = {b"a": append, b"e": append_events, b"f": forget, b"c": check}


def answer(log: SqliteLog, request: bytes) -> bytes:
    """The result, or what went wrong; either behind a byte that says which."""
    try:
        return b"+" + _encode(WORK[request[:1]](log, memoryview(request)[1:]))
    except sqlite3.Error as error:
        trouble = Trouble(type(error).__name__, str(error), getattr(error, "sqlite_errorcode", 0))
    except BalefireError as error:
        trouble = Trouble("", str(error))
    except Exception as error:
        trouble = Trouble(type(error).__name__, str(error))
    return b"-" + _encode(trouble)


def connect(start: Start) -> sqlite3.Connection:
    """To the same file, with the same settings as the parent's connections."""
    connection = sqlite3.connect(start.path, isolation_level=None, timeout=start.busy_timeout_seconds)
    for pragma in start.pragmas:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    line = socket.socket(fileno=int(sys.argv[1]))
    requests = line.makefile("rb", 1 << 18)
    start = msgspec.json.decode(sys.argv[2], type=Start)
    log = SqliteLog(
        start.node,
        lambda: time.time_ns() // 1_000_000,
        recent_messages=start.recent_messages,
        conversations=start.conversations,
    )
    is_open = False
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)  # messages hold no cycles: the collector has little to find
    while len(head := requests.read(HEAD.size)) == HEAD.size:
        request = requests.read(HEAD.unpack(head)[0])
        try:
            if not is_open:
                log.open(connect(start))
                is_open = True
            reply = answer(log, request)
        except sqlite3.Error as error:
            reply = b"-" + _encode(Trouble(type(error).__name__, str(error), getattr(error, "sqlite_errorcode", 0)))
        try:
            line.sendall(HEAD.pack(len(reply)) + reply)
        except ConnectionError:  # the parent is gone
            break


if __name__ == "__main__":
    main()
