"""The message store in SQL: SQLite by default, PostgreSQL by URL; the same behaviour on both."""

from balefire_store_sql.plugin import Config, Plugin
from balefire_store_sql.store import SqlMessageStore

__all__ = ["Config", "Plugin", "SqlMessageStore"]
