"""The audit chain: records that can't be changed, removed or reordered unseen.

Each record's hash covers the hash of the record before, so any change breaks every
link after it. Subjects appear under keyed pseudonyms, never by name. Anybody could
compute such hashes anew from a changed record on; what they can't make is an anchor: the
sealed head of the log, and signed checkpoints of where it was.

This file is the whole of the arithmetic: it can verify a chain without a database.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends: its last record."""

    sequence: int
    digest: bytes


EMPTY = Head(0, GENESIS)
"""The head of a log without records."""


@dataclass(frozen=True, slots=True)
class SealedHead:
    """A head as it is stored.

    Attributes:
        seal: `seal_of` the head under the key of this deployment.
    """

    head: Head
    seal: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Anchor:
    """Something outside of the chain that says what one record of it is.

    Attributes:
        said_by: what it is, for the one who reads that it doesn't fit.
    """

    sequence: int
    digest: bytes
    said_by: str


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


def head_key_of(pseudonym_key: bytes) -> bytes:
    """The key that seals heads, derived from, and never equal to, the one that makes pseudonyms."""
    return hmac.new(pseudonym_key, b"facekey audit head", hashlib.sha256).digest()


def seal_of(head: Head, head_key: bytes) -> bytes:
    """What only this deployment can write beside a head."""
    return hmac.new(head_key, head.sequence.to_bytes(8, "big") + head.digest, hashlib.sha256).digest()


def open_head(sealed: SealedHead, head_key: bytes) -> Head:
    """The head that was sealed.

    Raises:
        AuditBroken: somebody without the key wrote it.
    """
    if not hmac.compare_digest(seal_of(sealed.head, head_key), sealed.seal):
        raise AuditBroken(
            sealed.head.sequence, "the head of the log names it, and this deployment didn't seal that head"
        )
    return sealed.head


class ChainCheck:
    """Checks a chain record by record, and at each anchor that the record is the one meant."""

    def __init__(self, anchors: Iterable[Anchor] = ()) -> None:
        """Take what is known of the chain from elsewhere, in any order."""
        # The nearest one last, where a list gives it away cheaply.
        self._anchors = sorted(anchors, key=lambda anchor: anchor.sequence, reverse=True)
        self._anchored = 0
        self.head = EMPTY

    def take(self, record: ChainedRecord) -> None:
        """Check the next record.

        Raises:
            AuditBroken: it doesn't follow, was changed, or isn't the one that an anchor names.
        """
        sequence, previous = self.head.sequence + 1, self.head.digest
        if record.sequence < sequence:
            raise AuditBroken(record.sequence, "is there twice, or stands in the wrong place")
        if record.sequence != sequence:
            raise AuditBroken(sequence, f"missing; the next record found is {record.sequence}")
        if not hmac.compare_digest(record.previous, previous):
            raise AuditBroken(sequence, "doesn't follow from the record before")
        if not hmac.compare_digest(chain(sequence, record.body, previous).digest, record.digest):
            raise AuditBroken(sequence, "its content was changed")
        self._hold_against(record)
        self.head = Head(sequence, record.digest)

    def end(self) -> Head:
        """Say that there are no more records; give where the chain ends.

        Raises:
            AuditBroken: an anchor knows of more.
        """
        if self._anchors:
            last = self._anchors[0]
            raise AuditBroken(
                self.head.sequence + 1,
                f"missing, with all after it; {last.said_by} says that there were {last.sequence}",
            )
        return self.head

    def _hold_against(self, record: ChainedRecord) -> None:
        while self._anchors and self._anchors[-1].sequence <= record.sequence:
            anchor = self._anchors.pop()
            if anchor.sequence != record.sequence or not hmac.compare_digest(anchor.digest, record.digest):
                raise AuditBroken(
                    anchor.sequence,
                    f"isn't the one that {anchor.said_by} names; something from record {self._anchored + 1} "
                    "on was changed and all after it written anew",
                )
            self._anchored = record.sequence


def verify_chain(records: Iterable[ChainedRecord], anchors: Iterable[Anchor] = ()) -> int:
    """Check every link from the first record on; give the number of records.

    Raises:
        AuditBroken: names the first record that doesn't add up.
    """
    check = ChainCheck(anchors)
    for record in records:
        check.take(record)
    return check.end().sequence
