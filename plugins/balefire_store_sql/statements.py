"""What the statements of this store have in common."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from balefire import Conversation, Database
from balefire_store_sql.tables import ConversationRow, columns

conversation_table = columns(ConversationRow)


# Statements are built once, with parameters: building one costs more than running it.

is_named: ColumnElement[bool] = and_(
    conversation_table.c.kind == bindparam("kind"),
    conversation_table.c.target == bindparam("target"),
    conversation_table.c.line == bindparam("line"),
)
"""A condition: the conversation row is the one whose ``named`` values are given."""

named_id: Any = select(conversation_table.c.id).where(is_named).scalar_subquery()
"""The row id of the conversation whose ``named`` values are given."""


def named(conversation: Conversation) -> dict[str, Any]:
    """Values for ``is_named`` and ``named_id``."""
    return {"kind": conversation.kind, "target": conversation.target, "line": conversation.line}


def upsert(database: Database, table: Any, keys: Sequence[str], replaced: Sequence[str] | None = None) -> Any:
    """An ``INSERT`` that overwrites ``replaced`` columns (by default all that are no key) of an existing row."""
    insert = sqlite.insert(table) if database.dialect == "sqlite" else postgresql.insert(table)
    if replaced is None:
        replaced = [column.name for column in table.columns if column.name not in keys]
    if not replaced:
        return insert.on_conflict_do_nothing(index_elements=keys)
    return insert.on_conflict_do_update(
        index_elements=keys, set_={name: getattr(insert.excluded, name) for name in replaced}
    )


def greatest(database: Database, *values: Any) -> Any:
    """The largest of these values in one row."""
    return func.max(*values) if database.dialect == "sqlite" else func.greatest(*values)


def least(database: Database, *values: Any) -> Any:
    """The smallest of these values in one row."""
    return func.min(*values) if database.dialect == "sqlite" else func.least(*values)


def position_in(database: Database, text: Any, part: Any) -> Any:
    """Where ``part`` begins in ``text``, from 1; 0 if it does not occur."""
    return func.instr(text, part) if database.dialect == "sqlite" else func.strpos(text, part)
