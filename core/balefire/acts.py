"""Acts with more than a person's powers: each is appended to the event log, from which the audit log is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from balefire.request_keys import ADDRESS, REQUEST_ID
from balefire_hookspecs import USER_SCOPES, Event, Identity

if TYPE_CHECKING:
    from aiohttp import web

    from balefire.operations import BoundOperation

ACTED: Final = "admin.acted"

_EVERYDAY: Final = frozenset({"messages:read", "messages:write", "users:read", "devices:write"})
"""What operators do in their own name with these is no administration: a bot with an operator's key fills no log."""


class Emit(Protocol):
    """Appends an event; durable when it returns."""

    async def __call__(self, kind: str, *, user: str, data: dict[str, Any]) -> Event: ...


def is_act(request: web.Request, operation: BoundOperation, identity: Identity) -> bool:
    """Whether this call uses powers beyond a person's to change something."""
    declared = operation.operation
    if declared.method == "GET" or not operation.needs_identity:
        return False
    if declared.scope in USER_SCOPES:
        return identity.may("admin") and (declared.scope not in _EVERYDAY or _is_for_another(request, identity))
    return bool(identity.scopes - USER_SCOPES)


def _is_for_another(request: web.Request, identity: Identity) -> bool:
    return any(request.query.get(name, "") not in ("", identity.user) for name in ("user", "operator"))


def describe_act(
    request: web.Request, operation: BoundOperation, identity: Identity, response: web.StreamResponse
) -> dict[str, Any]:
    """Who did what, how, from where and (in the query) for whom; never what was in the body: it may hold secrets."""
    return {
        "actor": identity.user,
        "credential": identity.credential_id,
        "operation": operation.name,
        "plugin": operation.plugin,
        "method": request.method,
        "path": request.path_qs,
        "status": response.status,
        "address": request[ADDRESS],
        "request_id": request[REQUEST_ID],
    }
