"""The audit chain: records that can't be changed, removed or reordered unseen.

Each record's hash covers the hash of the record before, so any change breaks every
link after it. Subjects appear under keyed pseudonyms, never by name. This file is the
whole of the arithmetic: it can verify a chain without a database.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from facekey.core.errors import AuditBroken
from facekey.core.types import SubjectId

GENESIS = bytes(32)
"""What the first record follows."""

PSEUDONYM_HEX = 32  # 128 bits: no two subjects of one deployment share one

AuditValue = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that must be on record before it is answered.

    Attributes:
        action: `register`, `authenticate`, `authenticate_stream`, `identify`, `erase`, ...
        actor: who asked for it (`core.caller.Caller.actor`); a random number, no name.
        subject_id: whom it is about; None when nobody was claimed or found.
        outcome: what was decided.
        reason: why, in full: operators read this, clients may see less.
        at: aware, UTC.
        details: scores, counts and model ids; no pictures, vectors or names.
    """

    action: str
    actor: str
    subject_id: SubjectId | None
    outcome: str
    reason: str
    at: datetime
    details: Mapping[str, AuditValue]


@dataclass(frozen=True, slots=True)
class ChainedRecord:
    """A record as stored.

    Attributes:
        sequence: 1, 2, 3, ... without gaps.
        body: the event as canonical JSON.
        previous: hash of the record before, 32 bytes.
        digest: hash of this record, 32 bytes.
    """

    sequence: int
    body: str
    previous: bytes
    digest: bytes


def pseudonym(subject_id: SubjectId, key: bytes) -> str:
    """A name that stands for one subject in one deployment and can't be turned back."""
    return hmac.new(key, subject_id.encode(), hashlib.sha256).hexdigest()[:PSEUDONYM_HEX]


def canonical_body(event: AuditEvent, pseudonym_key: bytes) -> str:
    """The one way to write an event down: sorted keys, no spaces, no names."""
    subject = None if event.subject_id is None else pseudonym(event.subject_id, pseudonym_key)
    return json.dumps(
        {
            "action": event.action,
            "actor": event.actor,
            "at": event.at.isoformat(timespec="milliseconds"),
            "details": dict(event.details),
            "outcome": event.outcome,
            "reason": event.reason,
            "subject": subject,
        },
        sort_keys=True,
        separators=(",", ":"),
        allow_nan=False,
    )


def chain(sequence: int, body: str, previous: bytes) -> ChainedRecord:
    """Link a body to the record before."""
    digest = hashlib.sha256(previous + sequence.to_bytes(8, "big") + body.encode()).digest()
    return ChainedRecord(sequence, body, previous, digest)


def verify_chain(records: Iterable[ChainedRecord]) -> int:
    """Check every link from the first record on; give the number of records.

    Raises:
        AuditBroken: names the first record that doesn't add up.
    """
    count, previous = 0, GENESIS
    for record in records:
        count += 1
        if record.sequence != count:
            raise AuditBroken(count, f"missing; the next record found is {record.sequence}")
        if not hmac.compare_digest(record.previous, previous):
            raise AuditBroken(count, "doesn't follow from the record before")
        if not hmac.compare_digest(chain(count, record.body, previous).digest, record.digest):
            raise AuditBroken(count, "its content was changed")
        previous = record.digest
    return count
