"""What plugins hand over: the sorts there are, what each must look like, and one table of them all by name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from balefire.plugin_record import PluginFailed, PluginRecord
from balefire_hookspecs import Operation, Providers, RawRoute


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of thing that plugins register.

    ``table`` is its attribute in ``Providers`` ("" for what only the kernel reads); ``key`` gives the name that may be
    taken once; ``needs`` are attributes without which it cannot work, alternatives joined by ``|``.
    """

    noun: str
    table: str = ""
    key: Callable[[Any], str] = lambda item: str(item.name)
    needs: tuple[str, ...] = ("name",)
    is_private: bool = False
    """Names need only be unique within one plugin."""


def _route_key(route: Operation | RawRoute) -> str:
    return f"{route.method} {route.path}"


SORTS: Final[Mapping[str, Sort]] = {
    "register_message_stores": Sort("message store", "message_stores", needs=("name", "append", "history")),
    "register_authenticators": Sort("authenticator", "authenticators", needs=("name", "authenticate")),
    "register_token_issuers": Sort("token issuer", "token_issuers", needs=("name", "issue", "revoke", "revoke_user")),
    "register_directories": Sort("directory", "directories", needs=("name", "get", "put", "search")),
    "register_conversation_kinds": Sort(
        "conversation kind", "conversation_kinds", needs=("name", "resolve", "authorize", "audience", "visibility")
    ),
    "register_content_types": Sort("content type", "content_types", needs=("name", "check", "digest")),
    "register_push_vendors": Sort("push vendor", "push_vendors", needs=("name", "send|send_batch")),
    "register_robots": Sort("robot", "robots", key=lambda robot: str(robot.id), needs=("id", "display_name", "answer")),
    "register_gateways": Sort("gateway", "gateways", needs=("name", "drain")),
    "register_routes": Sort("route", key=_route_key, needs=("method", "path", "handler")),
    "register_event_consumers": Sort("event consumer", needs=("name", "consume")),
    "register_jobs": Sort("job", needs=("name", "run"), is_private=True),
    "register_health_checks": Sort("health check", needs=("name", "check"), is_private=True),
    "register_metrics": Sort("metric", needs=("name", "help", "read")),
}
"""By the hook that hands them over."""

IMPLIED_CAPABILITIES: Final[Mapping[str, str]] = {
    "register_message_stores": "storage",
    "register_directories": "directory",
    "register_token_issuers": "tokens",
}
"""What a plugin provides by having the hook, whether its manifest says so or not."""

KERNEL_CAPABILITIES: Final = frozenset({"database", "sessions", "members", "events", "http", "jobs"})
"""What may be required and is always there."""


def capabilities(record: PluginRecord) -> frozenset[str]:
    """What other plugins may require of this one; its own name is among them."""
    implied = {capability for hook, capability in IMPLIED_CAPABILITIES.items() if hook in record.hooks}
    return frozenset({record.name, *record.manifest.provides, *implied})


def collect(hook: str, returned: Any) -> tuple[Any, ...]:
    """What a registering hook returned, as a tuple of things that can be used.

    :raises PluginFailed: it is no list, or holds something of the wrong sort.
    """
    if returned is None:
        return ()
    if isinstance(returned, str | bytes) or not isinstance(returned, Iterable):
        raise PluginFailed(f"{hook} must return a list, got {type(returned).__name__}")
    items = tuple(returned)
    for item in items:
        for need in SORTS[hook].needs:
            if not any(hasattr(item, name) for name in need.split("|")):
                wanted = " or ".join(map(repr, need.split("|")))
                raise PluginFailed(
                    f"{hook} returned {type(item).__name__}, which is no {SORTS[hook].noun}: it lacks {wanted}"
                )
    return items


def refuse_collisions(newcomer: PluginRecord, others: Iterable[PluginRecord]) -> None:
    """Every name is given out once.

    :raises PluginFailed: naming both plugins.
    """
    for hook, sort in SORTS.items():
        taken: dict[str, str] = {}
        if not sort.is_private:
            taken = {sort.key(item): other.name for other in others for item in other.registered.get(hook, ())}
        for item in newcomer.registered.get(hook, ()):
            key = sort.key(item)
            if key in taken:
                raise PluginFailed(f"{sort.noun} {key!r} is already provided by plugin {taken[key]!r}")
            taken[key] = newcomer.name


def build_providers(records: Sequence[PluginRecord]) -> Providers:
    """One table per sort, in the order of the records; active plugins only."""
    tables: dict[str, dict[str, Any]] = {sort.table: {} for sort in SORTS.values() if sort.table}
    for record in records:
        if record.is_active:
            for hook, items in record.registered.items():
                sort = SORTS[hook]
                if sort.table:
                    tables[sort.table].update({sort.key(item): item for item in items})
    return Providers(**tables)
