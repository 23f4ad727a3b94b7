"""Erase: everything of one person goes, and a receipt says so."""

from dataclasses import dataclass
from datetime import datetime

from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.ports import Clock, Receipt, Templates
from facekey.core.types import SubjectId


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """Proof of an erasure, to hand to the person.

    Attributes:
        receipt: where the audit log has it. The log knows the person by a pseudonym only.
    """

    subject_id: SubjectId
    erased_at: datetime
    receipt: Receipt


class Erase:
    """Destroys a person's key, templates and place in the gallery."""

    def __init__(self, *, templates: Templates, clock: Clock) -> None:
        """Take the store whose rows are to go."""
        self._templates = templates
        self._clock = clock

    async def __call__(self, subject_id: SubjectId, *, caller: Caller) -> ErasureReceipt:
        """Erase and record in one transaction; galleries drop the person before their next search.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was erased.
        """
        at = self._clock.now()
        event = AuditEvent("erase", caller.actor, subject_id, "erased", "requested", at, {})
        return ErasureReceipt(subject_id, at, await self._templates.erase(subject_id, event))
