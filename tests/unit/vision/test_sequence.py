import math
from collections.abc import Sequence
from datetime import date

import pytest

from facekey.core.calibration import Birth
from facekey.core.liveness import LivenessFusion, PartWeight
from facekey.core.types import Glimpse, ModelId
from facekey.vision.sequence import FRAMES, SequenceJudge, mean_odds
from tests.unit.vision.moving import glimpse

BORN = Birth("made up", "none", 1, date(2026, 1, 1), "none")
WEIGHTS = {FRAMES: PartWeight(1.0, 1.0, -1.0), "temporal": PartWeight(0.5, 1.0, -0.2)}
FUSION = LivenessFusion(WEIGHTS, bias=0.0, threshold=0.6, born=BORN)


class Says:
    """A network that says one thing of any sequence."""

    def __init__(self, score: float | None) -> None:
        self.model_id = ModelId("says:1")
        self._score = score
        self.seen: list[int] = []

    def score(self, glimpses: Sequence[Glimpse]) -> float | None:
        """The one thing."""
        self.seen.append(len(glimpses))
        return self._score


def frames(*scores: float) -> list[Glimpse]:
    return [glimpse(number / 10, live=score) for number, score in enumerate(scores)]


def test_parts_are_combined_and_kept() -> None:
    network = Says(0.8)
    judge = SequenceJudge({"temporal": network}, FUSION)
    found = judge.judge(frames(0.9, 0.9, 0.9))
    assert found.score == pytest.approx(FUSION.score({FRAMES: 0.9, "temporal": 0.8}))
    assert found.parts == {FRAMES: pytest.approx(0.9), "says:1": 0.8}
    assert network.seen == [3]
    assert judge.threshold == 0.6


def test_a_network_that_says_nothing_is_no_part() -> None:
    found = SequenceJudge({"temporal": Says(None)}, FUSION).judge(frames(0.9))
    assert found.score == pytest.approx(FUSION.score({FRAMES: 0.9}))
    assert set(found.parts) == {FRAMES}


def test_frames_are_averaged_in_log_odds_and_none_outvotes_all() -> None:
    assert mean_odds(frames(0.2, 0.8)) == pytest.approx(0.5)
    assert mean_odds(frames(*[0.05] * 9, 1.0)) < 0.2
    assert mean_odds(frames(1.0)) == pytest.approx(0.999)


def test_no_frame_raises() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        SequenceJudge({}, FUSION).judge([])


def test_a_part_that_is_no_probability_raises() -> None:
    with pytest.raises(ValueError, match="probability"):
        SequenceJudge({"temporal": Says(math.nan)}, FUSION).judge(frames(0.9))


def test_a_network_without_a_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="hunch"):
        SequenceJudge({"hunch": Says(0.5)}, FUSION)
