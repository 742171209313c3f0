"""The table of API keys."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Tables(SQLModel, registry=registry()):
    """A registry of its own, so that the plugin can be reloaded."""


class KeyRow(Tables, table=True):
    """One key. ``digest`` is the SHA-256 of the whole key; ``scopes`` are joined by blanks; times are 0 for never."""

    __tablename__ = "auth_keys_key"

    id: str = Field(primary_key=True, max_length=16)
    digest: str = Field(max_length=64)
    user: str = Field(max_length=64)
    label: str
    scopes: str
    created_at: int = Field(sa_type=BigInteger)
    last_used_at: int = Field(sa_type=BigInteger)
    expires_at: int = Field(sa_type=BigInteger)
    revoked_at: int = Field(sa_type=BigInteger)


KEYS = Tables.metadata.tables["auth_keys_key"]
