"""Voice: a second, weak modality. It can turn a yes of the face into a no, and nothing into a yes.

A recording can be replayed, and nothing here notices. So the face decides by itself, at its
full threshold; where the person has a voice enrolled and the caller sent a recording, the
voice must reach its own threshold as well. The score of both together is told, never used.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from facekey.core.calibration import CONFIDENCE_LEFT_AT_1E4, Calibration, confidence
from facekey.core.errors import ModelMismatch
from facekey.core.similarity import likeness
from facekey.core.types import (
    Decision,
    Embedding,
    ModelId,
    Outcome,
    Reason,
    References,
    SubjectId,
    VoiceFinding,
)

PURPOSE = "voice"
"""The purpose that a consent to this must name. One to recognition by face is none to this."""

MOST_EVIDENCE = 3.0
"""Decades of false match rate. The calibration rests on few speakers and ends before; a voice that is
more alike than that says no more."""

MIRROR_GAP = 0.01  # decades; what lies on the threshold itself must not stay there


@dataclass(frozen=True, slots=True)
class VoiceEvidence:
    """All that one recording says.

    Attributes:
        embedding: the voice, as the speaker encoder hears it.
        speech_s: how much of it is speech.
        snr_db: speech over what is heard between words.
        telephone: nothing lies above the band of a telephone, whatever the file's sampling rate.
    """

    embedding: Embedding
    speech_s: float
    snr_db: float
    telephone: bool


@dataclass(frozen=True, slots=True)
class VoiceTemplate:
    """An enrolled voice. Stored sealed, apart from the face, and never compared with one.

    Attributes:
        references: one unit vector for each recording.
        consent_until: when the last consent to this purpose ends; None when none was recorded.
    """

    subject_id: SubjectId
    references: References = field(repr=False)
    enrolled_at: datetime
    consent_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one recording of an enrolment; `fault` None: it is part of the voice."""

    fault: Reason | None
    evidence: VoiceEvidence | None


class VoiceMatcher:
    """Compares voices of one speaker encoder."""

    def __init__(self, model: ModelId, calibration: Calibration) -> None:
        """Take the network and what its cosines mean."""
        self._model = model
        self._calibration = calibration

    def evidence(self, probe: Embedding, references: References) -> float:
        """How alike they are, in decades of false match rate.

        Raises:
            ModelMismatch: another network made one of them: the voice must be enrolled again.
        """
        if references.model != self._model:
            raise ModelMismatch(self._model, (references.model,))
        return min(MOST_EVIDENCE, self._calibration.evidence(likeness(probe, references)))


def fuse_modalities(face: float, voice: float) -> float:
    """Evidence of face and voice together, in decades of false match rate.

    Fisher's method for two p-values ("Statistical Methods for Research Workers", 1925): the
    product of both, and the chance of so small a product. It takes face and voice of strangers
    for independent, which those of relatives are not.

    Raises:
        ValueError: one is not finite.
    """
    if not (math.isfinite(face) and math.isfinite(voice)):
        raise ValueError("evidence must be finite")
    decades = max(0.0, face) + max(0.0, voice)
    return decades - math.log10(1.0 + math.log(10.0) * decades)


@dataclass(frozen=True, slots=True)
class VoicePolicy:
    """When a voice is the claimed one, and when recordings make one.

    Attributes:
        match_threshold: in decades of false match rate.
        same_speaker_threshold: what each recording of an enrolment must reach against the others.
        min_recordings: fewest that an enrolment may bring, and fewest usable ones that make a voice.
        max_recordings: most that it may bring.

    Raises:
        ValueError: a threshold is not finite, or a voice could be made of one recording.
    """

    match_threshold: float
    same_speaker_threshold: float
    min_recordings: int = 3
    max_recordings: int = 10

    def __post_init__(self) -> None:
        """A NaN threshold would turn every comparison into a surprise."""
        if not (math.isfinite(self.match_threshold) and math.isfinite(self.same_speaker_threshold)):
            raise ValueError("thresholds must be finite")
        if not 2 <= self.min_recordings <= self.max_recordings:
            raise ValueError("an enrolment needs 2 <= min_recordings <= max_recordings")

    def with_voice(self, face: Decision, voice: float | None) -> Decision:
        """A decision about a face, and what the voice makes of it.

        A refusal by the face stays as it is and tells nothing of the voice: otherwise callers
        could try voices without a face.

        Args:
            face: as decided without a voice.
            voice: evidence against the enrolled voice; None when the person has none.

        Raises:
            ValueError: the evidence is not finite.
        """
        if face.outcome is not Outcome.ACCEPT or face.confidence is None:
            return replace(face, voice=self.unheard(Reason.VOICE_NOT_COMPARED))
        if voice is None:
            return replace(face, voice=self.unheard(Reason.VOICE_NOT_ENROLLED))
        finding = replace(
            self.judge(voice), fused=confidence(fuse_modalities(_evidence_of(face.confidence), voice))
        )
        if finding.reason is Reason.VOICE_MATCH:
            return replace(face, voice=finding)
        return replace(face, outcome=Outcome.REJECT, reason=Reason.VOICE_NO_MATCH, voice=finding)

    def judge(self, voice: float) -> VoiceFinding:
        """Whether a voice is the claimed one. Says nothing of who may be let in.

        Raises:
            ValueError: the evidence is not finite.
        """
        if not math.isfinite(voice):
            raise ValueError("evidence must be finite")
        reason = Reason.VOICE_MATCH if voice >= self.match_threshold else Reason.VOICE_NO_MATCH
        return VoiceFinding(reason, confidence(self.match_threshold), confidence(voice))

    def judge_unclaimed(self, voice: float) -> VoiceFinding:
        """The same for a decoy: never a match, nor a score that would have been one.

        As in `core.policy`: scores that pass are mirrored to below the threshold.
        """
        excess = voice - self.match_threshold
        return self.judge(voice if excess < 0.0 else self.match_threshold - excess - MIRROR_GAP)

    def unheard(self, reason: Reason) -> VoiceFinding:
        """What is said of a voice that was not compared."""
        return VoiceFinding(reason, confidence(self.match_threshold))


def judge_recordings(heard: Sequence[Heard], matcher: VoiceMatcher, policy: VoicePolicy) -> tuple[Heard, ...]:
    """Hold each usable recording against the mean of the others; those of another voice get a fault."""
    usable = [one.evidence.embedding for one in heard if one.evidence is not None and one.fault is None]
    if len(usable) < 2:
        return tuple(heard)
    judged = []
    for one in heard:
        fault = one.fault
        if fault is None and one.evidence is not None:
            probe = one.evidence.embedding
            others = references_of([other for other in usable if other is not probe])
            if matcher.evidence(probe, others) < policy.same_speaker_threshold:
                fault = Reason.VOICE_NO_MATCH
        judged.append(Heard(fault, one.evidence))
    return tuple(judged)


def references_of(embeddings: Sequence[Embedding]) -> References:
    """Embeddings of one network as what is stored and compared with."""
    return References(embeddings[0].model, np.stack([one.vector for one in embeddings]))


def _evidence_of(told: float) -> float:
    """The inverse of `calibration.confidence`."""
    left = max(1.0 - told, 1e-300)  # a confidence can round to 1
    return 4.0 * math.log(left) / math.log(CONFIDENCE_LEFT_AT_1E4)
