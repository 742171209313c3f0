"""The table of user profiles."""

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Tables(SQLModel, registry=registry()):
    """A registry of its own, so that the plugin can be reloaded."""


class UserRow(Tables, table=True):
    """One profile. ``folded`` is id and display name in folded case, for searching; ``extra`` is JSON."""

    __tablename__ = "directory_hosted_user"

    id: str = Field(primary_key=True, max_length=64)
    display_name: str
    portrait: str
    kind: str = Field(max_length=16)
    language: str = Field(max_length=64)
    timezone: str = Field(max_length=64)
    is_banned: bool
    extra: str = Field(sa_type=Text)
    folded: str
    updated_at: int = Field(sa_type=BigInteger)


USERS = Tables.metadata.tables["directory_hosted_user"]
