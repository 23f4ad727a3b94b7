import math

import pytest

from facekey.core.matching import Match
from facekey.core.policy import AllOf, Attempt, AuthenticatePolicy, IdentifyPolicy, Matches, RegisterPolicy
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
        (9.0, math.nan, (), Outcome.REJECT, Reason.SPOOF_SUSPECTED),
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


def test_an_unknown_match_is_no_match() -> None:
    attempt = Attempt(math.nan, 0.9, evidence(direction(1)).quality)
    assert Matches(4.0).objection(attempt) is Reason.NO_MATCH


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
    accepted = POLICY.decide(match(9.0), evidence(direction(1)))
    refused = POLICY.never_accept(accepted)
    assert (refused.outcome, refused.reason) == (Outcome.REJECT, Reason.NO_MATCH)
    assert POLICY.never_accept(refused) is refused


def test_no_checks_is_not_a_pass() -> None:
    with pytest.raises(ValueError, match="accept everybody"):
        AllOf(())


@pytest.mark.parametrize(
    ("threshold", "liveness"), [(math.nan, 0.5), (4.0, 0.0), (4.0, 1.0), (4.0, math.nan)]
)
def test_thresholds_that_let_everybody_in_are_refused(threshold: float, liveness: float) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        AuthenticatePolicy(match_threshold=threshold, liveness_threshold=liveness, head=documented_head())


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
