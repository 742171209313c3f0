"""The table ``incoming_hooks_hook``: one row per hook."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class IncomingHook(SQLModel, table=True):
    """A hook. ``definition`` is the JSON of what its owner wrote; the address's secret is kept as a hash only.

    ``sealed_key`` is the key that senders sign with, encrypted with a key of this server (it is needed in clear to
    check signatures). Times are milliseconds since the epoch.
    """

    __tablename__ = "incoming_hooks_hook"

    id: str = Field(primary_key=True, max_length=32)
    secret_hash: str = Field(unique=True, max_length=64)
    sealed_key: str = ""
    owner: str = Field(max_length=64)
    definition: str
    created_at: int = Field(sa_type=BigInteger)
    updated_at: int = Field(sa_type=BigInteger)
    used_at: int = Field(default=0, sa_type=BigInteger)
    delivered: int = Field(default=0, sa_type=BigInteger)
    ignored: int = Field(default=0, sa_type=BigInteger)
    refused: int = Field(default=0, sa_type=BigInteger)
    last_error: str = Field(default="", max_length=500)
