"""The voice step: what a recording says of a claimed person, for those who decide with it."""

from dataclasses import dataclass, field

from facekey.core.consent import ConsentRule, has_lapsed
from facekey.core.ports.clocks import Clock
from facekey.core.ports.subjects import Decoy
from facekey.core.ports.voice import VoiceAnalyzer, Voices
from facekey.core.types import SubjectId
from facekey.core.voice import VoiceEvidence, VoiceMatcher, VoicePolicy


@dataclass(frozen=True, slots=True)
class Weighed:
    """A recording held against a claimed person's voice, or against a stand-in's.

    Attributes:
        evidence: in decades of false match rate.
        enrolled: the person has a voice that may be compared.
    """

    evidence: float = field(repr=False)
    enrolled: bool


class VoiceStep:
    """Listens, and compares. Decides nothing."""

    def __init__(
        self,
        *,
        analyzer: VoiceAnalyzer,
        voices: Voices,
        decoy: Decoy,
        matcher: VoiceMatcher,
        policy: VoicePolicy,
        clock: Clock,
        consent: ConsentRule = ConsentRule.OPTIONAL,
    ) -> None:
        """Take who listens, where voices are kept, and the stand-in for those who have none."""
        self._analyzer = analyzer
        self._voices = voices
        self._decoy = decoy
        self._matcher = matcher
        self._clock = clock
        self._consent = consent
        self.policy = policy

    async def listen(self, recording: bytes) -> VoiceEvidence:
        """Say all that one recording says; raises what `VoiceAnalyzer.listen` raises."""
        return await self._analyzer.listen(recording)

    async def weigh(self, subject_id: SubjectId, heard: VoiceEvidence) -> Weighed:
        """Compare. Who has no voice, or whose consent to it is over, is stood in for.

        Raises:
            KeyUnavailable, SealBroken, StoreUnavailable: the voice can't be had.
            ModelMismatch: another speaker encoder made it.
        """
        voice = await self._voices.get(subject_id)
        # Made for every id, since making it takes time.
        decoy = self._decoy.template(subject_id).references[0]
        if voice is None or has_lapsed(voice.consent_until, self._consent, self._clock.now()):
            return Weighed(self._matcher.evidence(heard.embedding, decoy), enrolled=False)
        return Weighed(self._matcher.evidence(heard.embedding, voice.references), enrolled=True)
