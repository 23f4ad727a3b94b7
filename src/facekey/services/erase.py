"""Erase: everything of one person goes, and a signed receipt says so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from facekey.core.audit import AuditEvent, Head
from facekey.core.audit_statements import ErasureStatement, Signature
from facekey.core.caller import Caller
from facekey.core.ports.audit import Receipt, Signer
from facekey.core.ports.clocks import Clock
from facekey.core.ports.subjects import Templates
from facekey.core.types import SubjectId

REQUESTED = "requested"


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """Proof of an erasure, to hand to the person.

    Attributes:
        receipt: where the audit log has it. The log knows the person by a pseudonym only.
        said: what is signed; names the person by that pseudonym.
    """

    subject_id: SubjectId
    erased_at: datetime
    receipt: Receipt
    said: ErasureStatement
    signature: Signature


class Erase:
    """Destroys a person's key, templates and place in the gallery, and all that hangs on them."""

    def __init__(
        self,
        *,
        templates: Templates,
        signer: Signer,
        pseudonym_of: Callable[[SubjectId], str],
        clock: Clock,
    ) -> None:
        """Take the store whose rows are to go, and who signs that they went."""
        self._templates = templates
        self._signer = signer
        self._pseudonym_of = pseudonym_of
        self._clock = clock

    async def __call__(
        self, subject_id: SubjectId, *, caller: Caller, reason: str = REQUESTED
    ) -> ErasureReceipt:
        """Erase and record in one transaction; galleries drop the person before their next search.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was erased.
        """
        at = self._clock.now()
        event = AuditEvent("erase", caller.actor, subject_id, "erased", reason, at, {})
        receipt = await self._templates.erase(subject_id, event)
        said = ErasureStatement(self._pseudonym_of(subject_id), at, Head(receipt.sequence, receipt.digest))
        return ErasureReceipt(subject_id, at, receipt, said, self._signer.sign(said.statement))
