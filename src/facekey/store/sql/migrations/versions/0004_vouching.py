"""Operators, API keys and refresh tokens carry a keyed hash of what they say."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = ("operators", "api_keys", "refresh_tokens")


def upgrade() -> None:
    """Add the column. Rows that are there already can't be told from forged ones, and count no more."""
    for table in TABLES:
        op.add_column(table, sa.Column("vouched", sa.String(64)))


def downgrade() -> None:
    """Remove the column."""
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} DROP COLUMN vouched")
