"""The plugs of the audit log: writing, reading, anchoring, signing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from facekey.core.audit import AuditEvent, ChainedRecord, Head, SealedHead
from facekey.core.audit_statements import Checkpoint, CheckpointPolicy, Signature
from facekey.core.types import SubjectId


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an event is on record.

    Attributes:
        sequence: place in the audit chain.
        digest: hash of the record, 32 bytes.
    """

    sequence: int
    digest: bytes


class AuditLog(Protocol):
    """Where decisions are put on record."""

    async def append(self, event: AuditEvent) -> Receipt:
        """Write one event; it is durable when this returns.

        Raises:
            StoreUnavailable: it is not on record; the decision must not be given.
        """
        ...


class Signer(Protocol):
    """Signs in the name of the deployment."""

    def sign(self, statement: bytes) -> Signature:
        """The signature; never fails once the keys are loaded."""
        ...


class SignatureVerifier(Protocol):
    """Knows the deployment's public keys."""

    def verify(self, statement: bytes, signature: Signature) -> None:
        """Return when the deployment signed this.

        Raises:
            SignatureWrong: it didn't.
        """
        ...


class AuditTrail(Protocol):
    """The log as it is stored, for whoever checks or exports all of it."""

    async def head(self) -> SealedHead | None:
        """Where the log ends, as the deployment sealed it; None when there is no head."""
        ...

    def records(self, *, until: int | None = None) -> AsyncIterator[ChainedRecord]:
        """Every record, the oldest first; only up to a sequence when one is given."""
        ...

    async def checkpoints(self) -> list[Checkpoint]:
        """Every checkpoint, the oldest first."""
        ...


class AuditSeal(Protocol):
    """Where the first head of a log is sealed."""

    async def seal(self, head: Head, event: AuditEvent) -> Receipt:
        """Seal the head of a log that has none, and put that on record behind it.

        Raises:
            AuditBroken: there is a head, or the log doesn't end there; nothing was changed.
            StoreUnavailable: nothing was changed.
        """
        ...


class Checkpoints(Protocol):
    """Where signed checkpoints are kept."""

    async def write(self, policy: CheckpointPolicy, *, at: datetime) -> Checkpoint | None:
        """Sign where the log ends now, if that is due; None when it isn't.

        Raises:
            AuditBroken: the head isn't the deployment's own; nothing was signed.
            StoreUnavailable: nothing was signed.
        """
        ...


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which records to show.

    Attributes:
        before: only those with a lower sequence.
        sequence: only this one.
        reasons: any of them; none for all.
        without: not those of this action.
        since: not older than this.
        until: older than this.
    """

    limit: int
    before: int | None = None
    sequence: int | None = None
    action: str | None = None
    outcome: str | None = None
    reasons: tuple[str, ...] = ()
    without: str | None = None
    subject_id: SubjectId | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditView(Protocol):
    """The log for people who look something up."""

    async def find(self, query: AuditQuery) -> list[ChainedRecord]:
        """The records that fit, the newest first."""
        ...
