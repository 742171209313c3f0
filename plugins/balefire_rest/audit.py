"""The audit log: who did what with more than a person's powers."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field
from sqlalchemy import insert, select

from balefire import Event, Operation, PluginContext, Settings
from balefire_rest.fields import Cursor, Limit
from balefire_rest.table import AUDIT

ACTED: Final = "admin.acted"
"""The kind of event that the HTTP server appends for every such act."""

_COLUMNS: Final = ("actor", "credential", "operation", "method", "path", "status", "address", "request_id")


class AuditEntry(BaseModel):
    """One act. `credential` names the token or key that was used; it is no secret."""

    id: str
    at: int = Field(description="milliseconds since the epoch")
    actor: str
    credential: str
    operation: str
    method: str
    path: str
    status: int
    address: str
    request_id: str


class AuditPage(Cursor):
    items: list[AuditEntry]


class AuditLog:
    """Copies acts from the event log into a table, and shows them."""

    name = "rest-audit"

    def __init__(self, ctx: PluginContext[Settings]) -> None:
        self._ctx = ctx

    async def consume(self, events: Sequence[Event]) -> None:
        """See ``EventConsumer.consume``; the event's id is the key, so a repeat changes nothing."""
        acts = {event.id: event for event in events if event.kind == ACTED}
        if not acts:
            return
        async with self._ctx.database.write() as connection:
            known = await connection.execute(select(AUDIT.c.id).where(AUDIT.c.id.in_(acts)))
            new = [_row(acts[id_]) for id_ in acts.keys() - {row.id for row in known}]
            if new:
                await connection.execute(insert(AUDIT), new)

    def operations(self) -> list[Operation]:
        """What is registered."""
        return [Operation("GET", "/v1/audit", self.list_audit, "admin", ("audit",))]

    async def list_audit(
        self,
        after: Annotated[str, Field(pattern="^[0-9]{0,18}$", description="`next` of the page before")] = "",
        limit: Limit = 100,
        actor: Annotated[str, Field(max_length=64, description="only this user's acts")] = "",
    ) -> AuditPage:
        """What was done with more than a person's powers, the latest first."""
        query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        if after:
            query = query.where(AUDIT.c.id < int(after))
        if actor:
            query = query.where(AUDIT.c.actor == actor)
        async with self._ctx.database.read() as connection:
            rows = (await connection.execute(query)).all()
        items = [AuditEntry(**{**row._mapping, "id": str(row.id)}) for row in rows]
        return AuditPage(items=items, next=items[-1].id if len(items) == limit else "")


def _row(event: Event) -> dict[str, Any]:
    return {"id": event.id, "at": event.at, **{name: event.data[name] for name in _COLUMNS}}
