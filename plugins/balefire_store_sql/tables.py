"""The tables of the message log. Texts that name things compare by byte on both databases, as Python does."""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, Text, text
from sqlmodel import Field, SQLModel

Name = Text().with_variant(Text(collation="C"), "postgresql")
Number = BigInteger().with_variant(Integer(), "sqlite")


def _key(kind: Any = Number) -> Any:
    return Field(sa_column=Column(kind, primary_key=True, autoincrement=False))


def _name() -> Any:
    return Field(sa_type=Name)


def _number() -> Any:
    return Field(sa_type=Number)


class ConversationRow(SQLModel, table=True):
    """A conversation and its counters: ``last_seq`` given out, ``counted`` messages among them."""

    __tablename__ = "store_sql_conversation"
    __table_args__ = (Index("store_sql_conversation_key", "kind", "target", "line", unique=True),)

    id: int = Field(sa_column=Column(Number, primary_key=True, autoincrement=True))
    kind: str = _name()
    target: str = _name()
    line: int = _number()
    last_seq: int = _number()
    counted: int = _number()


class MessageRow(SQLModel, table=True):
    """A message, which is its own event. ``counted`` is the conversation's running count including this one, so the
    unread figure is a difference. ``body`` is the payload without its type; ``recipients`` a JSON list or empty.
    """

    __tablename__ = "store_sql_message"
    __table_args__ = (
        Index("store_sql_message_seq", "conversation_id", "seq", unique=True),
        Index("store_sql_message_once", "sender", "client_message_id", unique=True),
    )

    id: int = _key()
    conversation_id: int = _number()
    seq: int = _number()
    counted: int = _number()
    sender: str = _name()
    client_message_id: str = _name()
    content_type: str = _name()
    body: str = Field(sa_type=Text)
    at: int = _number()
    flags: int = _number()
    origin: str = _name()
    recipients: str = Field(sa_type=Text)
    expires_at: int = _number()


class MemberRow(SQLModel, table=True):
    """A user's place in a conversation and their cursors."""

    __tablename__ = "store_sql_member"
    __table_args__ = (
        Index("store_sql_member_user", "user_id", "conversation_id"),
        {"sqlite_with_rowid": False},
    )

    conversation_id: int = _key()
    user_id: str = _key(Name)
    role: str = _name()
    alias: str = Field(sa_type=Text)
    visible_from_seq: int = _number()
    left_at_seq: int = _number()
    read_seq: int = _number()
    delivered_seq: int = _number()
    settings: str = Field(sa_type=Text)
    joined_at: int = _number()


class DeviceRow(SQLModel, table=True):
    """An installation; its tokens are secrets."""

    __tablename__ = "store_sql_device"
    __table_args__ = (
        Index(
            "store_sql_device_token",
            "vendor",
            "token",
            unique=True,
            sqlite_where=text("token <> ''"),
            postgresql_where=text("token <> ''"),
        ),
        Index(
            "store_sql_device_voip_token",
            "vendor",
            "voip_token",
            unique=True,
            sqlite_where=text("voip_token <> ''"),
            postgresql_where=text("voip_token <> ''"),
        ),
    )

    user_id: str = _key(Name)
    id: str = _key(Name)
    platform: str = _name()
    vendor: str = _name()
    token: str = _name()
    voip_token: str = _name()
    app: str = _name()
    environment: str = _name()
    language: str = _name()
    timezone: str = _name()
    last_seen_at: int = _number()
    registered_at: int = _number()


class EventRow(SQLModel, table=True):
    """Everything in the log that is not a message. ``conversation_kind`` is empty if it concerns none."""

    __tablename__ = "store_sql_event"

    id: int = _key()
    kind: str = _name()
    at: int = _number()
    conversation_kind: str = _name()
    conversation_target: str = _name()
    conversation_line: int = _number()
    user_id: str = _name()
    body: str = Field(sa_type=Text)


class CursorRow(SQLModel, table=True):
    """How far a consumer has read a node's log."""

    __tablename__ = "store_sql_cursor"

    consumer: str = _key(Name)
    node: int = _key()
    position: int = _number()


def columns(table: type[SQLModel]) -> Any:
    """The SQLAlchemy table behind a model, for Core statements."""
    return table.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
