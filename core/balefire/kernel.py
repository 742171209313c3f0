"""The kernel: puts the parts together, starts them in order, stops them in reverse.

Nothing here knows a plugin by name but for the configuration's choice of store and directory. Everything hangs on
one object, so a process can have two (tests do).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from functools import partial
from typing import Any

from balefire.authentication import authenticate
from balefire.bounded import bounded
from balefire.clock import SystemClock
from balefire.config import Config
from balefire.context import Context
from balefire.database import SqlDatabase
from balefire.event_log import EventLog
from balefire.fan_out import FanOut
from balefire.history import Reader
from balefire.http_server import HttpServer
from balefire.jobs import JobRunner
from balefire.membership import MemberTable
from balefire.message_log import MessageLog
from balefire.message_path import MessagePath, PathServices
from balefire.migrations import migrate
from balefire.plugin_host import PluginHost
from balefire.plugin_life import GRACE_SECONDS
from balefire.plugin_record import PluginRecord
from balefire.recalls import Recalls
from balefire.sessions import SessionTable
from balefire_hookspecs import (
    BalefireError,
    Clock,
    ConfigError,
    Conversation,
    Directory,
    Gateway,
    Identity,
    InvalidInput,
    MessageStore,
    Metric,
    Providers,
)

log = logging.getLogger(__name__)

MAX_KEY = 180

DRAIN_SECONDS = 5.0
"""What a gateway may take beyond the time over which clients are asked to leave."""


class Kernel:
    """One running platform."""

    def __init__(self, config: Config, *, clock: Clock | None = None, plugins: dict[str, object] | None = None) -> None:
        """Put the parts together; nothing is opened yet.

        :param plugins: plugin objects beside the discovered ones, by name; enabled when the configuration has their
            table. For tests and for programs that embed the platform.
        """
        self.config = config
        self.clock: Clock = clock or SystemClock()
        self.database = SqlDatabase(config.database_url, config.database.synchronous, node=config.kernel.node)
        self.host = PluginHost(config.plugins, config.plugin_files, self._make_context, self.clock, extra=plugins or {})
        self.events = EventLog(self._store, self.clock)
        self.sessions = SessionTable(self._store, self._providers, self._presence_changed)
        self.members = MemberTable(
            self._store, lambda: self.providers.conversation_kinds, self.sessions, self.events, self.clock
        )
        services = PathServices(
            providers=self._providers,
            hooks=lambda: self.host.hooks,
            store=self._store,
            clock=self.clock,
            sessions=self.sessions,
            members=self.members,
            events=self.events,
            max_message_bytes=config.kernel.max_message_bytes,
        )
        self.path = MessagePath(services)
        self.fan_out = FanOut(services)
        self.recalls = Recalls(services)
        self.log = MessageLog(self._store, self.fan_out.on_appended, self.fan_out.on_events, self.fan_out.on_missed)
        self.path.log = self.events.log = self.log
        self.path.fan_out = self.fan_out
        self.sessions.offer = self.path.offer
        self.reader = Reader(self._store, self._providers, self.clock)
        self.http = HttpServer(
            config,
            self.host,
            self.authenticate,
            self._check_store,
            self.clock,
            database=self.database,
            metrics=self._own_metrics(),
            emit=self.events.emit,
            troubles=self._troubles,
        )
        self.jobs = JobRunner(self.host, self.clock, store=self._store)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_serving = False
        self.host.on_changed.append(self._plugins_changed)

    # -- life --------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start everything; the HTTP port listens when it returns.

        :raises ConfigError: the configuration is wrong, or nothing provides the store or directory it names.
        :raises BalefireError, OSError: the database cannot be opened, or the port is taken.
        """
        self.config.data_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            await self.database.open()
            self.database.claim()
            self.host.load()
            self.log.start()
            await self.host.start(self._migrate)
            self._require_providers()
            await self.events.start(self.host.registered("register_event_consumers"))
            await self.http.start()
            await self.jobs.start()
            self._is_serving = True
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop intake, finish what is under way, close. Stopping twice, or after a failed start, is no error."""
        was_serving, self._is_serving = self._is_serving, False
        self.http.drain()
        if was_serving:
            await self._drain_gateways()
        await self.jobs.stop()
        await self.http.stop()
        await self.events.stop()
        await self.path.stop()
        await self.log.stop()
        await self.fan_out.stop()
        for task in (tasks := set(self._tasks)):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        await self.host.stop()
        await self.database.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Kernel]:
        """``async with kernel.running():`` starts it and stops it."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def reload_plugin(self, name: str) -> None:
        """Load one plugin's code anew and swap it in; connections stay open. On failure the old one runs on.

        :raises BalefireError: the new one did not start; the text says why.
        """
        await self.host.reload(name)
        await self.events.start(self.host.registered("register_event_consumers"))

    async def _migrate(self, record: PluginRecord) -> None:
        if record.manifest.migrations:
            await migrate(self.database, record.name, record.manifest.migrations)

    async def _drain_gateways(self) -> None:
        await asyncio.gather(*(self._drain(name, gateway) for name, gateway in self.providers.gateways.items()))

    async def _drain(self, name: str, gateway: Gateway) -> None:
        spread = self.config.server.drain_seconds
        try:
            await bounded(partial(gateway.drain, spread), spread + DRAIN_SECONDS)
        except Exception as error:
            log.error("gateway %r could not be drained", name, exc_info=error)

    def _require_providers(self) -> None:
        chosen = self.config.kernel
        problems = []
        if chosen.store not in self.providers.message_stores:
            problems.append(f"kernel.store: nothing provides a message store {chosen.store!r}{self._failures()}")
        if chosen.directory not in self.providers.directories:
            problems.append(f"kernel.directory: nothing provides a directory {chosen.directory!r}{self._failures()}")
        if problems:
            raise ConfigError(problems)

    def _failures(self) -> str:
        failed = [f"plugin {r.name!r} is {r.state}: {r.reason}" for r in self.host.records.values() if r.reason]
        return "; " + "; ".join(failed) if failed else ""

    def _make_context(self, record: PluginRecord) -> Context:
        return Context(self, record)

    def _plugins_changed(self) -> None:
        self.events.retain(self.host.registered("register_event_consumers"))
        self.path.refresh()
        self.fan_out.refresh()

    # -- what plugins reach through their context ----------------------------------------------------------------------

    @property
    def providers(self) -> Providers:
        """Everything plugins registered."""
        return self.host.providers

    @property
    def store(self) -> MessageStore:
        """The message store that the configuration names."""
        return self._store()

    @property
    def directory(self) -> Directory:
        """The user directory that the configuration names.

        :raises BalefireError: it is not there (yet).
        """
        found = self.providers.directories.get(self.config.kernel.directory)
        if found is None:
            raise BalefireError(f"the directory {self.config.kernel.directory!r} is not there")
        return found

    @property
    def url(self) -> str:
        """Where people reach this server."""
        return self.config.server.public_url or f"http://{self.config.server.host}:{self.http.port}"

    async def authenticate(self, credential: str) -> Identity:
        """See ``PluginContext.authenticate``."""
        return await authenticate(self.providers.authenticators, credential)

    def resolve(self, key: str, speaker: str) -> Conversation:
        """See ``PluginContext.resolve``."""
        kind_name, slash, target = key.partition("/")
        kind = self.providers.conversation_kinds.get(kind_name)
        if kind is None or not slash or not target or len(key) > MAX_KEY:
            known = ", ".join(sorted(self.providers.conversation_kinds))
            raise InvalidInput(
                f"a conversation is named kind/target, the kind being one of {known}; got {key[:64]!r}", where="to"
            )
        if "#" not in target:
            return Conversation(kind_name, kind.resolve(target, speaker))
        target, _, line = target.partition("#")
        if not target or not (line.isascii() and line.isdigit() and len(line) <= 9):
            raise InvalidInput(f"a target and a line number stand around the #, got {key[:64]!r}", where="to")
        return Conversation(kind_name, kind.resolve(target, speaker), int(line))

    # -- between the parts ---------------------------------------------------------------------------------------------

    def _providers(self) -> Providers:
        return self.host.providers

    def _store(self) -> MessageStore:
        found = self.host.providers.message_stores.get(self.config.kernel.store)
        if found is None:
            raise BalefireError(f"the message store {self.config.kernel.store!r} is not there")
        return found

    def _troubles(self) -> dict[str, str]:
        """What goes on running and does not get on, for ``/readyz``."""
        consumers = {f"consumer {name}": trouble for name, trouble in self.events.troubles().items()}
        return consumers | {f"job {name}": trouble for name, trouble in self.jobs.troubles().items()}

    async def _check_store(self) -> None:
        await self._store().check()

    def _presence_changed(self, user: str, is_online: bool) -> None:
        if not self.host.hooks.on_presence_changed.is_empty:
            self._run(self.host.hooks.on_presence_changed(user, is_online))

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _own_metrics(self) -> list[Metric]:
        return [
            Metric("balefire_sessions", "Live sessions on this node", self.sessions.count),
            Metric("balefire_users_online", "Users with a live session on this node", self.sessions.online_users),
            Metric("balefire_log_pending", "Messages and events waiting to be committed", lambda: self.log.pending),
        ]
