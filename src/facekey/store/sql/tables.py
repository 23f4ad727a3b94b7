"""The tables.

A person's id appears in `subjects` alone, and there only sealed; everything else hangs on
a random number, so that what stays behind after an erasure (the audit chain, the change
log) names nobody.
Whatever else is known of a person hangs on their row and goes with it. Times are ISO 8601
text, UTC, always of the same length, so that they compare like times.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)

_sequence = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER keys

deployment = Table(
    "deployment",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("wrapped_key", LargeBinary, nullable=False),
)

subjects = Table(
    "subjects",
    metadata,
    Column("uid", String(32), primary_key=True),
    Column("lookup", String(128), nullable=False),  # keyed hash of the id
    Column("sealed_id", LargeBinary),  # null only in a row of an older version, until the next start
    Column("enrolled_at", String(32), nullable=False),
    Column("samples", Integer, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("template_version", Integer, nullable=False, server_default="1"),
    Column("last_seen_on", String(10)),  # the day, and no closer, of the last accepted attempt
    Column("consent_until", String(32)),  # null when none was ever recorded
    UniqueConstraint("lookup", name="uq_subjects_user_id"),  # as the column was called when it was made
)

templates = Table(
    "templates",
    metadata,
    Column("subject_uid", ForeignKey("subjects.uid", ondelete="CASCADE"), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

template_history = Table(
    "template_history",  # what adaptation replaced, so that it can be undone
    metadata,
    Column("subject_uid", ForeignKey("subjects.uid", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("replaced_at", String(32), nullable=False),
)

adaptation = Table(
    "adaptation",  # a person's own score history, sealed with their key
    metadata,
    Column("subject_uid", ForeignKey("subjects.uid", ondelete="CASCADE"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("updated_at", String(32), nullable=False),
)

images = Table(
    "images",  # empty unless the operator asks for it
    metadata,
    Column("subject_uid", ForeignKey("subjects.uid", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("stored_at", String(32), nullable=False),
)

voice_templates = Table(
    "voice_templates",  # of those who have a voice enrolled; never compared with a face
    metadata,
    Column("subject_uid", ForeignKey("subjects.uid", ondelete="CASCADE"), primary_key=True),
    Column("model", String(128), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("enrolled_at", String(32), nullable=False),
)

spoof_evidence = Table(
    "spoof_evidence",  # what a suspected spoof looked like, by its audit record
    metadata,
    Column("sequence", _sequence, primary_key=True, autoincrement=False),
    Column("subject_uid", ForeignKey("subjects.uid", ondelete="CASCADE"), nullable=False, index=True),
    Column("depth", LargeBinary),
    Column("photo", LargeBinary),
    Column("taken_at", String(32), nullable=False, index=True),
)

consents = Table(
    "consents",
    metadata,
    Column("uid", String(32), primary_key=True),
    Column("subject_uid", ForeignKey("subjects.uid", ondelete="CASCADE"), nullable=False, index=True),
    Column("purpose", String(128), nullable=False),
    Column("text_version", String(64), nullable=False),
    Column("given_at", String(32), nullable=False),
    Column("expires_at", String(32)),
    Column("withdrawn_at", String(32)),
)

labels = Table(
    "labels",  # groups that a person declared for bias monitoring, sealed with their key
    metadata,
    Column("subject_uid", ForeignKey("subjects.uid", ondelete="CASCADE"), primary_key=True),
    Column("attribute", String(32), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

ADDED, ERASED = "added", "erased"
"""Kinds of changes: whoever is named is to be looked at again, or to be forgotten."""

gallery_changes = Table(
    "gallery_changes",
    metadata,
    Column("sequence", _sequence, primary_key=True, autoincrement=True),
    Column("kind", String(8), nullable=False),
    Column("subject_uid", String(32), nullable=False),
    sqlite_autoincrement=True,
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", _sequence, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)

audit_head = Table(
    "audit_head",  # one row: where the chain ends, sealed, so that a tail can't be cut off unseen
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", _sequence, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("seal", LargeBinary, nullable=False),
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("sequence", _sequence, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary, nullable=False),
    Column("at", String(32), nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(32), primary_key=True),
    Column("purpose", String(32), nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("retired_at", String(32)),
)

attempts = Table(
    "attempts",  # failed attempts by keyed pseudonym: of a user, an address, an operator's name
    metadata,
    Column("key", String(80), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_failed_at", String(32), nullable=False),
    Column("wait_until", String(32)),
    Column("locked_at", String(32)),
)

operators = Table(
    "operators",
    metadata,
    Column("uid", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("one_time", Boolean, nullable=False),
    Column("password_set_at", String(32), nullable=False),
    Column("password_expires_at", String(32)),
    Column("created_at", String(32), nullable=False),
    Column("disabled_at", String(32)),
    Column("vouched", String(64)),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("family", String(32), nullable=False, index=True),
    Column("operator_uid", ForeignKey("operators.uid", ondelete="CASCADE"), nullable=False, index=True),
    Column("issued_at", String(32), nullable=False),
    Column("expires_at", String(32), nullable=False),
    Column("used_at", String(32)),
    Column("revoked_at", String(32)),
    Column("vouched", String(64)),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("uid", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("audience", String(200)),
    Column("created_at", String(32), nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("expires_at", String(32)),
    Column("revoked_at", String(32)),
    Column("last_used_at", String(32)),
    Column("vouched", String(64)),
)

network_choices = Table(
    "network_choices",  # the latest counts; without one every measured network decides
    metadata,
    Column("sequence", _sequence, primary_key=True, autoincrement=False),
    Column("deciding", Text),  # JSON list of names; null for all that are measured
    Column("shadow", String(64)),
    Column("chosen_at", String(32), nullable=False),
    Column("chosen_by", String(80), nullable=False),
    Column("vouched", String(64)),
)

outbox = Table(
    "outbox",  # messages that are to leave; written with what they tell of, sent afterwards
    metadata,
    Column("uid", String(32), primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("payload", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("next_try_at", String(32), nullable=False, index=True),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("sent_at", String(32)),
    Column("failed_at", String(32)),
    Column("last_error", String(200)),
)
