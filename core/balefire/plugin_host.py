"""Loads, starts, reloads and stops plugins; what one of them does wrong stays its own affair."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from pluggy import HookImpl

from balefire.config_problems import unknown
from balefire.discovery import Source, find_plugins, imported_afresh
from balefire.dispatcher import Dispatcher, Health, Limits, Tracer
from balefire.hooks import Hooks, compile_hooks, hook_manager
from balefire.plugin_life import LifeLimits, OpenLifespan, PluginLife
from balefire.plugin_loading import load_plugin
from balefire.plugin_order import missing_requirement, start_order
from balefire.plugin_record import HostedContext, PluginFailed, PluginRecord, PluginState, summarize
from balefire.registry import SORTS, build_providers, collect, refuse_collisions
from balefire.watchdog import LoopWatch, Watchdog
from balefire_hookspecs import Clock, ConfigError, Providers, RemovedInBalefire1

log = logging.getLogger(__name__)

__all__ = ["PluginHost", "PluginRecord", "PluginState", "offline_host", "settings_problems"]

BeforeLifespan = Callable[[PluginRecord], Awaitable[None]]


class PluginHost:
    """The plugins of one kernel.

    :param tables: the plugins' configuration tables, in the order in which plugins are asked.
    :param files: plugins that are files or folders; they are on without a table.
    :param make_context: makes the context a plugin gets; called once per start of a plugin.
    :param extra: plugin objects, classes or modules that are neither installed nor files, by name; on when their
        table is there.
    """

    def __init__(
        self,
        tables: Mapping[str, Mapping[str, Any]],
        files: Sequence[Path],
        make_context: Callable[[PluginRecord], HostedContext],
        clock: Clock,
        *,
        extra: Mapping[str, object] | None = None,
        limits: LifeLimits | None = None,
        hook_limits: Limits | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.records: dict[str, PluginRecord] = {}
        """Every configured plugin, in configuration order."""
        self.providers = Providers()
        """What active plugins registered; replaced as a whole, so read it when you need it."""
        self.on_changed: list[Callable[[], None]] = []
        """Called after every change of providers and hooks."""
        self._tables, self._files, self._extra = dict(tables), tuple(files), dict(extra or {})
        self._make_context = make_context
        self._clock = clock
        self._limits = limits or LifeLimits()
        self._dispatcher = Dispatcher(Watchdog(), hook_limits or Limits(), tracer, self._on_health)
        self.hooks: Hooks = compile_hooks(hook_manager(), self._dispatcher)
        """The per-event hooks of active plugins; replaced as a whole."""
        self._sources: dict[str, Source] = {}
        self._started: list[PluginRecord] = []
        self._before_lifespan: BeforeLifespan | None = None
        self._watch_task: asyncio.Task[None] | None = None
        self._loop_watch = LoopWatch(self._folders)
        self._changing = asyncio.Lock()
        self._closing: set[asyncio.Future[None]] = set()

    # -- loading ---------------------------------------------------------------------------------------------------

    def load(self) -> None:
        """Find, import and examine the configured plugins; start nothing.

        :raises ConfigError: with every problem in the plugins' tables. A plugin that cannot be loaded is no such
            problem: its record says so, and the others go on.
        """
        if problems := self.examine():
            raise ConfigError(problems)

    def examine(self) -> list[str]:
        """As ``load``, returning the problems."""
        problems: list[str] = []
        self._sources, file_names = find_plugins(self._files, self._extra, problems)
        tables = {**self._tables, **{name: self._tables.get(name, {}) for name in file_names}}
        manager = hook_manager()
        for name, table in tables.items():
            if source := self._sources.get(name):
                self.records[name] = load_plugin(name, source, table, problems, manager)
            elif table.get("enabled") is not False:
                problems.append(unknown(f"plugins.{name}", name, self._sources, "installed plugin"))
        return problems

    # -- life ------------------------------------------------------------------------------------------------------

    async def start(self, before_lifespan: BeforeLifespan | None = None) -> None:
        """Start every loaded plugin after those it requires. A failure costs that plugin and its dependants.

        :param before_lifespan: awaited for each plugin before its lifespan is entered; the kernel migrates there.
        :raises PluginFailed: a plugin marked ``critical`` is not running; the others have been stopped again.
        """
        self._before_lifespan = before_lifespan
        self._watch_task = asyncio.create_task(self._dispatcher.watchdog.run(), name="hook-watchdog")
        self._loop_watch.start()
        try:
            async with self._changing:
                await self._start_loaded()
            self._insist_on_critical()
        except BaseException:
            await self.stop()
            raise

    async def _start_loaded(self) -> None:
        for record in start_order(self.records):
            if reason := missing_requirement(record, self.records):
                record.state, record.reason = "skipped", reason
                log.error("plugin %r is not started: %s", record.name, reason)
                continue
            try:
                await self._start_one(record)
            except PluginFailed as error:
                record.fail(error.reason)
                log.error("plugin %r is switched off: %s", record.name, error.reason)
            self._rebuild_providers()
        self._changed()

    async def _start_one(self, record: PluginRecord) -> None:
        """Bring one plugin up, or leave nothing of it behind.

        :raises PluginFailed: with the reason.
        """
        try:
            record.context = self._make_context(record)
            if self._before_lifespan is not None:
                await self._before_lifespan(record)
            await self._enter(record)
            self._register(record)
        except PluginFailed:
            await self._leave(record)
            raise
        except (Exception, SystemExit) as error:
            log.error("plugin %r failed to start", record.name, exc_info=error)
            await self._leave(record)
            raise PluginFailed(summarize(error)) from error
        record.state, record.reason = "running", ""
        self._started.append(record)

    async def _enter(self, record: PluginRecord) -> None:
        impl = record.hooks.get("lifespan")
        opened = cast(OpenLifespan, _with_context(impl, record)) if impl else None
        record.life = PluginLife(
            record.name, opened, limits=self._limits, on_end=partial(self._on_lifespan_ended, record)
        )
        await record.life.enter()

    def _register(self, record: PluginRecord) -> None:
        registered = {}
        for hook in SORTS:
            if impl := record.hooks.get(hook):
                try:
                    registered[hook] = collect(hook, _with_context(impl, record)())
                except PluginFailed:
                    raise
                except (Exception, SystemExit) as error:
                    log.error("plugin %r: %s failed", record.name, hook, exc_info=error)
                    raise PluginFailed(f"{hook} failed: {summarize(error)}") from error
        record.registered = registered
        others = [other for other in self.records.values() if other.is_active and other.name != record.name]
        refuse_collisions(record, others)

    async def _leave(self, record: PluginRecord) -> None:
        """End a plugin's tasks, then its lifespan; each has its own time limit and nothing is raised."""
        if record in self._started:
            self._started.remove(record)
        if record.context is not None:
            await record.context.close()
        if record.life is not None:
            await record.life.leave()
        record.life = None

    async def stop(self) -> None:
        """Stop every plugin in reverse order of starting. Safe to call twice."""
        async with self._changing:
            for record in list(reversed(self._started)):
                await self._leave(record)
                if record.is_active:
                    record.state, record.registered = "loaded", {}
            self._changed()
        self._loop_watch.stop()
        if self._watch_task is not None:
            self._watch_task.cancel()
            await asyncio.gather(self._watch_task, return_exceptions=True)
            self._watch_task = None

    def _insist_on_critical(self) -> None:
        lost = [record for record in self.records.values() if record.is_critical and not record.is_active]
        for record in lost:
            if record.state != "off":
                raise PluginFailed(f"plugin {record.name!r} is marked critical and is not running: {record.reason}")

    # -- change while running --------------------------------------------------------------------------------------

    async def reload(self, name: str, table: Mapping[str, Any] | None = None) -> PluginRecord:
        """Import a plugin's code again and swap it in; connections and other plugins notice nothing.

        The new one is started before the old one is stopped. If that fails, the old one keeps running. Plugins that
        were skipped because this one was missing are started.

        :param table: its new configuration table; ``None`` keeps the present one.
        :raises PluginFailed: there is no such plugin, or the new one cannot be started; the text says why.
        :raises ConfigError: the new table is wrong.
        """
        async with self._changing:
            old = self.records.get(name)
            if old is None:
                raise PluginFailed(unknown(f"plugins.{name}", name, self.records, "configured plugin"))
            try:
                new = await self._start_again(self._sources[name], old.table if table is None else table)
            except PluginFailed as error:
                if not old.is_active:
                    old.reason = error.reason
                raise
            self.records[name] = new
            self._dispatcher.forget(name)
            self._revive_skipped()
            await self._start_loaded()
            await self._leave(old)
        log.info("plugin %r was reloaded", name, extra={"version": new.version})
        return new

    async def _start_again(self, source: Source, table: Mapping[str, Any]) -> PluginRecord:
        with imported_afresh(source.package):
            new = self._load_again(source, table)
            await self._start_one(new)
            return new

    def _load_again(self, source: Source, table: Mapping[str, Any]) -> PluginRecord:
        problems: list[str] = []
        new = load_plugin(source.name, source, table, problems)
        if problems:
            raise ConfigError(problems)
        if new.state != "loaded":
            raise PluginFailed(new.reason)
        if reason := missing_requirement(new, self.records):
            raise PluginFailed(reason)
        return new

    def _revive_skipped(self) -> None:
        for record in self.records.values():
            if record.state == "skipped":
                record.state, record.reason = "loaded", ""

    def _on_lifespan_ended(self, record: PluginRecord, reason: str) -> None:
        if self.records.get(record.name) is record and record.is_active:
            record.fail(reason)
            log.error("plugin %r is switched off: %s", record.name, reason)
            self._changed()
            if record.context is not None:
                closing = asyncio.ensure_future(record.context.close())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    def _on_health(self, health: Health, *, is_muted: bool) -> None:
        record = self.records.get(health.plugin)
        if record is None or not record.is_active:
            return
        muted = [h for h in self._dispatcher.health.values() if h.plugin == record.name and h.muted_until]
        record.state = "muted" if muted else "running"
        record.reason = "; ".join(f"{h.hook} {h.last_error}" for h in muted)

    # -- what plugins bring ----------------------------------------------------------------------------------------

    def registered(self, hook: str) -> list[tuple[str, Any]]:
        """What active plugins handed over through this hook, as (plugin name, item), in configuration order."""
        return [
            (record.name, item)
            for record in self.records.values()
            if record.is_active
            for item in record.registered.get(hook, ())
        ]

    def _rebuild_providers(self) -> None:
        self.providers = build_providers(tuple(self.records.values()))

    def _changed(self) -> None:
        """Swap in what is true now. In-flight events finish on the chains they began with."""
        self._rebuild_providers()
        manager = hook_manager()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RemovedInBalefire1)  # they were told when they were loaded
            for record in reversed(self.records.values()):  # pluggy asks the last one registered first
                if record.is_active and record.plugin is not None:
                    manager.register(record.plugin, name=record.name)
        self.hooks = compile_hooks(manager, self._dispatcher)
        for listener in tuple(self.on_changed):
            listener()

    def _folders(self) -> Mapping[str, Path]:
        return {record.name: record.folder for record in self.records.values() if record.folder is not None}


def _with_context(impl: HookImpl, record: PluginRecord) -> Callable[[], object]:
    """A hook that takes the context or nothing, ready to be called."""
    return partial(impl.function, *[record.context for _ in impl.argnames])


def settings_problems(tables: Mapping[str, Mapping[str, Any]], files: Sequence[Path]) -> list[str]:
    """What is wrong in the plugins' tables, without starting anything."""
    return offline_host(tables, files).examine()


def offline_host(tables: Mapping[str, Mapping[str, Any]], files: Sequence[Path]) -> PluginHost:
    """A host for looking at plugins only: it loads and describes, and cannot start."""
    from balefire.clock import SystemClock

    def refuse(record: PluginRecord) -> HostedContext:
        raise PluginFailed(f"plugin {record.name!r} is only being looked at")

    return PluginHost(tables, files, refuse, SystemClock())
