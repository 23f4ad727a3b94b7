"""The rules of voice alone: it can turn a yes into a no, and nothing into a yes."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekey.core.calibration import confidence
from facekey.core.errors import ModelMismatch
from facekey.core.matching import Match
from facekey.core.policy import AuthenticatePolicy
from facekey.core.types import Embedding, ModelId, Outcome, Reason
from facekey.core.voice import (
    MOST_EVIDENCE,
    Heard,
    VoiceEvidence,
    VoiceMatcher,
    VoicePolicy,
    fuse_modalities,
    judge_recordings,
    references_of,
)
from tests.unit.core.made import CALIBRATION, MODEL, direction, evidence, near
from tests.unit.core.test_head import documented_head

VOICE = ModelId("voice:000000000000")
MATCHER = VoiceMatcher(VOICE, CALIBRATION)
POLICY = VoicePolicy(match_threshold=2.0, same_speaker_threshold=1.5)
FACE = AuthenticatePolicy(match_threshold=4.0, liveness_threshold=0.5, head=documented_head())

decades = st.floats(0.0, 12.0)


def heard(seed: int, number: int, *, fault: Reason | None = None) -> Heard:
    vector = near(direction(seed), 0.9, 100 * seed + number)
    return Heard(fault, VoiceEvidence(Embedding(vector, VOICE), 3.0, 30.0, telephone=False))


@given(face=st.floats(-2.0, 12.0), liveness=st.floats(0.0, 1.0), voice=st.none() | st.floats(-2.0, 300.0))
def test_no_voice_lets_anybody_in_whom_the_face_alone_does_not(
    face: float, liveness: float, voice: float | None
) -> None:
    alone = FACE.decide(Match(face, {MODEL: face}), evidence(direction(1), liveness=liveness))
    together = POLICY.with_voice(alone, voice)
    if alone.outcome is not Outcome.ACCEPT:
        assert (together.outcome, together.reason) == (alone.outcome, alone.reason)
        assert together.voice == POLICY.unheard(Reason.VOICE_NOT_COMPARED), "nothing is told of the voice"
    if together.outcome is Outcome.ACCEPT:
        assert alone.outcome is Outcome.ACCEPT
        assert voice is None or voice >= POLICY.match_threshold


@pytest.mark.parametrize(
    ("voice", "outcome", "reason", "found"),
    [
        (2.0, Outcome.ACCEPT, Reason.LIVE_MATCH, Reason.VOICE_MATCH),
        (1.99, Outcome.REJECT, Reason.VOICE_NO_MATCH, Reason.VOICE_NO_MATCH),
        (None, Outcome.ACCEPT, Reason.LIVE_MATCH, Reason.VOICE_NOT_ENROLLED),
    ],
)
def test_a_voice_that_is_enrolled_must_match_as_well(
    voice: float | None, outcome: Outcome, reason: Reason, found: Reason
) -> None:
    alone = FACE.decide(Match(6.0, {MODEL: 6.0}), evidence(direction(1)))
    together = POLICY.with_voice(alone, voice)
    assert (together.outcome, together.reason) == (outcome, reason)
    assert together.voice is not None
    assert together.voice.reason is found
    assert together.voice.threshold == confidence(2.0)
    assert (together.voice.fused is None) is (voice is None)
    if voice is not None:
        assert together.voice.fused == pytest.approx(confidence(fuse_modalities(6.0, voice)))


def test_a_decision_without_scores_is_not_compared() -> None:
    alone = FACE.decide(Match(6.0, {MODEL: 6.0}), evidence(direction(1)))
    assert POLICY.with_voice(replace(alone, confidence=None), 9.0).voice == POLICY.unheard(
        Reason.VOICE_NOT_COMPARED
    )
    certain = POLICY.with_voice(replace(alone, confidence=1.0), 3.0)
    assert certain.voice is not None
    assert certain.voice.fused == 1.0


@given(face=decades, voice=decades)
def test_evidence_of_both_is_fishers(face: float, voice: float) -> None:
    both = fuse_modalities(face, voice)
    product = 10 ** -(face + voice)
    assert 10**-both == pytest.approx(product * (1 - math.log(product)), rel=1e-6)
    assert both <= face + voice
    assert fuse_modalities(face, voice + 0.5) > both
    assert fuse_modalities(voice, face) == pytest.approx(both)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_decides_nothing(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        fuse_modalities(value, 1.0)
    with pytest.raises(ValueError, match="finite"):
        POLICY.judge(value)
    for thresholds in ((value, 1.0), (1.0, value)):
        with pytest.raises(ValueError, match="finite"):
            VoicePolicy(*thresholds)


@pytest.mark.parametrize(("fewest", "most"), [(1, 10), (3, 2), (0, 0)])
def test_a_voice_is_made_of_several_recordings(fewest: int, most: int) -> None:
    with pytest.raises(ValueError, match="min_recordings"):
        VoicePolicy(2.0, 1.5, min_recordings=fewest, max_recordings=most)


@given(voice=st.floats(-3.0, 12.0))
def test_a_stand_in_is_never_matched(voice: float) -> None:
    found = POLICY.judge_unclaimed(voice)
    assert found.reason is Reason.VOICE_NO_MATCH
    assert found.confidence is not None
    assert found.confidence < found.threshold


def test_voices_are_compared_by_one_network_only() -> None:
    one = references_of([Embedding(direction(1), VOICE)])
    assert MATCHER.evidence(Embedding(near(direction(1), 0.5, 2), VOICE), one) == pytest.approx(3.0, abs=1e-4)
    assert MATCHER.evidence(Embedding(direction(1), VOICE), one) == MOST_EVIDENCE
    face = references_of([Embedding(direction(1), MODEL)])
    for probe, references in ((VOICE, face), (MODEL, one), (MODEL, face)):
        with pytest.raises(ModelMismatch):
            MATCHER.evidence(Embedding(direction(1), probe), references)


def test_a_recording_of_somebody_else_is_left_out() -> None:
    own = [heard(1, number) for number in range(3)]
    judged = judge_recordings([*own, heard(2, 0)], MATCHER, POLICY)
    assert [one.fault for one in judged] == [None, None, None, Reason.VOICE_NO_MATCH]


def test_what_has_a_fault_already_is_not_compared() -> None:
    silent = Heard(Reason.VOICE_SILENT, None)
    telephone = heard(2, 0, fault=Reason.VOICE_TELEPHONE)
    own = [heard(1, number) for number in range(3)]
    judged = judge_recordings([silent, *own, telephone], MATCHER, POLICY)
    assert [one.fault for one in judged] == [
        Reason.VOICE_SILENT,
        None,
        None,
        None,
        Reason.VOICE_TELEPHONE,
    ]
    assert judge_recordings([silent, own[0]], MATCHER, POLICY) == (silent, own[0])


def test_nothing_of_a_voice_is_printed() -> None:
    told = repr(heard(1, 1)) + repr(references_of([Embedding(direction(1), VOICE)]))
    assert not any(f"{value:.4f}"[:6] in told for value in np.abs(direction(1))[:8])
