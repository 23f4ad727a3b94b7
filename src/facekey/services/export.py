"""Export: everything that is kept of one person, for that person (GDPR art. 15 and 20)."""

import asyncio

from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.errors import TooManyAtOnce
from facekey.core.ports.audit import AuditLog
from facekey.core.ports.clocks import Clock
from facekey.core.ports.privacy import PersonalData, PersonalRecords
from facekey.core.types import SubjectId


class Export:
    """Puts together what is kept of somebody. The request itself is on record, and in the export.

    One at a time: each looks through all of the audit log.
    """

    def __init__(self, *, records: PersonalRecords, audit: AuditLog, clock: Clock) -> None:
        """Take where it is kept."""
        self._records = records
        self._audit = audit
        self._clock = clock
        self._running = asyncio.Lock()

    async def __call__(self, subject_id: SubjectId, *, caller: Caller) -> PersonalData:
        """Record, then collect.

        Raises:
            SubjectUnknown: there is nobody of that id.
            TooManyAtOnce: another one is being put together right now.
            KeyUnavailable, SealBroken: something of theirs can't be opened.
            Unavailable: nothing was given.
        """
        if self._running.locked():
            raise TooManyAtOnce(1)
        async with self._running:
            at = self._clock.now()
            event = AuditEvent("export", caller.actor, subject_id, "asked", "requested", at, {})
            await self._audit.append(event)
            return await self._records.collect(subject_id)
