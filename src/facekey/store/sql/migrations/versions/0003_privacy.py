"""Ids leave the table of people; what decides how long a person may be kept joins it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Rename and add columns.

    Ids that are there already can only be sealed with the keys at hand: `store.sql.names`
    does it at the next start, and until then they stand where the hash will.
    """
    op.execute("ALTER TABLE subjects RENAME COLUMN user_id TO lookup")
    op.add_column("subjects", sa.Column("sealed_id", sa.LargeBinary))
    op.add_column("subjects", sa.Column("last_seen_on", sa.String(10)))
    op.add_column("subjects", sa.Column("consent_until", sa.String(32)))


def downgrade() -> None:
    """Put the columns back. Ids that were sealed stay so: an older version can't read them."""
    for column in ("consent_until", "last_seen_on", "sealed_id"):
        op.execute(f"ALTER TABLE subjects DROP COLUMN {column}")
    op.execute("ALTER TABLE subjects RENAME COLUMN lookup TO user_id")
