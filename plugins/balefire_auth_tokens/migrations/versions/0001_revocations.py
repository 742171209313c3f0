"""Revoked tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "auth_tokens_revoked",
        sa.Column("id", sa.String(96), primary_key=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "auth_tokens_valid_after",
        sa.Column("user", sa.String(64), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
