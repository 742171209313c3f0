"""What a plugin says about itself, and the context the kernel gives it."""

import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict

from balefire_hookspecs.identity import Authenticator, Directory, Identity, TokenIssuer
from balefire_hookspecs.markers import API_VERSION
from balefire_hookspecs.members import Members
from balefire_hookspecs.messages import ContentType, Conversation, ConversationKind, Message, Submission, Visibility
from balefire_hookspecs.push import BatchPushVendor, PushCandidate, PushChoice, PushVendor
from balefire_hookspecs.robots import Robot
from balefire_hookspecs.sessions import Gateway, Sessions
from balefire_hookspecs.storage import Database, Event, MessageStore

if TYPE_CHECKING:
    import httpx


class Settings(BaseModel):
    """Base of a plugin's configuration table. Unknown keys are errors; secrets are ``pydantic.SecretStr``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a plugin is: asked for once, before anything is started.

    ``config`` validates the plugin's table. ``requires`` and ``provides`` are capability names ("storage",
    "directory", "push-vendor:apns" …): a plugin is started after all that provide what it requires. ``migrations``
    is the dotted name of a package with an Alembic history for the plugin's own tables. ``api`` is the contract
    version it was written for.
    """

    summary: str
    config: type[Settings] = Settings
    requires: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    migrations: str = ""
    version: str = ""
    api: tuple[int, int] = API_VERSION
    summary_zh: str = ""


class Clock(Protocol):
    """Time, replaceable in tests."""

    def now_ms(self) -> int:
        """Wall-clock time: milliseconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Seconds that only go forward; for durations."""

    async def sleep(self, seconds: float) -> None:
        """Wait. A test's clock returns as soon as the test has moved it that far."""


@dataclass(frozen=True, slots=True)
class Providers:
    """Everything plugins have registered, by name. Read it when you need it: reloading replaces entries."""

    push_vendors: Mapping[str, PushVendor | BatchPushVendor] = field(default_factory=dict)
    conversation_kinds: Mapping[str, ConversationKind] = field(default_factory=dict)
    content_types: Mapping[str, ContentType] = field(default_factory=dict)
    authenticators: Mapping[str, Authenticator] = field(default_factory=dict)
    token_issuers: Mapping[str, TokenIssuer] = field(default_factory=dict)
    directories: Mapping[str, Directory] = field(default_factory=dict)
    message_stores: Mapping[str, MessageStore] = field(default_factory=dict)
    robots: Mapping[str, Robot] = field(default_factory=dict)
    gateways: Mapping[str, Gateway] = field(default_factory=dict)


class HookCalls(Protocol):
    """Hooks that plugins call: they, not the kernel, know when a channel is subscribed to or a phone may ring.

    Every call asks or tells all plugins in configuration order, each with its time limit; a failing plugin is logged
    and passed over, so nothing is raised.
    """

    async def on_channel_subscribed(self, conversation: Conversation, user: str) -> None:
        """Call the hook of this name, after the subscription was stored."""

    async def on_channel_unsubscribed(self, conversation: Conversation, user: str) -> None:
        """Call the hook of this name, after the subscription was ended."""

    async def on_push_rejected(self, user: str, vendor: str, reason: str) -> None:
        """Call the hook of this name, after the token was forgotten."""

    async def choose_push(self, candidate: PushCandidate) -> PushChoice | None:
        """Ask the plugins; ``None`` when none of them has an opinion."""


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """How a plugin is doing. ``state``: loaded, running, failed, skipped, off or muted; ``reason`` says why.

    ``hooks`` are the names it implements; ``source`` is the distribution or file it was found in.
    """

    name: str
    version: str
    state: str
    reason: str = ""
    summary: str = ""
    summary_zh: str = ""
    hooks: tuple[str, ...] = ()
    source: str = ""


class Platform(Protocol):
    """The platform itself, for operators' tools."""

    def plugins(self) -> Sequence[PluginStatus]:
        """Every configured plugin, in configuration order."""

    async def reload_plugin(self, name: str) -> None:
        """Load one plugin's code anew and swap it in; connections stay open.

        :raises NotFound: no plugin has this name.
        :raises BalefireError: the new one did not start; the old one runs on.
        """


C_co = TypeVar("C_co", bound=Settings, covariant=True)


class PluginContext(Protocol[C_co]):
    """One plugin's view of the kernel. Every plugin gets its own, built-in or not, with the same powers."""

    @property
    def name(self) -> str:
        """The plugin's name in the configuration."""

    @property
    def config(self) -> C_co:
        """The plugin's validated settings."""

    @property
    def log(self) -> logging.Logger: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def data_folder(self) -> Path:
        """A folder of the plugin's own, created, readable by the service user only."""

    @property
    def public_url(self) -> str:
        """Where people reach this server, without a trailing slash: ``http://127.0.0.1:8450``."""

    @property
    def providers(self) -> Providers: ...

    @property
    def store(self) -> MessageStore:
        """The message store in use."""

    @property
    def directory(self) -> Directory:
        """The user directory in use."""

    @property
    def database(self) -> Database:
        """The SQL database, for the plugin's own tables."""

    @property
    def members(self) -> Members: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def platform(self) -> Platform: ...

    async def submit(self, submission: Submission) -> Message:
        """Send a message: the whole path of design §3, returning when it is durable.

        :raises MessageDenied: a conversation kind or a policy refused it.
        :raises BalefireError: InvalidInput, TooLarge, StorageUnavailable, Overloaded.
        """

    async def recall(self, message_id: int, *, by: str, origin: str = "user") -> Message:
        """Take a message back: its payload becomes a recall notice everywhere.

        :raises NotFound, Forbidden: as the conversation kind decides; the author may within two minutes.
        """

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
        """Messages the reader may see: membership, visibility, directed and expired messages taken into account.

        :raises NotFound: no such conversation, or not the reader's to see.
        """

    async def visibility(self, conversation: Conversation, reader: str) -> Visibility:
        """The bounds ``history`` uses.

        :raises NotFound: not the reader's to see.
        """

    def resolve(self, key: str, speaker: str) -> Conversation:
        """Read ``kind/target#line`` as this speaker means it: ``private/bob`` said by alice is ``private/alice,bob``.

        :raises InvalidInput: malformed, or an unknown kind.
        """

    async def authenticate(self, credential: str) -> Identity:
        """Turn a bearer credential into an identity.

        :raises Unauthenticated: nobody vouches for it.
        """

    async def emit(
        self,
        kind: str,
        *,
        conversation: Conversation | None = None,
        user: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> Event:
        """Append to the event log; durable when it returns."""

    @property
    def hooks(self) -> HookCalls:
        """The hooks a plugin may call, for the kinds of event that plugins bring about."""

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> None:
        """Run a task that ends with the plugin: cancelled at stop, a failure is logged with the plugin's name."""

    def watch_providers(self, changed: Callable[[], None]) -> None:
        """Call this after every change of ``providers``: plugins were started, reloaded, switched off.

        Until this plugin stops; from the event loop. It must be quick and must not raise: set an event, say.
        """

    def http_client(self, *, allow_private: bool = False, timeout_seconds: float = 15.0) -> "httpx.AsyncClient":
        """A client for outgoing calls; close it in ``lifespan``.

        It refuses private, loopback and link-local addresses, checked at connect, unless ``allow_private`` or the
        operator's ``[outgoing] allow`` lists them, and never follows redirects by itself.
        """

    def secret(self, name: str, *, size_bytes: int = 32) -> bytes:
        """Random bytes made on first use and kept in the data folder with mode 0600."""


class Check(Protocol):
    """A line of ``balefire doctor``: returns a sentence of what to do, or ``None`` when all is well."""

    def __call__(self) -> Awaitable[str | None]: ...
