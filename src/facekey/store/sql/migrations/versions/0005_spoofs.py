"""Evidence of suspected spoofs, sealed under the key of whoever was claimed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table; there is no evidence of what was before."""
    op.create_table(
        "spoof_evidence",
        sa.Column("sequence", _sequence, autoincrement=False),
        sa.Column(
            "subject_uid",
            sa.String(32),
            sa.ForeignKey("subjects.uid", name="fk_spoof_evidence_subject_uid_subjects", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("depth", sa.LargeBinary),
        sa.Column("photo", sa.LargeBinary),
        sa.Column("taken_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_spoof_evidence"),
    )
    op.create_index("ix_spoof_evidence_subject_uid", "spoof_evidence", ["subject_uid"])
    op.create_index("ix_spoof_evidence_taken_at", "spoof_evidence", ["taken_at"])


def downgrade() -> None:
    """Drop the table and what is in it."""
    op.drop_table("spoof_evidence")
