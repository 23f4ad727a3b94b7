import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekey.core.calibration import Birth
from facekey.core.liveness import CLIP, LivenessFusion, PartWeight

BORN = Birth("made up", "none", 1, date(2026, 1, 1), "none")
WEIGHTS = {
    "frames": PartWeight(above=1.0, below=1.2, absent=-0.5),
    "temporal": PartWeight(above=0.2, below=0.8, absent=-0.1),
    "parallax": PartWeight(above=0.3, below=0.0, absent=0.0),
}
FUSION = LivenessFusion(WEIGHTS, bias=-0.2, threshold=0.5, born=BORN)

LINED = LivenessFusion(
    {**WEIGHTS, "frames": PartWeight(1.0, 1.2, -0.5, least=0.5)}, bias=3.0, threshold=0.5, born=BORN
)
"""Leans far to the side of live, but not where frames are more likely an attack than not."""

probability = st.floats(0.0, 1.0)
part = st.none() | probability


def logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def test_log_odds_are_added_with_the_weights_of_their_side() -> None:
    two, three = logistic(2.0), logistic(-3.0)
    score = FUSION.score({"frames": two, "temporal": three, "parallax": None})
    assert score == pytest.approx(logistic(-0.2 + 2.0 * 1.0 - 3.0 * 0.8 + 0.0))


def test_certainty_is_believed_only_so_far() -> None:
    sure = FUSION.score({"frames": 1.0})
    assert sure == pytest.approx(logistic(-0.2 + CLIP - 0.1))
    assert FUSION.score({"frames": 0.0}) == pytest.approx(logistic(-0.2 - 1.2 * CLIP - 0.1))


@given(frames=probability, temporal=part, parallax=part)
def test_an_absent_part_never_raises_the_score(
    frames: float, temporal: float | None, parallax: float | None
) -> None:
    alone = FUSION.score({"frames": frames})
    assert FUSION.score({"frames": frames, "temporal": None, "parallax": None}) == alone
    said = FUSION.score({"frames": frames, "temporal": temporal, "parallax": parallax})
    silent = FUSION.score({"frames": frames, "temporal": None, "parallax": parallax})
    if temporal is None or temporal >= 0.5:
        assert silent <= said
    # What is left out counts as what is undecided, or less.
    assert silent <= FUSION.score({"frames": frames, "temporal": 0.5, "parallax": parallax})


@given(low=probability, high=probability, other=part)
def test_the_score_never_falls_when_a_part_rises(low: float, high: float, other: float | None) -> None:
    low, high = sorted((low, high))
    for name in WEIGHTS:
        others = {another: other for another in WEIGHTS if another != name}
        assert FUSION.score({**others, name: low}) <= FUSION.score({**others, name: high})


def test_no_part_raises() -> None:
    for nothing in ({}, {"frames": None}, {"frames": None, "temporal": None}):
        with pytest.raises(ValueError, match="at least one part"):
            FUSION.score(nothing)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -0.1, 1.1])
def test_what_is_no_probability_raises(bad: float) -> None:
    with pytest.raises(ValueError, match="probability"):
        FUSION.score({"frames": 0.9, "temporal": bad})


def test_an_unknown_part_raises() -> None:
    with pytest.raises(ValueError, match="hunch"):
        FUSION.score({"frames": 0.9, "hunch": 0.9})


@pytest.mark.parametrize(
    ("above", "below", "absent"),
    [(-0.1, 0.0, 0.0), (0.0, -0.1, 0.0), (0.0, 0.0, 0.1), (math.nan, 0.0, 0.0), (0.0, 0.0, -math.inf)],
)
def test_weights_that_reward_silence_or_punish_life_are_refused(
    above: float, below: float, absent: float
) -> None:
    with pytest.raises(ValueError, match="weights"):
        PartWeight(above, below, absent)


@pytest.mark.parametrize(("bias", "threshold"), [(math.nan, 0.5), (0.0, 0.0), (0.0, 1.0), (0.0, math.nan)])
def test_a_fusion_without_a_line_is_refused(bias: float, threshold: float) -> None:
    with pytest.raises(ValueError, match=r"bias|threshold"):
        LivenessFusion(WEIGHTS, bias, threshold, BORN)


def test_a_fusion_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one part"):
        LivenessFusion({}, 0.0, 0.5, BORN)


@given(frames=st.none() | st.floats(0.0, 0.499), temporal=part, parallax=probability)
def test_a_part_below_its_own_line_is_not_outvoted(
    frames: float | None, temporal: float | None, parallax: float
) -> None:
    said = {"frames": frames, "temporal": temporal, "parallax": parallax}
    assert LINED.score(said) < LINED.threshold
    assert LINED.score({**said, "frames": 0.5}) >= LINED.score(said)


@given(low=probability, high=probability, other=probability)
def test_with_a_line_too_the_score_never_falls_when_a_part_rises(
    low: float, high: float, other: float
) -> None:
    low, high = sorted((low, high))
    for name in WEIGHTS:
        others = {another: other for another in WEIGHTS if another != name}
        assert LINED.score({**others, name: low}) <= LINED.score({**others, name: high})


@pytest.mark.parametrize("least", [-0.1, 1.0, math.nan])
def test_a_line_is_a_probability(least: float) -> None:
    with pytest.raises(ValueError, match="line"):
        PartWeight(1.0, 1.0, 0.0, least=least)
