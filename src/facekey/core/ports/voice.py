"""The plugs of voice: who listens, and where voices are kept."""

from typing import Protocol

from facekey.core.audit import AuditEvent
from facekey.core.consent import ConsentGiven, ConsentRule
from facekey.core.ports.audit import Receipt
from facekey.core.types import SubjectId
from facekey.core.voice import VoiceEvidence, VoiceTemplate


class VoiceAnalyzer(Protocol):
    """The whole of listening, as services see it."""

    async def listen(self, recording: bytes) -> VoiceEvidence:
        """Say all that one recording says.

        Raises:
            AudioRefused: the bytes can't be read safely.
            SampleRejected: there is no voice in it that can be judged.
            Overloaded: too much is waiting already.
        """
        ...


class Voices(Protocol):
    """Enrolled voices. Each change is one transaction with its audit record: both or neither."""

    async def get(self, subject_id: SubjectId) -> VoiceTemplate | None:
        """The person's voice, or None, in about the same time.

        Raises:
            KeyUnavailable: it is there but can't be opened with the keys at hand.
            SealBroken: it was changed since it was sealed.
            StoreUnavailable: the database did not answer.
        """
        ...

    async def put(
        self, voice: VoiceTemplate, event: AuditEvent, *, consent: ConsentGiven | None, rule: ConsentRule
    ) -> Receipt:
        """Keep a voice in the place of the one before, and the consent that came with it.

        Raises:
            SubjectUnknown: there is nobody of that id.
            ConsentMissing: no consent to this purpose holds, where the rule or an earlier one asks for it.
            StoreUnavailable: nothing was changed.
        """
        ...

    async def forget(self, subject_id: SubjectId, event: AuditEvent) -> bool:
        """Remove a person's voice; False when there was none.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        ...
