"""Which recognition networks decide, and which network runs in shadow."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table; nothing is chosen yet, so every measured network decides."""
    op.create_table(
        "network_choices",
        sa.Column("sequence", _sequence, autoincrement=False, nullable=False),
        sa.Column("deciding", sa.Text),
        sa.Column("shadow", sa.String(64)),
        sa.Column("chosen_at", sa.String(32), nullable=False),
        sa.Column("chosen_by", sa.String(80), nullable=False),
        sa.Column("vouched", sa.String(64)),
        sa.PrimaryKeyConstraint("sequence", name="pk_network_choices"),
    )


def downgrade() -> None:
    """Drop the table: every measured network decides again."""
    op.drop_table("network_choices")
