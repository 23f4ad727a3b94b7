"""Subjects, templates, the change log of the gallery, and the audit chain."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Create the first schema."""
    op.create_table(
        "deployment",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "subjects",
        sa.Column("uid", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("enrolled_at", sa.String(32), nullable=False),
        sa.Column("samples", sa.Integer, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("user_id", name="uq_subjects_user_id"),
    )
    op.create_table(
        "templates",
        sa.Column(
            "subject_uid",
            sa.String(32),
            sa.ForeignKey("subjects.uid", name="fk_templates_subject_uid_subjects", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("model", sa.String(128), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "gallery_changes",
        sa.Column("sequence", _sequence, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("subject_uid", sa.String(32), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit",
        sa.Column("sequence", _sequence, primary_key=True, autoincrement=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Remove everything: there was nothing before."""
    for table in ("audit", "gallery_changes", "templates", "subjects", "deployment"):
        op.drop_table(table)
