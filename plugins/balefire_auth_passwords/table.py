"""The table of accounts."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Tables(SQLModel, registry=registry()):
    """A registry of its own, so that the plugin can be reloaded."""


class AccountRow(Tables, table=True):
    """A user who signs in with a password; ``hash`` is Argon2's text form, salt and costs included."""

    __tablename__ = "auth_passwords_account"

    user: str = Field(primary_key=True, max_length=64)
    hash: str
    changed_at: int = Field(sa_type=BigInteger)


ACCOUNTS = Tables.metadata.tables["auth_passwords_account"]
