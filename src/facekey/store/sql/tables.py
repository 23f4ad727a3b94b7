"""The tables.

A person's id appears in `subjects` alone; everything else hangs on a random number, so
that what stays behind after an erasure (the audit chain, the change log) names nobody.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
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
    Column("user_id", String(128), nullable=False, unique=True),
    Column("enrolled_at", String(32), nullable=False),
    Column("samples", Integer, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
)

templates = Table(
    "templates",
    metadata,
    Column("subject_uid", ForeignKey("subjects.uid", ondelete="CASCADE"), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

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
