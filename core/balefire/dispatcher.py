"""Calls plugin hooks in order, one at a time, without letting one plugin harm another.

pluggy finds, checks and orders the implementations; each hook is compiled once into a frozen chain. A change of
plugins compiles new chains and replaces the reference, so an event in flight finishes on the chain it began with.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Concatenate, Final, Generic, ParamSpec, Protocol, TypeVar, cast

from pluggy import HookImpl, PluginManager

from balefire.watchdog import Watchdog, until_given_up

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

log = logging.getLogger(__name__)


class _Failed:
    def __repr__(self) -> str:
        return "FAILED"


_FAILED: Final = _Failed()


class HookFailed(RuntimeError):
    """A hook that must give an answer could not. The text names hook and plugin."""


class Tracer(Protocol):
    """Told of every implementation that was called, in the event loop; must be quick and must not raise."""

    def __call__(self, hook: str, plugin: str, seconds: float, error: BaseException | None) -> None: ...


@dataclass(slots=True)
class Health:
    """How one plugin's implementation of one hook has been doing; outlives the chains it appears in."""

    plugin: str
    hook: str
    failures: int = 0
    """Failures in a row."""
    total_failures: int = 0
    muted_until: float = 0.0
    last_error: str = ""


class HealthListener(Protocol):
    """Told when an implementation was muted (``is_muted``) and when it answers again."""

    def __call__(self, health: Health, *, is_muted: bool) -> None: ...


@dataclass(slots=True)
class _Impl:
    """One plugin's implementation of one hook, its arguments worked out beforehand."""

    plugin: str
    function: Callable[..., Any]
    picks: tuple[int, ...] | None  # None: every argument, in the specification's order
    health: Health
    is_async: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """``timeout``: seconds one implementation may take. ``slow_sync``: seconds a plain function may take before the
    log names it. After ``mute_after`` failures in a row an implementation is not called for ``mute_for`` seconds."""

    timeout: float = 5.0
    slow_sync: float = 0.1
    mute_after: int = 5
    mute_for: float = 30.0


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """What every chain shares: limits, watchdog, tracer, and the health of each implementation."""

    watchdog: Watchdog = field(default_factory=Watchdog)
    limits: Limits = Limits()
    tracer: Tracer | None = None
    on_health: HealthListener | None = None
    now: Callable[[], float] = time.monotonic
    health: dict[tuple[str, str], Health] = field(default_factory=dict)

    def notify(self, manager: PluginManager, spec: Callable[P, Awaitable[None]]) -> Notify[P]:
        """A chain that every plugin hears."""
        return Notify(self, manager, spec)

    def ask(
        self, manager: PluginManager, spec: Callable[P, Awaitable[R | None]], *, is_strict: bool = False
    ) -> Ask[P, R]:
        """A chain whose first answer decides; a strict one fails closed."""
        return Ask(self, manager, spec, is_strict)

    def amend(self, manager: PluginManager, spec: Callable[Concatenate[T, P], Awaitable[T | None]]) -> Amend[T, P]:
        """A chain in which each plugin may replace the first argument."""
        return Amend(self, manager, spec)

    def forget(self, plugin: str) -> None:
        """Start afresh with a plugin that was reloaded."""
        for key in [key for key in self.health if key[0] == plugin]:
            del self.health[key]


class _Chain:
    """The implementations of one hook, frozen in call order."""

    def __init__(self, shared: Dispatcher, manager: PluginManager, spec: Callable[..., Any]) -> None:
        self.name = spec.__name__
        self._parameters = tuple(inspect.signature(spec).parameters)
        self._shared, self._limits, self._now = shared, shared.limits, shared.now
        found = getattr(manager.hook, self.name).get_hookimpls()
        self._impls = tuple(_bind(impl, self.name, self._parameters, shared) for impl in reversed(found))
        self.is_empty = not self._impls
        """Whether no plugin listens: callers on the hot path then skip the call."""
        self.is_immediate = not any(impl.is_async for impl in self._impls)
        """Whether only plain functions listen: callers on the hot path may then use ``run_now``, without a task."""

    @property
    def plugins(self) -> tuple[str, ...]:
        """The plugins in the order in which they are called."""
        return tuple(impl.plugin for impl in self._impls)

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        return (*args, *(kwargs[name] for name in self._parameters[len(args) :])) if kwargs else args

    async def _call(self, impl: _Impl, args: Sequence[object]) -> Any:
        """Run one implementation; a failure is logged and counted, never raised."""
        started = self._now()
        if impl.health.muted_until > started:
            return _FAILED
        value: Any = _FAILED
        error: BaseException | None = None
        try:
            value = impl.function(*args) if impl.picks is None else impl.function(*[args[i] for i in impl.picks])
            if hasattr(value, "__await__"):
                if not impl.is_async:
                    await _next_turn()  # for run_now: only after it there is certainly a task to watch
                value = await self._wait_for(value)
            elif (took := self._now() - started) > self._limits.slow_sync:
                self._report_block(impl, took)
        except asyncio.CancelledError as cancelled:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # our caller is going away; the plugin did nothing wrong
            value, error = _FAILED, cancelled
        except (Exception, SystemExit) as failure:
            value, error = _FAILED, failure
        if self._shared.tracer is not None:
            self._shared.tracer(self.name, impl.plugin, self._now() - started, error)
        if error is not None:
            self._failed(impl, error)
        elif impl.health.failures:
            self._recovered(impl)
        return value

    async def _wait_for(self, value: Awaitable[Any]) -> Any:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        before = task.cancelling()
        call = self._shared.watchdog.watch(task, self._limits.timeout)
        try:
            value = await until_given_up(value, call)
        except asyncio.CancelledError:
            if not call.cancels or task.cancelling() - call.cancels > before:
                raise
        finally:
            self._shared.watchdog.forget(call)
            for _ in range(call.cancels):
                task.uncancel()
        if call.cancels:  # whether it obeyed or carried on
            raise TimeoutError
        return value

    def _report_block(self, impl: _Impl, took: float) -> None:
        log.warning(
            "%s: plugin %r blocked the event loop for %.2f s; make the hook async, or use asyncio.to_thread",
            self.name,
            impl.plugin,
            took,
        )
        if took > self._limits.timeout:
            raise TimeoutError

    def _failed(self, impl: _Impl, error: BaseException) -> None:
        health = impl.health
        health.failures += 1
        health.total_failures += 1
        health.last_error = _describe(error, self._limits)
        if health.failures < self._limits.mute_after:
            log.error("%s: plugin %r %s", self.name, impl.plugin, health.last_error, exc_info=error)
            return
        is_news = health.muted_until == 0.0  # after a pause it gets one try; its next failure is no news
        health.muted_until = self._now() + self._limits.mute_for
        if is_news:
            log.error(
                "%s: plugin %r failed %d times in a row and is not called for %g s; the last time it %s",
                self.name,
                impl.plugin,
                health.failures,
                self._limits.mute_for,
                health.last_error,
                exc_info=error,
            )
            self._tell(health, is_muted=True)

    def _recovered(self, impl: _Impl) -> None:
        was_muted = impl.health.muted_until != 0.0
        impl.health.failures, impl.health.muted_until = 0, 0.0
        log.info("%s: plugin %r is answering again", self.name, impl.plugin)
        if was_muted:
            self._tell(impl.health, is_muted=False)

    def _tell(self, health: Health, *, is_muted: bool) -> None:
        if self._shared.on_health is not None:
            self._shared.on_health(health, is_muted=is_muted)


class Notify(_Chain, Generic[P]):
    """Every plugin hears; nobody answers."""

    def __init__(self, shared: Dispatcher, manager: PluginManager, spec: Callable[P, Awaitable[None]]) -> None:
        super().__init__(shared, manager, spec)

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        values = self._positional(args, kwargs)
        for impl in self._impls:
            await self._call(impl, values)


class Ask(_Chain, Generic[P, R]):
    """The first plugin with an answer decides. Strict: a plugin that cannot answer is an error."""

    def __init__(
        self, shared: Dispatcher, manager: PluginManager, spec: Callable[P, Awaitable[R | None]], is_strict: bool
    ) -> None:
        super().__init__(shared, manager, spec)
        self.is_strict = is_strict

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R | None:
        """Ask in order.

        :raises HookFailed: this chain is strict, and a plugin before the first answer failed or is muted.
        """
        values = self._positional(args, kwargs)
        for impl in self._impls:
            value = await self._call(impl, values)
            if value is _FAILED:
                if self.is_strict:
                    raise HookFailed(f"{self.name}: plugin {impl.plugin!r} could not answer")
            elif value is not None:
                return cast(R, value)
        return None


class Amend(_Chain, Generic[T, P]):
    """Each plugin may replace the first argument; ``None`` leaves it as it is."""

    def __init__(
        self, shared: Dispatcher, manager: PluginManager, spec: Callable[Concatenate[T, P], Awaitable[T | None]]
    ) -> None:
        super().__init__(shared, manager, spec)

    async def __call__(self, value: T, *args: P.args, **kwargs: P.kwargs) -> T:
        for impl in self._impls:
            changed = await self._call(impl, self._positional((value, *args), kwargs))
            if changed is not None and changed is not _FAILED:
                value = changed
        return value


def run_now(call: Coroutine[Any, Any, R]) -> R | Awaitable[R]:
    """Run a call that has nothing to wait for, because every chain in it ``is_immediate``, outside of any task.

    :returns: what it returns; or an awaitable of it, when a plain function handed back something to wait for.
    """
    try:
        call.send(None)
    except StopIteration as finished:
        return cast(R, finished.value)
    return cast("Awaitable[R]", _rest(call))


@types.coroutine
def _next_turn() -> Generator[None, None, None]:
    yield


@types.coroutine
def _rest(call: Coroutine[Any, Any, R]) -> Generator[Any, Any, R]:
    rest: R = yield from call
    return rest


def _bind(found: HookImpl, hook: str, parameters: tuple[str, ...], shared: Dispatcher) -> _Impl:
    if found.wrapper or found.hookwrapper:
        raise TypeError(
            f"plugin {found.plugin_name!r}: {hook} is a wrapper, but this hook is async: the wrapper would finish "
            "before the hook does; do the work in the hook itself"
        )
    picks = tuple(parameters.index(name) for name in (*found.argnames, *found.kwargnames))
    health = shared.health.setdefault((found.plugin_name, hook), Health(found.plugin_name, hook))
    all_in_order = picks == tuple(range(len(parameters)))
    is_async = inspect.iscoroutinefunction(found.function)
    return _Impl(found.plugin_name, found.function, None if all_in_order else picks, health, is_async)


def _describe(error: BaseException, limits: Limits) -> str:
    if isinstance(error, TimeoutError):
        return f"gave no answer in {limits.timeout:g} s"
    return f"failed: {type(error).__name__}: {error}" if str(error) else f"failed: {type(error).__name__}"
