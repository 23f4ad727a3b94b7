import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekey.core.calibration import Calibration, confidence, evidence_of_fmr
from tests.unit.core.made import BORN, CALIBRATION


def test_knots_are_met_and_the_rest_is_linear() -> None:
    assert CALIBRATION.evidence(0.6) == pytest.approx(4.0, abs=1e-5)
    assert CALIBRATION.evidence(0.4) == pytest.approx(2.5, abs=1e-5)
    assert CALIBRATION.evidence(0.9) == pytest.approx(7.0, abs=1e-5)
    assert CALIBRATION.evidence(-1.0) == 0.0


@given(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32))
def test_evidence_and_confidence_rise_with_the_cosine(left: float, right: float) -> None:
    low, high = sorted((left, right))
    assert CALIBRATION.evidence(low) <= CALIBRATION.evidence(high)
    assert 0.0 <= confidence(CALIBRATION.evidence(low)) <= confidence(CALIBRATION.evidence(high)) < 1.0


@given(st.floats(0.0, 9.0))
def test_cosine_at_is_the_inverse(evidence: float) -> None:
    cosine = CALIBRATION.cosine_at(evidence)
    assert CALIBRATION.evidence(cosine) == pytest.approx(evidence, abs=1e-4)


def test_documented_points_of_the_confidence_scale() -> None:
    assert confidence(evidence_of_fmr(1e-4)) == pytest.approx(0.65)
    assert confidence(evidence_of_fmr(1e-3)) == pytest.approx(0.545, abs=5e-4)
    assert confidence(evidence_of_fmr(1e-5)) == pytest.approx(0.731, abs=5e-4)


@pytest.mark.parametrize("unknown", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_never_a_score(unknown: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        CALIBRATION.evidences(np.array([0.1, unknown], dtype=np.float32))


@pytest.mark.parametrize(
    "knots",
    [
        (),
        ((0.5, 3.0),),
        ((0.5, 3.0), (0.4, 4.0)),
        ((0.4, 4.0), (0.5, 3.0)),
        ((0.4, 3.0), (0.5, 3.0)),
        ((-1.0, 1.0), (0.5, 3.0)),
        ((0.4, 3.0), (0.5, math.inf)),
        ((0.4, 3.0), (math.nan, 4.0)),
    ],
)
def test_a_map_that_does_not_rise_is_refused(knots: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match="rising"):
        Calibration(knots, BORN)


@pytest.mark.parametrize("fmr", [0.0, 1.0, -0.1, 2.0])
def test_a_rate_lies_between_0_and_1(fmr: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        evidence_of_fmr(fmr)
