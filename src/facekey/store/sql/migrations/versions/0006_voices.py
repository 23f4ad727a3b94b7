"""Voices of people who have one enrolled, sealed under the person's own key."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table; nobody has a voice yet."""
    op.create_table(
        "voice_templates",
        sa.Column(
            "subject_uid",
            sa.String(32),
            sa.ForeignKey("subjects.uid", name="fk_voice_templates_subject_uid_subjects", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("enrolled_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("subject_uid", name="pk_voice_templates"),
    )


def downgrade() -> None:
    """Drop the table and what is in it."""
    op.drop_table("voice_templates")
