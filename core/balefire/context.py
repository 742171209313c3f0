"""What one plugin sees of the kernel: its own settings, log, folder and secrets, and everybody's services."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from balefire.plugin_life import GRACE_SECONDS
from balefire.secrets import secret_file
from balefire_hookspecs import (
    Clock,
    Conversation,
    Database,
    Directory,
    Event,
    HookCalls,
    Identity,
    InvalidInput,
    Members,
    Message,
    MessageStore,
    NotFound,
    Platform,
    PluginStatus,
    Providers,
    PushCandidate,
    PushChoice,
    Sessions,
    Submission,
    Visibility,
)

if TYPE_CHECKING:
    import httpx

    from balefire.kernel import Kernel
    from balefire.plugin_host import PluginHost
    from balefire.plugin_record import PluginRecord

_SECRET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class Context:
    """Implements ``PluginContext`` for one plugin. A reloaded plugin gets a new one."""

    def __init__(self, kernel: Kernel, record: PluginRecord) -> None:
        self._kernel = kernel
        self._record = record
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._watchers: list[Callable[[], None]] = []
        self.log = logging.getLogger(f"balefire.plugin.{record.name}")
        self.hooks: HookCalls = LiveHooks(kernel.host)

    @property
    def name(self) -> str:
        """See ``PluginContext.name``."""
        return self._record.name

    @property
    def config(self) -> Any:
        """See ``PluginContext.config``."""
        return self._record.config

    @property
    def clock(self) -> Clock:
        """See ``PluginContext.clock``."""
        return self._kernel.clock

    @property
    def data_folder(self) -> Path:
        """See ``PluginContext.data_folder``."""
        folder = self._kernel.config.data_folder / "plugins" / self.name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    @property
    def public_url(self) -> str:
        """See ``PluginContext.public_url``."""
        return self._kernel.url

    @property
    def providers(self) -> Providers:
        """See ``PluginContext.providers``."""
        return self._kernel.providers

    @property
    def store(self) -> MessageStore:
        """See ``PluginContext.store``."""
        return self._kernel.store

    @property
    def directory(self) -> Directory:
        """See ``PluginContext.directory``."""
        return self._kernel.directory

    @property
    def database(self) -> Database:
        """See ``PluginContext.database``."""
        return self._kernel.database

    @property
    def members(self) -> Members:
        """See ``PluginContext.members``."""
        return self._kernel.members

    @property
    def sessions(self) -> Sessions:
        """See ``PluginContext.sessions``."""
        return self._kernel.sessions

    @property
    def platform(self) -> Platform:
        """See ``PluginContext.platform``."""
        return LivePlatform(self._kernel)

    async def submit(self, submission: Submission) -> Message:
        """See ``PluginContext.submit``."""
        return await self._kernel.path.submit(submission)

    async def recall(self, message_id: int, *, by: str, origin: str = "user") -> Message:
        """See ``PluginContext.recall``."""
        return await self._kernel.recalls.recall(message_id, by=by, origin=origin)

    async def history(
        self,
        conversation: Conversation,
        reader: str,
        *,
        after_seq: int = 0,
        before_seq: int = 0,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[Message]:
        """See ``PluginContext.history``."""
        return await self._kernel.reader.history(
            conversation, reader, after_seq=after_seq, before_seq=before_seq, limit=limit, newest_first=newest_first
        )

    async def visibility(self, conversation: Conversation, reader: str) -> Visibility:
        """See ``PluginContext.visibility``."""
        return await self._kernel.reader.visibility(conversation, reader)

    def resolve(self, key: str, speaker: str) -> Conversation:
        """See ``PluginContext.resolve``."""
        return self._kernel.resolve(key, speaker)

    async def authenticate(self, credential: str) -> Identity:
        """See ``PluginContext.authenticate``."""
        return await self._kernel.authenticate(credential)

    async def emit(
        self,
        kind: str,
        *,
        conversation: Conversation | None = None,
        user: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> Event:
        """See ``PluginContext.emit``."""
        return await self._kernel.events.emit(kind, conversation=conversation, user=user, data=data)

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> None:
        """See ``PluginContext.spawn``."""
        if self._is_closed:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(self._guarded(work, name), name=f"{self.name}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except (Exception, SystemExit) as error:
            self.log.error("task %r of plugin %r failed", name, self.name, exc_info=error)

    def watch_providers(self, changed: Callable[[], None]) -> None:
        """See ``PluginContext.watch_providers``."""

        def tell() -> None:
            try:
                changed()
            except (Exception, SystemExit) as error:
                self.log.error("plugin %r failed to take a change of providers in", self.name, exc_info=error)

        self._kernel.host.on_changed.append(tell)
        self._watchers.append(tell)

    def http_client(self, *, allow_private: bool = False, timeout_seconds: float = 15.0) -> httpx.AsyncClient:
        """See ``PluginContext.http_client``."""
        from balefire.outgoing import make_client  # httpx is slow to import and not every platform calls out

        allow = self._kernel.config.outgoing.allow
        return make_client(allow, allow_private=allow_private, timeout_seconds=timeout_seconds)

    def secret(self, name: str, *, size_bytes: int = 32) -> bytes:
        """See ``PluginContext.secret``."""
        if not _SECRET_NAME.fullmatch(name):
            raise InvalidInput(f"a secret's name has lower-case letters, digits, '.', '_' and '-', got {name!r}")
        path = self._kernel.config.data_folder / "secrets" / f"{self.name}-{name}"
        return secret_file(path, size_bytes=size_bytes)

    async def close(self) -> None:
        """End every task the plugin spawned; one that ignores its cancellation is named and left behind."""
        self._is_closed = True
        for changed in self._watchers:
            self._kernel.host.on_changed.remove(changed)
        self._watchers.clear()
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
            for task in stuck:
                self.log.error("task %r ignores that it was cancelled; left behind", task.get_name())


class LivePlatform:
    """Implements ``Platform`` on the kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def plugins(self) -> list[PluginStatus]:
        """See ``Platform.plugins``."""
        return [record.status() for record in self._kernel.host.records.values()]

    async def reload_plugin(self, name: str) -> None:
        """See ``Platform.reload_plugin``."""
        if name not in self._kernel.host.records:
            raise NotFound(f"no plugin is called {name!r}")
        await self._kernel.reload_plugin(name)


class LiveHooks:
    """Implements ``HookCalls`` on whatever chains are in use when it is called."""

    def __init__(self, host: PluginHost) -> None:
        self._host = host

    async def on_channel_subscribed(self, conversation: Conversation, user: str) -> None:
        """See ``HookCalls.on_channel_subscribed``."""
        await self._host.hooks.on_channel_subscribed(conversation, user)

    async def on_channel_unsubscribed(self, conversation: Conversation, user: str) -> None:
        """See ``HookCalls.on_channel_unsubscribed``."""
        await self._host.hooks.on_channel_unsubscribed(conversation, user)

    async def on_push_rejected(self, user: str, vendor: str, reason: str) -> None:
        """See ``HookCalls.on_push_rejected``."""
        await self._host.hooks.on_push_rejected(user, vendor, reason)

    async def choose_push(self, candidate: PushCandidate) -> PushChoice | None:
        """See ``HookCalls.choose_push``."""
        return await self._host.hooks.choose_push(candidate)
