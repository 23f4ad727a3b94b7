import numpy as np
import pytest

from training.evaluate.attack_rates import (
    Platt,
    Scored,
    balanced_threshold,
    calibrate,
    judge,
    table,
    threshold_for_bpcer,
)
from training.evaluate.interval import clopper_pearson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0), (3, 50, 0.0125, 0.1655), (500, 1000, 0.4685, 0.5315)],
)
def test_intervals_agree_with_the_published_tables(hits: int, count: int, low: float, high: float) -> None:
    assert clopper_pearson(hits, count) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(("hits", "count"), [(1, 0), (2, 1), (-1, 3)])
def test_no_rate_without_trials(hits: int, count: int) -> None:
    with pytest.raises(ValueError, match="rate"):
        clopper_pearson(hits, count)


def scored(live: list[float], spoof: list[float], name: str = "s") -> Scored:
    return Scored(name, np.array([*live, *spoof], np.float32), np.arange(len(live + spoof)) < len(live))


def test_errors_are_counted_at_the_threshold() -> None:
    result = judge(scored([1.0, 2.0, -1.0, 3.0], [-2.0, 0.0, -3.0]), 0.0)
    assert result.apcer is not None
    assert result.bpcer is not None
    assert result.apcer.value == pytest.approx(1 / 3)  # at the threshold it passes
    assert result.bpcer.value == pytest.approx(1 / 4)
    assert result.auc == pytest.approx(11 / 12)
    assert "33.3 %" in table([result])


def test_a_set_of_live_people_has_no_apcer() -> None:
    result = judge(scored([1.0, 2.0], []), 0.0)
    assert result.apcer is None
    assert result.auc is None
    assert result.bpcer is not None


def test_every_set_counts_the_same_for_the_threshold() -> None:
    small, large = scored([4.0], [2.0]), scored([1.0] * 50, [0.0] * 50)
    threshold = balanced_threshold([small, large])
    results = [judge(one, threshold) for one in (small, large)]
    apcer = sum(one.apcer.value for one in results if one.apcer)
    bpcer = sum(one.bpcer.value for one in results if one.bpcer)
    assert apcer == bpcer == 1.0
    with pytest.raises(ValueError, match="attacks"):
        balanced_threshold([scored([1.0], [])])


def test_the_bpcer_bound_is_kept() -> None:
    logits = np.arange(100, dtype=np.float32)
    threshold = threshold_for_bpcer(logits, 0.05)
    assert (logits < threshold).mean() == 0.05


def test_calibration_is_monotone_and_finite_even_when_all_is_clear() -> None:
    fitted = calibrate([scored([3.0, 4.0], [-3.0, -4.0])])
    assert fitted.a > 0
    low, high = fitted.probability(np.array([-4.0, 4.0], np.float32))
    assert low < 0.1
    assert high > 0.9
    assert Platt(1.0, 0.0).probability(np.zeros(1, np.float32))[0] == pytest.approx(0.5)
