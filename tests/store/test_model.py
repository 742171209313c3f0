"""Random histories on the store and on a plain-Python model of it must look the same."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from tests.servers import PostgreSQL
from tests.store.conftest import TABLES
from tests.store.talking import NEWS, PAIR, TEAM, draft

from balefire import Conversation, Member
from balefire.database import SqlDatabase
from balefire_store_sql import SqlMessageStore

USERS = ("alice", "bob", "carol")
CONVERSATIONS = (TEAM, NEWS, PAIR)

users = st.sampled_from(USERS)
conversations = st.sampled_from(CONVERSATIONS)
said = st.tuples(users, conversations, st.integers(0, 12), st.booleans(), st.sampled_from([(), ("bob",)]))


class Model:
    """What a store is, in lists and dictionaries."""

    def __init__(self) -> None:
        self.log: dict[Conversation, list[tuple[str, str, bool, tuple[str, ...]]]] = {c: [] for c in CONVERSATIONS}
        self.known: dict[tuple[str, str], tuple[Conversation, int]] = {}
        self.cursors: dict[tuple[Conversation, str], list[int]] = {}

    def append(self, sender: str, conversation: Conversation, id_: str, counted: bool, to: tuple[str, ...]) -> Any:
        is_new = (sender, id_) not in self.known
        if is_new:
            self.log[conversation].append((sender, id_, counted, to))
            self.known[sender, id_] = (conversation, len(self.log[conversation]))
        return (is_new, *self.known[sender, id_])

    def mark(self, conversation: Conversation, user: str, read: int, delivered: int) -> list[int] | None:
        cursor = self.cursors.get((conversation, user))
        if cursor is None:
            return None
        end = len(self.log[conversation])
        cursor[:] = [max(now, min(wanted, end)) for now, wanted in zip(cursor, (read, delivered), strict=True)]
        return cursor

    def unread(self, conversation: Conversation, user: str) -> int:
        after = self.log[conversation][self.cursors[conversation, user][0] :]
        return sum(counted and sender != user and (not to or user in to) for sender, _, counted, to in after)


class StoreMachine(RuleBasedStateMachine):
    """Appends, marks, joins and restarts. ``url`` is set by the test."""

    url: str

    @initialize()
    def start(self) -> None:
        self.runner = asyncio.Runner()
        self.model = Model()
        self.store: SqlMessageStore
        self.database: SqlDatabase
        self.empty()
        self.runner.run(self._open())

    def empty(self) -> None:
        raise NotImplementedError

    async def _open(self) -> None:
        self.database = SqlDatabase(self.url)
        # Little memory, so that what has been forgotten is met as often as what is remembered.
        self.store = SqlMessageStore(
            self.database, now_ms=lambda: time.time_ns() // 1_000_000, recent_messages=2, conversations=1
        )
        await self.store.open()

    async def _close(self) -> None:
        await self.store.close()
        await self.database.close()

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self._close())
            self.runner.close()

    @rule(batch=st.lists(said, min_size=1, max_size=8))
    def append(self, batch: list[tuple[str, Conversation, int, bool, tuple[str, ...]]]) -> None:
        drafts = [draft(s, str(i), c, flags=int(counted), to=to) for s, c, i, counted, to in batch]

        appended = self.runner.run(self.store.append(drafts))

        expected = [self.model.append(s, c, str(i), counted, to) for s, c, i, counted, to in batch]
        assert [(a.is_new, a.message.conversation, a.message.seq) for a in appended] == expected

    @rule(conversation=conversations, user=users, read=st.integers(0, 15), delivered=st.integers(0, 15))
    def mark(self, conversation: Conversation, user: str, read: int, delivered: int) -> None:
        member = self.runner.run(self.store.mark(conversation, user, read_seq=read, delivered_seq=delivered))

        found = None if member is None else [member.read_seq, member.delivered_seq]
        assert found == self.model.mark(conversation, user, read, delivered)

    @rule(conversation=conversations, user=users)
    def join(self, conversation: Conversation, user: str) -> None:
        self.runner.run(self.store.put_members([Member(conversation=conversation, user=user)]))

        self.model.cursors.setdefault((conversation, user), [0, 0])

    @rule()
    def restart(self) -> None:
        self.runner.run(self._close())
        self.runner.run(self._open())

    @invariant()
    def histories_are_equal(self) -> None:
        for conversation, log in self.model.log.items():
            history = self.runner.run(self.store.history(conversation, limit=1000))
            assert [m.seq for m in history] == list(range(1, len(log) + 1))
            assert [(m.sender, m.client_message_id, m.is_counted, m.to) for m in history] == log

    @invariant()
    def lists_are_equal(self) -> None:
        for user in USERS:
            page = self.runner.run(self.store.summaries(user))
            mine = sorted((c.key, c) for c, member in self.model.cursors if member == user)
            assert [(s.conversation, s.last_seq, s.unread) for s in page] == [
                (c, len(self.model.log[c]), self.model.unread(c, user)) for _, c in mine
            ]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Hypothesis repeats inside one test, so each repetition cleans up what the one before left."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def run(machine: type[StoreMachine], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


def test_the_store_behaves_like_its_model_on_sqlite(folder: Path, file_with_tables: Path) -> None:
    class OnSqlite(StoreMachine):
        url = f"sqlite:///{folder / 'balefire.db'}"

        def empty(self) -> None:
            for file in folder.glob("balefire.db*"):
                file.unlink()
            shutil.copy(file_with_tables, folder)

    run(OnSqlite, examples=12)


def test_the_store_behaves_like_its_model_on_postgresql(postgresql: PostgreSQL, url_with_tables: str) -> None:
    class OnPostgresql(StoreMachine):
        url = url_with_tables

        def empty(self) -> None:
            postgresql.execute(url_with_tables, f"TRUNCATE {', '.join(TABLES)} RESTART IDENTITY")

    run(OnPostgresql, examples=5)
