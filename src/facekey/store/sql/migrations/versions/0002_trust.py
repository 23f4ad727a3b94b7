"""Accounts, limits, privacy, adaptation, alerts; an audit log that can only grow."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_sequence = sa.BigInteger().with_variant(sa.Integer, "sqlite")

APPEND_ONLY = ("audit", "audit_checkpoints")

POSTGRES_REFUSAL = """
CREATE FUNCTION facekey_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the table % only grows', TG_TABLE_NAME;
END
$$
"""


def upgrade() -> None:
    """Add the tables, and make the log append-only at the database itself."""
    op.add_column("subjects", sa.Column("template_version", sa.Integer, nullable=False, server_default="1"))
    _about_people()
    _about_operators()
    _about_the_log()
    op.create_table(
        "outbox",
        sa.Column("uid", sa.String(32), primary_key=True),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("next_try_at", sa.String(32), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("sent_at", sa.String(32)),
        sa.Column("failed_at", sa.String(32)),
        sa.Column("last_error", sa.String(200)),
    )
    op.create_index("ix_outbox_next_try_at", "outbox", ["next_try_at"])


def downgrade() -> None:
    """Remove what was added."""
    _let_the_log_change()
    for table in (
        "outbox",
        "audit_checkpoints",
        "audit_head",
        "signing_keys",
        "api_keys",
        "refresh_tokens",
        "operators",
        "attempts",
        "labels",
        "consents",
        "images",
        "adaptation",
        "template_history",
    ):
        op.drop_table(table)
    with op.batch_alter_table("subjects") as batch:
        batch.drop_column("template_version")


def _of_a_subject(table: str) -> sa.Column[str]:
    return sa.Column(
        "subject_uid",
        sa.String(32),
        sa.ForeignKey("subjects.uid", name=f"fk_{table}_subject_uid_subjects", ondelete="CASCADE"),
        nullable=False,
    )


def _about_people() -> None:
    op.create_table(
        "template_history",
        _of_a_subject("template_history"),
        sa.Column("version", sa.Integer),
        sa.Column("model", sa.String(128)),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("replaced_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("subject_uid", "version", "model", name="pk_template_history"),
    )
    op.create_table(
        "adaptation",
        _of_a_subject("adaptation"),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("updated_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("subject_uid", name="pk_adaptation"),
    )
    op.create_table(
        "images",
        _of_a_subject("images"),
        sa.Column("number", sa.Integer),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("stored_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("subject_uid", "number", name="pk_images"),
    )
    op.create_table(
        "consents",
        sa.Column("uid", sa.String(32), primary_key=True),
        _of_a_subject("consents"),
        sa.Column("purpose", sa.String(128), nullable=False),
        sa.Column("text_version", sa.String(64), nullable=False),
        sa.Column("given_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32)),
        sa.Column("withdrawn_at", sa.String(32)),
    )
    op.create_index("ix_consents_subject_uid", "consents", ["subject_uid"])
    op.create_table(
        "labels",
        _of_a_subject("labels"),
        sa.Column("attribute", sa.String(32)),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("subject_uid", "attribute", name="pk_labels"),
    )
    op.create_table(
        "attempts",
        sa.Column("key", sa.String(80), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_failed_at", sa.String(32), nullable=False),
        sa.Column("wait_until", sa.String(32)),
        sa.Column("locked_at", sa.String(32)),
    )


def _about_operators() -> None:
    op.create_table(
        "operators",
        sa.Column("uid", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("one_time", sa.Boolean, nullable=False),
        sa.Column("password_set_at", sa.String(32), nullable=False),
        sa.Column("password_expires_at", sa.String(32)),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("disabled_at", sa.String(32)),
        sa.UniqueConstraint("name", name="uq_operators_name"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("family", sa.String(32), nullable=False),
        sa.Column(
            "operator_uid",
            sa.String(32),
            sa.ForeignKey(
                "operators.uid", name="fk_refresh_tokens_operator_uid_operators", ondelete="CASCADE"
            ),
            nullable=False,
        ),
        sa.Column("issued_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("used_at", sa.String(32)),
        sa.Column("revoked_at", sa.String(32)),
    )
    op.create_index("ix_refresh_tokens_family", "refresh_tokens", ["family"])
    op.create_index("ix_refresh_tokens_operator_uid", "refresh_tokens", ["operator_uid"])
    op.create_table(
        "api_keys",
        sa.Column("uid", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("audience", sa.String(200)),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("created_by", sa.String(80), nullable=False),
        sa.Column("expires_at", sa.String(32)),
        sa.Column("revoked_at", sa.String(32)),
        sa.Column("last_used_at", sa.String(32)),
        sa.UniqueConstraint("name", name="uq_api_keys_name"),
        sa.UniqueConstraint("key_hash", name="uq_api_keys_key_hash"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.String(32), primary_key=True),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("retired_at", sa.String(32)),
    )


def _about_the_log() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", _sequence, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("seal", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("sequence", _sequence, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRES_REFUSAL)
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION facekey_append_only()"
            )
        return
    for table in APPEND_ONLY:
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'the table {table} only grows'); END"
            )


def _let_the_log_change() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in APPEND_ONLY:
            op.execute(f"DROP TRIGGER {table}_only_grows ON {table}")
        op.execute("DROP FUNCTION facekey_append_only()")
        return
    for table in APPEND_ONLY:
        for change in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{change}")
