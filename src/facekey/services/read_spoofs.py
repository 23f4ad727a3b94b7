"""Read spoofs: an operator looks at suspected spoofs and at what was kept of them, on record."""

import json
from dataclasses import dataclass

from facekey.core.audit import AuditEvent, AuditValue, ChainedRecord
from facekey.core.caller import Caller
from facekey.core.errors import SpoofUnknown
from facekey.core.ports.alerts import SubjectNames
from facekey.core.ports.audit import AuditLog, AuditQuery, AuditView
from facekey.core.ports.clocks import Clock
from facekey.core.ports.spoofs import SpoofStore
from facekey.core.spoofs import SPOOF_REASONS, SpoofEvidence
from facekey.core.types import SubjectId
from facekey.services.read_audit import ReadAudit

ACTION = "read_spoof"


@dataclass(frozen=True, slots=True)
class Spoof:
    """A suspected spoof.

    Attributes:
        evidence: None when none was kept, or not any more.
        subject_id: who was claimed; None when nobody of that id is enrolled (any more).
    """

    record: ChainedRecord
    evidence: SpoofEvidence | None
    subject_id: SubjectId | None


class ReadSpoofs:
    """Lists suspected spoofs, and shows what was kept of one."""

    def __init__(
        self,
        *,
        read: ReadAudit,
        view: AuditView,
        store: SpoofStore,
        names: SubjectNames,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        """Take the log, the evidence, and who turns pseudonyms back."""
        self._read = read
        self._view = view
        self._store = store
        self._names = names
        self._audit = audit
        self._clock = clock

    async def page(
        self, *, before: int | None, limit: int, caller: Caller
    ) -> list[tuple[ChainedRecord, bool]]:
        """Records of suspected spoofs, the newest first, and whether there is evidence of each.

        Raises:
            Unavailable: the request could not be put on record.
        """
        query = AuditQuery(limit, before=before, reasons=SPOOF_REASONS)
        records = await self._read.find(query, caller=caller)
        kept = await self._store.kept([record.sequence for record in records])
        return [(record, record.sequence in kept) for record in records]

    async def show(self, sequence: int, *, caller: Caller) -> Spoof:
        """One of them, with what was kept; that it was looked at is on record before it is given.

        Raises:
            SpoofUnknown: there is no such record, or it is of something else.
            KeyUnavailable, SealBroken: the evidence can't be opened.
            Unavailable: the request could not be put on record.
        """
        query = AuditQuery(1, sequence=sequence, reasons=SPOOF_REASONS)
        records = await self._view.find(query)
        if not records:
            raise SpoofUnknown(sequence)
        evidence = await self._store.find(sequence)
        name = await self._named(records[0]) if evidence is None else evidence.subject_id
        details: dict[str, AuditValue] = {"sequence": sequence, "evidence": evidence is not None}
        at = self._clock.now()
        await self._audit.append(AuditEvent(ACTION, caller.actor, name, "shown", "requested", at, details))
        return Spoof(records[0], evidence, name)

    async def _named(self, record: ChainedRecord) -> SubjectId | None:
        pseudonym: str | None = json.loads(record.body)["subject"]
        return None if pseudonym is None else await self._names.name_of(pseudonym)
