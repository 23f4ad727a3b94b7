import numpy as np
import pytest

from facekey.core.errors import RequestInvalid
from facekey.core.metrics import false_match_rate
from facekey.evaluation.rates import (
    BY_PERSON,
    Compared,
    accuracy,
    by_person,
    fnmr_at,
    histogram,
    share,
    trade_off,
)

DICE = np.random.default_rng(3)


def test_the_threshold_of_a_fold_comes_from_the_others() -> None:
    # In fold 2 the scores lie elsewhere: a threshold found on it would be right for both its pairs.
    scores = np.array([5.0, 1.0, 5.0, 1.0, 9.0, 7.0])
    mated = np.array([True, False, True, False, True, False])
    found = accuracy(scores, mated, np.array([0, 0, 1, 1, 2, 2]))
    assert found.by_fold == (1.0, 1.0, 0.5)
    assert (found.right.hits, found.right.total) == (5, 6)
    assert found.right.low < 5 / 6 < found.right.high


def test_what_was_never_compared_is_never_accepted() -> None:
    scores = np.array([5.0, 1.0, np.nan, np.nan, 5.0, 1.0])
    mated = np.array([True, False, True, False, True, False])
    found = accuracy(scores, mated, np.array([0, 0, 1, 1, 2, 2]))
    assert found.by_fold == (1.0, 0.5, 1.0)


@pytest.mark.parametrize("only", [True, False])
def test_one_kind_of_pair_is_refused(only: bool) -> None:
    with pytest.raises(RequestInvalid, match="both kinds are needed"):
        accuracy(np.arange(4.0), np.full(4, only), np.array([0, 0, 1, 1]))


def test_fnmr_at_rates_that_can_be_shown() -> None:
    impostor = np.arange(1000.0)
    mated = np.array([990.0, 998.5, 1001.0, -np.inf])
    found = fnmr_at(Compared(mated, impostor), (1e-2, 1e-3, 1e-4))
    assert [one.fmr for one in found] == [1e-2, 1e-3]
    assert [one.fnmr.hits for one in found] == [1, 2]
    assert all(false_match_rate(impostor, one.threshold) <= one.fmr for one in found)


def test_intervals_by_person_are_wider_than_by_pair() -> None:
    """Ten people of whom each is missed always or never: that is ten trials, not a thousand."""
    people, pairs = 10, 100
    mated = np.repeat(np.where(np.arange(people) < 3, 0.0, 10.0), pairs)
    whose = np.repeat(np.arange(people), pairs)
    strangers = np.array([(a, b) for a in range(people) for b in range(a + 1, people)] * 50)
    impostor = DICE.normal(5.0, 0.5, size=len(strangers)).astype(np.float32)
    pictures = np.full(people, 15)
    (found,) = fnmr_at(Compared(mated, impostor, whose, strangers, pictures), (1e-2,))
    assert found.fnmr.interval == BY_PERSON
    assert found.fnmr.value == pytest.approx(0.3)
    wilson = share(300, 1000)
    assert found.fnmr.low < wilson.low < 0.3 < wilson.high < found.fnmr.high


def test_a_bootstrap_gives_the_same_again() -> None:
    tallies = ([3, 0, 1, 0], [10, 10, 10, 10])
    assert by_person(*tallies) == by_person(*tallies)


def test_where_nobody_fails_each_person_counts_once() -> None:
    assert by_person([0] * 15, [40] * 15).high == pytest.approx(share(0, 15).high)


@pytest.mark.parametrize(
    "made", [lambda: share(0, 0), lambda: by_person([], []), lambda: by_person([0], [0])]
)
def test_a_share_of_nothing_is_no_share(made: object) -> None:
    assert callable(made)
    with pytest.raises(ValueError, match="nothing"):
        made()


def test_a_bootstrap_must_know_the_people() -> None:
    with pytest.raises(ValueError, match="whose"):
        fnmr_at(Compared(np.ones(3), np.arange(200.0), np.zeros(3, dtype=int)), (1e-2,))


def test_the_curve_falls() -> None:
    compared = Compared(DICE.normal(4, 1, 500), DICE.normal(0, 1, 5000))
    curve = trade_off(compared)
    assert curve.fmr[0] == pytest.approx(1 / 5000)
    assert curve.fmr[-1] == 1.0
    assert list(curve.fmr) == sorted(curve.fmr)
    assert list(curve.fnmr) == sorted(curve.fnmr, reverse=True)


def test_the_histogram_holds_everything_that_was_compared() -> None:
    made = histogram(Compared(np.array([1.0, 2.0, -np.inf]), np.array([0.0, 0.5])))
    assert sum(made.mated) == pytest.approx(1.0)
    assert sum(made.impostor) == pytest.approx(1.0)
    assert len(made.edges) == len(made.mated) + 1
