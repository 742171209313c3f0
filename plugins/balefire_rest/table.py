"""The table of the audit log."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Tables(SQLModel, registry=registry()):
    """A registry of its own, so that the plugin can be reloaded."""


class AuditRow(Tables, table=True):
    """One act with an operator's powers; ``id`` is that of its event."""

    __tablename__ = "rest_audit"

    id: int = Field(primary_key=True, sa_type=BigInteger)
    at: int = Field(sa_type=BigInteger)
    actor: str = Field(max_length=64)
    credential: str
    operation: str
    method: str = Field(max_length=8)
    path: str
    status: int
    address: str
    request_id: str = Field(max_length=64)


AUDIT = Tables.metadata.tables["rest_audit"]
