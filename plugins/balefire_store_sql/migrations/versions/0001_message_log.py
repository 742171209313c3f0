"""Conversations, messages, members, devices, events and cursors."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key(name: str, kind: sa.types.TypeEngine[Any] = NUMBER) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def names(*columns: str) -> list[sa.Column[str]]:
    return [sa.Column(column, NAME, nullable=False) for column in columns]


def texts(*columns: str) -> list[sa.Column[str]]:
    return [sa.Column(column, sa.Text(), nullable=False) for column in columns]


def numbers(*columns: str) -> list[sa.Column[int]]:
    return [sa.Column(column, NUMBER, nullable=False) for column in columns]


def upgrade() -> None:
    create_log()
    create_members_and_devices()


def create_log() -> None:
    op.create_table(
        "store_sql_conversation",
        sa.Column("id", NUMBER, primary_key=True),
        *names("kind", "target"),
        *numbers("line", "last_seq", "counted"),
    )
    op.create_index("store_sql_conversation_key", "store_sql_conversation", ["kind", "target", "line"], unique=True)
    op.create_table(
        "store_sql_message",
        key("id"),
        *numbers("conversation_id", "seq", "counted"),
        *names("sender", "client_message_id", "content_type"),
        *texts("body"),
        *numbers("at", "flags"),
        *names("origin"),
        *texts("recipients"),
        *numbers("expires_at"),
    )
    op.create_index("store_sql_message_seq", "store_sql_message", ["conversation_id", "seq"], unique=True)
    op.create_index("store_sql_message_once", "store_sql_message", ["sender", "client_message_id"], unique=True)
    op.create_table(
        "store_sql_event",
        key("id"),
        *names("kind"),
        *numbers("at"),
        *names("conversation_kind", "conversation_target"),
        *numbers("conversation_line"),
        *names("user_id"),
        *texts("body"),
    )
    op.create_table("store_sql_cursor", key("consumer", NAME), key("node"), *numbers("position"))
    if op.get_bind().dialect.name == "postgresql":
        # Nodes that share a database each read their own log. Not in the models: SQLite has no use for them.
        node = sa.text("(id >> 15 & 127)")
        op.create_index("store_sql_message_node", "store_sql_message", [node, "id"])
        op.create_index("store_sql_event_node", "store_sql_event", [node, "id"])


def create_members_and_devices() -> None:
    op.create_table(
        "store_sql_member",
        key("conversation_id"),
        key("user_id", NAME),
        *names("role"),
        *texts("alias"),
        *numbers("visible_from_seq", "left_at_seq", "read_seq", "delivered_seq"),
        *texts("settings"),
        *numbers("joined_at"),
        sqlite_with_rowid=False,
    )
    op.create_index("store_sql_member_user", "store_sql_member", ["user_id", "conversation_id"])
    op.create_table(
        "store_sql_device",
        key("user_id", NAME),
        key("id", NAME),
        *names("platform", "vendor", "token", "voip_token", "app", "environment", "language", "timezone"),
        *numbers("last_seen_at", "registered_at"),
    )
    for column in ("token", "voip_token"):
        is_there = sa.text(f"{column} <> ''")
        op.create_index(
            f"store_sql_device_{column}",
            "store_sql_device",
            ["vendor", column],
            unique=True,
            sqlite_where=is_there,
            postgresql_where=is_there,
        )


def downgrade() -> None:
    for table in ("conversation", "message", "member", "device", "event", "cursor"):
        op.drop_table(f"store_sql_{table}")
