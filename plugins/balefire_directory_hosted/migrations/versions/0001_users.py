"""User profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "directory_hosted_user",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("display_name", sa.String, nullable=False),
        sa.Column("portrait", sa.String, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("language", sa.String(64), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("is_banned", sa.Boolean, nullable=False),
        sa.Column("extra", sa.Text, nullable=False),
        sa.Column("folded", sa.String, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
    )
