import math

import pytest

from facekey.core.matching import Match
from facekey.core.policy import (
    AllOf,
    Attempt,
    AuthenticatePolicy,
    IdentifyPolicy,
    Live,
    Matches,
    RegisterPolicy,
)
from facekey.core.types import Outcome, Reason
from tests.unit.core.made import MODEL, direction, evidence
from tests.unit.core.test_head import documented_head

POLICY = AuthenticatePolicy(match_threshold=4.0, liveness_threshold=0.5, head=documented_head())


def match(value: float) -> Match:
    return Match(value, {MODEL: value})


@pytest.mark.parametrize(
    ("match_evidence", "liveness", "reasons", "outcome", "reason"),
    [
        (4.0, 0.5, (), Outcome.ACCEPT, Reason.LIVE_MATCH),
        (3.999, 0.9, (), Outcome.REJECT, Reason.NO_MATCH),
        (9.0, 0.499, (), Outcome.REJECT, Reason.SPOOF_SUSPECTED),
        (0.0, 0.0, (), Outcome.REJECT, Reason.SPOOF_SUSPECTED),
        (9.0, 0.9, (Reason.BLURRED,), Outcome.RETRY, Reason.BLURRED),
        (9.0, 0.0, (Reason.TOO_DARK, Reason.BLURRED), Outcome.RETRY, Reason.TOO_DARK),
    ],
)
def test_first_objection_decides(
    match_evidence: float, liveness: float, reasons: tuple[Reason, ...], outcome: Outcome, reason: Reason
) -> None:
    decision = POLICY.decide(
        match(match_evidence), evidence(direction(1), liveness=liveness, reasons=reasons)
    )
    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert decision.threshold == pytest.approx(0.65)


def test_what_is_unknown_does_not_pass() -> None:
    attempt = Attempt(math.nan, math.nan, evidence(direction(1)).quality)
    assert Matches(4.0).objection(attempt) is Reason.NO_MATCH
    assert Live(0.5).objection(attempt) is Reason.SPOOF_SUSPECTED


def test_a_suspected_spoof_learns_nothing_about_the_match() -> None:
    decision = POLICY.decide(match(9.0), evidence(direction(1), liveness=0.1))
    assert decision.confidence is None
    assert decision.probability is None
    assert not decision.similarities


def test_a_decision_has_no_truth_value() -> None:
    decision = POLICY.decide(match(9.0), evidence(direction(1)))
    with pytest.raises(TypeError, match="outcome"):
        bool(decision)


def test_a_claim_without_a_person_is_never_accepted() -> None:
    for value in (3.0, 4.0, 4.5, 9.0, 40.0):
        refused = POLICY.decide_unclaimed(match(value), evidence(direction(1)))
        assert (refused.outcome, refused.reason) == (Outcome.REJECT, Reason.NO_MATCH)
        assert refused.confidence is not None
        assert refused.confidence < refused.threshold, "a no beside a passing score would tell"
        assert set(refused.similarities) == {"made", "fusion"}
        assert max(refused.similarities.values()) < refused.threshold
    assert POLICY.decide_unclaimed(match(3.0), evidence(direction(1))) == POLICY.decide(
        match(3.0), evidence(direction(1))
    )


def test_a_picture_without_a_judgeable_face_is_to_be_taken_again() -> None:
    decision = POLICY.unjudged(Reason.NO_FACE, None)
    assert (decision.outcome, decision.reason, decision.confidence) == (Outcome.RETRY, Reason.NO_FACE, None)


def test_no_checks_is_not_a_pass() -> None:
    with pytest.raises(ValueError, match="accept everybody"):
        AllOf(())


@pytest.mark.parametrize(
    ("threshold", "liveness"), [(math.nan, 0.5), (4.0, 0.0), (4.0, 1.0), (4.0, math.nan)]
)
def test_thresholds_that_let_everybody_in_are_refused(threshold: float, liveness: float) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        AuthenticatePolicy(match_threshold=threshold, liveness_threshold=liveness, head=documented_head())


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["same_person_threshold", "two_people_threshold", "duplicate_similarity"])
def test_registration_lines_that_catch_nobody_are_refused(name: str, value: float) -> None:
    lines = {"same_person_threshold": 3.0, "two_people_threshold": 2.0, "duplicate_similarity": 0.99}
    with pytest.raises(ValueError, match="thresholds"):
        RegisterPolicy(liveness_threshold=0.5, **{**lines, name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(("least", "images"), [(0, 5), (6, 5), (3, 11)])
def test_registrations_of_no_photo_are_refused(least: int, images: int) -> None:
    with pytest.raises(ValueError, match="min_valid"):
        RegisterPolicy(3.0, 2.0, 0.5, min_valid=least, min_images=images)


@pytest.mark.parametrize(
    ("match_threshold", "rate", "liveness"),
    [(math.nan, 0.01, 0.5), (4.0, 0.0, 0.5), (4.0, math.nan, 0.5), (4.0, 1.0, 0.5), (4.0, 0.01, 0.0)],
)
def test_searches_that_name_everybody_are_refused(
    match_threshold: float, rate: float, liveness: float
) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        IdentifyPolicy(match_threshold, rate, liveness)


def test_identification_grows_stricter_with_the_gallery() -> None:
    policy = IdentifyPolicy(match_threshold=4.0, false_positive_rate=0.01, liveness_threshold=0.5)
    assert policy.threshold(0) == 4.0
    assert policy.threshold(10) == 4.0
    assert policy.threshold(10_000) == pytest.approx(6.0)


def test_identify_and_register_ask_for_a_live_good_capture() -> None:
    for policy in (
        IdentifyPolicy(match_threshold=4.0, false_positive_rate=0.01, liveness_threshold=0.5),
        RegisterPolicy(same_person_threshold=3.0, two_people_threshold=2.0, liveness_threshold=0.5),
    ):
        assert policy.objection(evidence(direction(1))) is None
        assert policy.objection(evidence(direction(1), liveness=0.1)) is Reason.SPOOF_SUSPECTED
        assert policy.objection(evidence(direction(1), reasons=(Reason.BLURRED,))) is Reason.BLURRED
