import numpy as np
import pytest

from facekey.core.metrics import (
    area_under_roc,
    equal_error_rate,
    false_match_rate,
    false_non_match_rate,
    threshold_at_fmr,
)


@pytest.mark.parametrize("fmr", [0.1, 0.01, 0.001])
def test_threshold_keeps_its_promise_and_is_the_lowest(fmr: float) -> None:
    impostor = np.random.default_rng(1).standard_normal(10_000).astype(np.float32)
    threshold = threshold_at_fmr(impostor, fmr)
    assert false_match_rate(impostor, threshold) <= fmr
    lower = float(np.sort(impostor)[-int(fmr * 10_000) - 1])
    assert false_match_rate(impostor, lower) > fmr


def test_ties_at_the_threshold_do_not_pass() -> None:
    impostor = np.array([0.5] * 50 + [0.1] * 50)
    assert false_match_rate(impostor, threshold_at_fmr(impostor, 0.1)) <= 0.1


def test_a_rate_that_the_data_cannot_show_is_refused() -> None:
    with pytest.raises(ValueError, match="can't show"):
        threshold_at_fmr(np.zeros(99), 0.01)


def test_rates_at_a_threshold() -> None:
    assert false_non_match_rate(np.array([0.2, 0.5, 0.8]), 0.5) == pytest.approx(1 / 3)
    assert false_match_rate(np.array([0.2, 0.5, 0.8]), 0.5) == pytest.approx(2 / 3)


def test_equal_error_rate_and_area() -> None:
    mated, impostor = np.array([0.4, 0.6, 0.8, 0.9]), np.array([0.1, 0.2, 0.3, 0.5])
    rate, threshold = equal_error_rate(mated, impostor)
    assert rate == pytest.approx(0.25)
    assert 0.4 < threshold <= 0.6
    assert area_under_roc(mated, impostor) == pytest.approx(15 / 16)
    assert area_under_roc(np.ones(3), np.ones(3)) == 0.5
