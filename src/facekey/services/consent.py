"""Consent: given, withdrawn and shown. Every change is on record."""

from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.caller import Caller
from facekey.core.consent import Consent, ConsentGiven
from facekey.core.ports.clocks import Clock
from facekey.core.ports.privacy import Consents
from facekey.core.ports.shared import Change, Changes
from facekey.core.types import SubjectId


class KeepConsent:
    """Keeps what people agree to."""

    def __init__(self, *, consents: Consents, changes: Changes, clock: Clock) -> None:
        """Take where consents are kept, and whom to wake when one changes."""
        self._consents = consents
        self._changes = changes
        self._clock = clock

    async def of(self, subject_id: SubjectId) -> list[Consent]:
        """All of a person's consents, the oldest first, those that are over included.

        Raises:
            SubjectUnknown: there is nobody of that id.
        """
        return await self._consents.of(subject_id)

    async def give(self, subject_id: SubjectId, given: ConsentGiven, *, caller: Caller) -> Consent:
        """Put a consent beside those that are there; from now on the person is compared again.

        Raises:
            RequestInvalid: it says nothing, or is over already.
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        at = self._clock.now()
        given.require_sound(at)
        details: dict[str, AuditValue] = {
            "purpose": given.purpose,
            "text_version": given.text_version,
            "expires_at": None if given.expires_at is None else given.expires_at.isoformat(),
        }
        event = AuditEvent("give_consent", caller.actor, subject_id, "given", "requested", at, details)
        kept = await self._consents.give(subject_id, given, event)
        self._changes.announce(Change.GALLERY)
        return kept

    async def withdraw(self, subject_id: SubjectId, purpose: str | None, *, caller: Caller) -> int:
        """End the consents that hold, all or those for a purpose; give how many there were.

        Whoever has none left isn't compared any more, from now on, and is erased after the
        time of grace.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        details: dict[str, AuditValue] = {"purpose": purpose}
        at = self._clock.now()
        event = AuditEvent(
            "withdraw_consent", caller.actor, subject_id, "withdrawn", "requested", at, details
        )
        ended = await self._consents.withdraw(subject_id, purpose, event)
        self._changes.announce(Change.GALLERY)
        return ended
