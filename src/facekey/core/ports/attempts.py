"""The plugs of attempt limits: a decision and what it counts for are one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from facekey.core.attempts import Claim, Failures, Result
from facekey.core.audit import AuditEvent
from facekey.core.ports.audit import Receipt
from facekey.core.types import SubjectId


class Ledger(Protocol):
    """Where attempts are admitted, and decisions put on record with the failures they add to."""

    async def admit(self, claim: Claim, *, at: datetime) -> None:
        """Let an attempt through.

        Raises:
            AttemptsExhausted: too many failed before.
            StoreUnavailable: it is not known how many did.
        """
        ...

    async def settle(self, event: AuditEvent, claim: Claim, result: Result) -> Receipt:
        """Write one decision and what it counts for; both are durable when this returns.

        Raises:
            AttemptsExhausted: others failed so often meanwhile that the decision must not be given.
            EnrolmentGone: who was let in is not enrolled any more; the decision must not be given.
            StoreUnavailable: it is not on record; the decision must not be given.
        """
        ...


class Locks(Protocol):
    """What an operator sees and mends of the attempt limits."""

    async def failures(self, claim: Claim) -> Failures | None:
        """The counter of one user or one address; None when nothing is counted."""
        ...

    async def failures_of(self, subject_ids: Sequence[SubjectId]) -> Mapping[SubjectId, Failures]:
        """The counters of several users at once; those without failures are left out."""
        ...

    async def unlock(self, claim: Claim, event: AuditEvent) -> bool:
        """Forget their failures, and put it on record; False when there were none.

        Raises:
            StoreUnavailable: nothing was changed.
        """
        ...
