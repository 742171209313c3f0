"""The tables of what is no longer valid. Tokens themselves are not stored."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Tables(SQLModel, registry=registry()):
    """A registry of its own, so that the plugin can be reloaded."""


class RevokedRow(Tables, table=True):
    """A token that was revoked, kept until it would have expired anyway."""

    __tablename__ = "auth_tokens_revoked"

    id: str = Field(primary_key=True, max_length=96)
    expires_at: int = Field(sa_type=BigInteger)


class ValidAfterRow(Tables, table=True):
    """Tokens of this user that were issued at or before ``at`` are refused."""

    __tablename__ = "auth_tokens_valid_after"

    user: str = Field(primary_key=True, max_length=64)
    at: int = Field(sa_type=BigInteger)


REVOKED = Tables.metadata.tables["auth_tokens_revoked"]
VALID_AFTER = Tables.metadata.tables["auth_tokens_valid_after"]
