"""Read audit: an operator looks into the log, which is itself put on record."""

from collections.abc import AsyncIterator

from facekey.core.audit import AuditEvent, AuditValue, ChainedRecord
from facekey.core.audit_lines import Verified, export_lines
from facekey.core.caller import Caller
from facekey.core.ports.audit import AuditLog, AuditQuery, AuditTrail, AuditView
from facekey.core.ports.clocks import Clock
from facekey.core.types import SubjectId
from facekey.services.checkpoint import MakeCheckpoint
from facekey.services.verify_audit import VerifyAudit

ACTION = "read_audit"


class ReadAudit:
    """Shows, verifies and exports the log. Each request has one record, written before its answer."""

    def __init__(
        self,
        *,
        view: AuditView,
        trail: AuditTrail,
        verify: VerifyAudit,
        checkpoint: MakeCheckpoint,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        """Take the log in all its forms; `wiring` chooses the implementations."""
        self._view = view
        self._trail = trail
        self._verify = verify
        self._checkpoint = checkpoint
        self._audit = audit
        self._clock = clock

    async def find(self, query: AuditQuery, *, caller: Caller) -> list[ChainedRecord]:
        """The records that fit, the newest first.

        Raises:
            Unavailable: the request could not be put on record.
        """
        details: dict[str, AuditValue] = {
            "action": query.action,
            "outcome": query.outcome,
            "reason": ",".join(query.reasons) or None,
            "without": query.without,
            "before": query.before,
            "limit": query.limit,
            "since": None if query.since is None else query.since.isoformat(),
            "until": None if query.until is None else query.until.isoformat(),
        }
        await self._record(caller, "shown", details, query.subject_id)
        return await self._view.find(query)

    async def verify(self, *, caller: Caller) -> Verified:
        """Check all of the log.

        Raises:
            AuditBroken: names the first record that doesn't add up.
            TooManyAtOnce: somebody else has it checked right now.
            Unavailable: the request could not be put on record, or the log can't be read.
        """
        await self._record(caller, "verified", {})
        return await self._verify()

    async def export(self, *, caller: Caller) -> AsyncIterator[str]:
        """All of the log as JSON lines, up to a checkpoint that is signed for it.

        Raises:
            AuditBroken: the head isn't the deployment's own.
            Unavailable: the request could not be put on record.
        """
        await self._record(caller, "exported", {})
        await self._checkpoint(at_once=True)
        checkpoints = await self._trail.checkpoints()
        return export_lines(self._trail.records(until=checkpoints[-1].head.sequence), checkpoints)

    async def _record(
        self,
        caller: Caller,
        outcome: str,
        details: dict[str, AuditValue],
        subject_id: SubjectId | None = None,
    ) -> None:
        at = self._clock.now()
        event = AuditEvent(ACTION, caller.actor, subject_id, outcome, "requested", at, details)
        await self._audit.append(event)
