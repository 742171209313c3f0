"""How fast the message store appends, on its own: one line per case.

    python benchmarks/append.py [--url postgresql://…] [--messages 100000] [--busy]

"held" is the share of the interpreter lock that appending takes: how much slower a loop that only counts becomes, per
message. Batches of 500, as group commit makes them under load.
"""

import argparse
import asyncio
import gc
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from balefire import Conversation, Draft, Payload, Submission
from balefire.database import SqlDatabase, Synchronous
from balefire.migrations import migrate
from balefire_store_sql import SqlMessageStore

Options = argparse.Namespace

BATCH = 500
MODES: tuple[tuple[Synchronous, ...], ...] = (("normal", "full"), ("full",))
"""On SQLite and on PostgreSQL."""

TEXT = "这是一个很短的文本内容！"


def draft(number: int, sender: int, conversation: Conversation, members: tuple[str, ...]) -> Draft:
    submission = Submission(
        sender=f"user{sender:04}",
        conversation=conversation,
        payload=Payload("text", {"text": TEXT}),
        client_message_id=f"c0ffee-{number:07}",
    )
    return Draft(submission, at=1_767_225_600_000 + number, flags=1, initial_members=members)


def existing(count: int) -> list[Draft]:
    """Messages to 2 000 conversations that are there."""
    drafts = []
    for number in range(count):
        peer = random.randrange(2000)
        drafts.append(draft(number, peer % 200, Conversation("private", f"peer{peer:04},user"), ()))
    return drafts


def first_contacts(count: int) -> list[Draft]:
    """200 senders, each message to somebody they never wrote to before."""
    drafts = []
    for number in range(count):
        sender, receiver = number % 200, number // 200
        pair = (f"peer{receiver:04}", f"user{sender:04}")
        drafts.append(draft(number, sender, Conversation("private", ",".join(pair)), pair))
    random.shuffle(drafts)
    return drafts


async def append_all(store: SqlMessageStore, drafts: Sequence[Draft]) -> None:
    for start in range(0, len(drafts), BATCH):
        await store.append(drafts[start : start + BATCH])


class Counter(threading.Thread):
    """Counts as fast as it can: what it does not get, others hold."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self.is_over = False

    def run(self) -> None:
        while not self.is_over:
            self.count += 1

    def rate(self, seconds: float) -> float:
        before, start = self.count, time.perf_counter()
        time.sleep(seconds)
        return (self.count - before) / (time.perf_counter() - start)


async def measure(url: str, synchronous: Synchronous, make: Callable[[int], list[Draft]], options: Options) -> None:
    database = SqlDatabase(url, synchronous)
    await database.open()
    await migrate(database, "store-sql", "balefire_store_sql.migrations")
    store = SqlMessageStore(database, now_ms=lambda: int(time.time() * 1000))
    await store.open()
    if make is existing:
        known = [draft(-1 - n, n, Conversation("private", f"peer{n:04},user"), ("a", "b")) for n in range(2000)]
        await append_all(store, known)
    drafts = make(options.messages)
    gc.freeze()  # the drafts are this script's, not the store's
    counter = Counter()
    alone = 0.0
    if options.busy:
        counter.start()
        alone = counter.rate(0.5)
    before, start, cpu = counter.count, time.perf_counter(), time.process_time()
    await append_all(store, drafts)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    held = f", held {(wall - (counter.count - before) / alone) / len(drafts) * 1e6:4.1f} µs" if alone else ""
    counter.is_over = True
    each = "" if options.busy else f", cpu {cpu / len(drafts) * 1e6:5.1f} µs"
    name = f"{make.__name__}, {synchronous}"
    print(f"{name:28} {len(drafts) / wall:8.0f} messages/s{each}{held}", flush=True)
    await store.close()
    await database.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="", help="an empty PostgreSQL database instead of SQLite files")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--busy", action="store_true", help="while another thread never lets go of the interpreter")
    parser.add_argument("--switch", type=float, default=sys.getswitchinterval(), help="sys.setswitchinterval")
    options = parser.parse_args()
    sys.setswitchinterval(options.switch)
    for make in (existing, first_contacts):
        for synchronous in MODES[options.url != ""]:
            with tempfile.TemporaryDirectory() as folder:
                url = options.url or f"sqlite:///{Path(folder) / 'balefire.db'}"
                await measure(url, synchronous, make, options)


asyncio.run(main())
