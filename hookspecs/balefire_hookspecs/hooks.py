"""The hook specifications: every way a plugin can take part.

``def`` hooks register: they are called once per plugin, with its own context, in the order of the configuration.
``async def`` hooks are called per event in one of three shapes: *notify* (all hear), *ask* (the first answer
decides), *amend* (each may replace the first argument). What may be slow or must not be lost is not a hook but an
event consumer with a durable cursor.
"""

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any

from balefire_hookspecs.http import Route
from balefire_hookspecs.identity import Authenticator, Directory, TokenIssuer
from balefire_hookspecs.markers import hookspec
from balefire_hookspecs.messages import (
    ContentType,
    Conversation,
    ConversationKind,
    Message,
    Payload,
    Submission,
    Verdict,
)
from balefire_hookspecs.operating import HealthCheck, Job, Metric
from balefire_hookspecs.plugin import Manifest, PluginContext
from balefire_hookspecs.push import BatchPushVendor, PushCandidate, PushChoice, PushVendor
from balefire_hookspecs.robots import Robot
from balefire_hookspecs.sessions import Gateway
from balefire_hookspecs.storage import EventConsumer, MessageStore

if TYPE_CHECKING:
    import click

Context = PluginContext[Any]


# -- life ------------------------------------------------------------------------------------------------------------


@hookspec
def describe() -> Manifest:
    """Say what this plugin is, what it needs and how it is configured.

    Called: once, before anything starts; also by ``balefire plugins`` and ``balefire check``. Do no work here.
    Returns: the manifest. A plugin without this hook gets an empty one.
    Errors: an exception switches this plugin off and names it.
    Since: 0.1
    """
    raise RuntimeError("a hook specification is not called")


@hookspec
def lifespan(ctx: Context) -> AsyncIterator[None]:
    """Open what the plugin needs, ``yield`` once, close it again.

    Called: at start in dependency order, at stop in reverse; an ``async`` generator. Its migrations have run.
    Returns: nothing; what stands before ``yield`` must be done within 30 seconds, what stands after within 10.
    Errors: an exception before ``yield`` switches this plugin off, and those that require it; the kernel goes on.
    Since: 0.1
    """
    raise RuntimeError("a hook specification is not called")


# -- providers -------------------------------------------------------------------------------------------------------


@hookspec
def register_message_stores(ctx: Context) -> Iterable[MessageStore]:
    """Hand over message stores; the kernel uses the one that ``[kernel] store`` names.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of stores. A name already taken is an error naming both plugins.
    Errors: an exception stops this plugin; without a store the kernel cannot start.
    Since: 0.1
    """
    return ()


@hookspec
def register_authenticators(ctx: Context) -> Iterable[Authenticator]:
    """Hand over what turns credentials into identities.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number, asked in configuration order until one knows the credential.
    Errors: an exception stops this plugin.
    Since: 0.1
    """
    return ()


@hookspec
def register_token_issuers(ctx: Context) -> Iterable[TokenIssuer]:
    """Hand over what mints and revokes credentials.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number; log-in plugins and the token API use the first, or the one they are configured for.
    Errors: an exception stops this plugin.
    Since: 0.1
    """
    return ()


@hookspec
def register_directories(ctx: Context) -> Iterable[Directory]:
    """Hand over user directories; the kernel uses the one that ``[kernel] directory`` names.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of directories.
    Errors: an exception stops this plugin.
    Since: 0.1
    """
    return ()


@hookspec
def register_conversation_kinds(ctx: Context) -> Iterable[ConversationKind]:
    """Hand over kinds of conversation: who may speak, who hears it, who may read back.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of kinds. A name already taken is an error naming both plugins.
    Errors: an exception stops this plugin; conversations of its kinds are refused meanwhile.
    Since: 0.1
    """
    return ()


@hookspec
def register_content_types(ctx: Context) -> Iterable[ContentType]:
    """Hand over content types: schema, digest, counted or not, stored or transient.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of types. A name already taken is an error naming both plugins.
    Errors: an exception stops this plugin; payloads of its types are refused meanwhile.
    Since: 0.1
    """
    return ()


@hookspec
def register_push_vendors(ctx: Context) -> Iterable[PushVendor | BatchPushVendor]:
    """Hand over the push vendors this plugin brings.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of vendors. A name already taken is an error naming both plugins.
    Errors: an exception stops this plugin; notifications for its vendors wait in the outbox until they expire.
    Since: 0.1
    """
    return ()


@hookspec
def register_robots(ctx: Context) -> Iterable[Robot]:
    """Hand over robots that run in this process.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of robots; their accounts are created when missing.
    Errors: an exception stops this plugin.
    Since: 0.1
    """
    return ()


@hookspec
def register_gateways(ctx: Context) -> Iterable[Gateway]:
    """Hand over client-protocol gateways, so that the kernel can drain them at stop.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of gateways.
    Errors: an exception stops this plugin.
    Since: 0.1
    """
    return ()


@hookspec
def register_routes(ctx: Context) -> Iterable[Route]:
    """Hand over HTTP operations and pages.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of routes. A method and path already taken is an error naming both plugins.
    Errors: an exception stops this plugin. A failing handler answers 500 and names the plugin in the log.
    Since: 0.1
    """
    return ()


@hookspec
def register_event_consumers(ctx: Context) -> Iterable[EventConsumer]:
    """Hand over readers of the event log, each with a durable cursor of its own.

    Called: once, at start, after ``lifespan`` was entered. A consumer never seen before starts at the log's end.
    Returns: any number of consumers; names are unique over all plugins.
    Errors: an exception stops this plugin. A failing ``consume`` is repeated, never skipped.
    Since: 0.1
    """
    return ()


@hookspec
def register_jobs(ctx: Context) -> Iterable[Job]:
    """Hand over work on a schedule.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of jobs; names are unique within the plugin.
    Errors: an exception stops this plugin. A failing run is logged and counted; the schedule goes on.
    Since: 0.1
    """
    return ()


@hookspec
def register_health_checks(ctx: Context) -> Iterable[HealthCheck]:
    """Hand over lines for ``/readyz``.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of checks.
    Errors: an exception stops this plugin. A check that raises or hangs counts as failed.
    Since: 0.1
    """
    return ()


@hookspec
def register_metrics(ctx: Context) -> Iterable[Metric]:
    """Hand over figures for ``/metrics``.

    Called: once, at start, after ``lifespan`` was entered.
    Returns: any number of metrics; names start with ``balefire_``.
    Errors: an exception stops this plugin. A metric that cannot be read is left out of that scrape.
    Since: 0.1
    """
    return ()


@hookspec
def register_commands() -> "Iterable[click.Command]":
    """Hand over commands for the ``balefire`` command line.

    Called: when the command line is read, without a kernel or context. Import heavy things inside the commands.
    A command that needs the configuration calls ``click.get_current_context().meta["balefire.config"]()``.
    Returns: any number of click commands; a name already taken is an error naming both plugins.
    Errors: an exception leaves this plugin's commands out, with a warning.
    Since: 0.1
    """
    return ()


# -- per event -------------------------------------------------------------------------------------------------------


@hookspec
async def authorize_message(submission: Submission) -> Verdict | None:
    """Decide whether a message may be sent. Shape: ask, strict.

    Called: for every submission that its conversation kind allowed, before it is stored; answer within a second.
    Returns: the first verdict that is not ``None`` decides; ``None`` leaves it to the next plugin.
    Errors: fails closed: if a plugin cannot answer, the message is refused with ``policy_unavailable``.
    Since: 0.1

    :param submission: as it was sent; replace nothing here, that is ``amend_message``.
    """
    raise RuntimeError("a hook specification is not called")


@hookspec
async def amend_message(payload: Payload, submission: Submission) -> Payload | None:
    """Replace what a message says before it is stored. Shape: amend.

    Called: after every policy allowed it, in configuration order, each plugin seeing what the one before made of it.
    Returns: a new payload, or ``None`` to leave it. It is validated again.
    Errors: a failing plugin's change is left out.
    Since: 0.1

    :param payload: what will be stored as it stands now.
    :param submission: as it was sent.
    """
    raise RuntimeError("a hook specification is not called")


@hookspec
async def on_message_stored(message: Message) -> None:
    """Hear of a message right after it was stored, for light work that may be lost. Shape: notify.

    Called: for every stored message, after the sender's acknowledgement. Use an event consumer for what must happen.
    Returns: nothing.
    Errors: logged with the plugin's name; the next plugin is called.
    Since: 0.1
    """


@hookspec
async def on_message_recalled(message: Message, by: str) -> None:
    """Hear of a recall. Shape: notify.

    Called: after a message was recalled; ``message`` is the recall notice in its place.
    Returns: nothing.
    Errors: logged with the plugin's name; the next plugin is called.
    Since: 0.1
    """


@hookspec
async def choose_push(candidate: PushCandidate) -> PushChoice | None:
    """Decide whether somebody's phone rings. Shape: ask.

    Called: for every recipient the hub's own rules would push to or leave silent, before rendering.
    Returns: the first answer decides; ``None`` leaves it to the next plugin and at last to the hub's rules.
    Errors: a failing plugin is passed over.
    Since: 0.1
    """
    raise RuntimeError("a hook specification is not called")


@hookspec
async def on_push_rejected(user: str, vendor: str, reason: str) -> None:
    """Hear that a vendor rejected a device's token for good. Shape: notify.

    Called: after the token was forgotten. The token itself is not handed over.
    Returns: nothing.
    Errors: logged with the plugin's name; the next plugin is called.
    Since: 0.1
    """


@hookspec
async def on_channel_subscribed(conversation: Conversation, user: str) -> None:
    """Hear of a new subscriber. Shape: notify.

    Called: after the subscription was stored.
    Returns: nothing.
    Errors: logged with the plugin's name; the next plugin is called.
    Since: 0.1
    """


@hookspec
async def on_channel_unsubscribed(conversation: Conversation, user: str) -> None:
    """Hear that a subscriber left. Shape: notify.

    Called: after the subscription was ended.
    Returns: nothing.
    Errors: logged with the plugin's name; the next plugin is called.
    Since: 0.1
    """


@hookspec
async def on_presence_changed(user: str, is_online: bool) -> None:
    """Hear that a user's first session opened or last session closed on this node. Shape: notify.

    Called: after the change; quick reconnects may be merged.
    Returns: nothing.
    Errors: logged with the plugin's name; the next plugin is called.
    Since: 0.1
    """
