"""Operators' acts: each is appended to the event log, from which the audit log is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from balefire.request_keys import REQUEST_ID
from balefire_hookspecs import Event, Identity

if TYPE_CHECKING:
    from aiohttp import web

    from balefire.operations import BoundOperation

ACTED: Final = "admin.acted"

_EVERYDAY: Final = frozenset({"messages:read", "messages:write", "users:read", "devices:write"})
"""Scopes of operations that are no acts of administration: a bot that sends with an operator's key fills no log."""


class Emit(Protocol):
    """Appends an event; durable when it returns."""

    async def __call__(self, kind: str, *, user: str, data: dict[str, Any]) -> Event: ...


def is_act(operation: BoundOperation, identity: Identity) -> bool:
    """Whether this call uses an operator's powers to change something."""
    declared = operation.operation
    if declared.method == "GET" or declared.scope in _EVERYDAY or not operation.needs_identity:
        return False
    return identity.may("admin")


def describe_act(
    request: web.Request, operation: BoundOperation, identity: Identity, response: web.StreamResponse
) -> dict[str, Any]:
    """Who did what, how and from where; never what was in the body, which may hold secrets."""
    return {
        "actor": identity.user,
        "credential": identity.credential_id,
        "operation": operation.name,
        "plugin": operation.plugin,
        "method": request.method,
        "path": request.path,
        "status": response.status,
        "address": request.remote or "",
        "request_id": request[REQUEST_ID],
    }
