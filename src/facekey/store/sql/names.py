"""How people are called in the database: nobody's id stands there in the clear.

A person's row is found by a keyed hash of their id, and holds the id itself sealed with
the person's own key. So whoever has the files (the database, its write-ahead log, a
backup) can't tell who is enrolled, can't try ids without the deployment's keys, and finds
nothing of a person whose key is gone.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from sqlalchemy import select, update

from facekey.core.audit import pseudonym
from facekey.core.identifiers import MAX_LENGTH, parse_subject_id
from facekey.core.types import SubjectId
from facekey.store.sealing import KeyRing, Seal
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.tables import subjects

BATCH = 200
_PADDING = b"\0"  # to one length: a sealed id doesn't tell how long it is


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a deployment gives to people, by the key of its pseudonyms."""

    key: bytes = field(repr=False)
    _lookup_key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive a key of its own for lookups, so that they and pseudonyms don't lead to each other."""
        derived = hmac.new(self.key, b"facekey lookup of people", hashlib.sha256).digest()
        object.__setattr__(self, "_lookup_key", derived)

    def pseudonym(self, subject_id: SubjectId) -> str:
        """The person's name in the audit log."""
        return pseudonym(subject_id, self.key)

    def lookup(self, subject_id: SubjectId) -> str:
        """What the person's row is found by, 64 hex digits."""
        return hmac.new(self._lookup_key, subject_id.encode(), hashlib.sha256).hexdigest()


def seal_id(seal: Seal, subject_id: SubjectId, *, uid: str, lookup: str) -> bytes:
    """A person's id as it is stored; it opens only in their own row."""
    return seal.close(subject_id.encode().ljust(MAX_LENGTH, _PADDING), "user id", uid, lookup)


def open_id(seal: Seal, sealed: bytes, *, uid: str, lookup: str) -> SubjectId:
    """The person's id.

    Raises:
        SealBroken: the row was changed or swapped with another.
    """
    return SubjectId(seal.open(sealed, "user id", uid, lookup).rstrip(_PADDING).decode())


async def seal_names(database: Database, ring: KeyRing, names: Names) -> int:
    """Seal the ids that an older version stored in the clear; give how many there were.

    Safe to be broken off and to be done by several services at once.

    Raises:
        KeyUnavailable: a person's key can't be opened with the keys at hand.
        SealBroken: it was changed.
        StoreUnavailable: the database did not answer.
    """
    done = 0
    while await database.read(_any_in_the_clear):
        done += await database.write(lambda connection: _seal_some(connection, ring, names))
    if done:
        await database.forget_deleted()
    return done


async def _any_in_the_clear(connection: Connection) -> bool:
    query = select(subjects.c.uid).where(subjects.c.sealed_id.is_(None)).limit(1)
    return (await connection.execute(query)).first() is not None


async def _seal_some(connection: Connection, ring: KeyRing, names: Names) -> int:
    rows = (
        await connection.execute(
            select(subjects.c.uid, subjects.c.lookup, subjects.c.wrapped_key)
            .where(subjects.c.sealed_id.is_(None))
            .limit(BATCH)
        )
    ).all()
    for row in rows:
        subject_id = parse_subject_id(row.lookup)  # until now it was the id itself
        lookup = names.lookup(subject_id)
        seal = ring.unwrap(bytes(row.wrapped_key), row.uid)
        sealed = seal_id(seal, subject_id, uid=row.uid, lookup=lookup)
        await connection.execute(
            update(subjects).where(subjects.c.uid == row.uid).values(lookup=lookup, sealed_id=sealed)
        )
    return len(rows)
