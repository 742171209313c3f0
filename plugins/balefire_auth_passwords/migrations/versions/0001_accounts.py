"""Accounts with passwords."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "auth_passwords_account",
        sa.Column("user", sa.String(64), primary_key=True),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
    )
