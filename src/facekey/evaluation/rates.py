"""Rates: shares with their intervals, accuracy over folds, thresholds, curves.

Two kinds of interval, and every figure says which it has:

`wilson`     each trial counts for itself (Wilson, 1927). For lists of pairs that somebody
             published as a protocol, and for shares of pictures.
`by person`  people are drawn anew (bootstrap), with all their pictures, 500 times; threshold
             and misses are worked out for each draw (the subsets bootstrap of Bolle et al.,
             "Error analysis of pattern recognition systems", CVIU 93(1), 2004). For all pairs
             of a set of pictures, where one odd picture spoils hundreds of pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekey.core.bias import wilson
from facekey.core.metrics import threshold_at_fmr
from facekey.evaluation.wrong import unusable

Numbers = NDArray[np.floating]
Marks = NDArray[np.bool_]
Indices = NDArray[np.integer]

WILSON, BY_PERSON = "wilson", "by person"
DRAWS = 500
SEED = 20_240_601
TAIL = 1.6  # drawn people can have more look-alikes than all: so much more of the top is kept
CURVE_POINTS = 160
LEAST_FMR = 1e-7


@dataclass(frozen=True, slots=True)
class Share:
    """A share and how sure it is.

    Attributes:
        low: of the 95 % interval.
        high: of the 95 % interval.
        interval: `wilson` or `by person`.
    """

    value: float
    low: float
    high: float
    hits: int
    total: int
    interval: str = WILSON


def share(hits: int, total: int) -> Share:
    """A share of independent trials.

    Raises:
        ValueError: there was none.
    """
    if total < 1:
        raise ValueError("a share of nothing")
    low, high = wilson(hits / total, total)
    return Share(float(hits / total), float(low), float(high), int(hits), int(total))


@dataclass(frozen=True, slots=True)
class Folds:
    """Accuracy over folds.

    Attributes:
        by_fold: share of right answers in each.
        thresholds: the one that was best on the others.
    """

    right: Share
    by_fold: tuple[float, ...]
    thresholds: tuple[float, ...]


def accuracy(scores: Numbers, mated: Marks, fold: Indices) -> Folds:
    """In each fold, right answers at the threshold that was best on all others.

    Args:
        scores: grow with likeness; NaN where a pair couldn't be compared: never accepted.
        mated: whether a pair is one person.
        fold: which fold a pair is in.

    Raises:
        RequestInvalid: without a fold there are no pairs of both kinds to find a threshold on.
    """
    seen = ~np.isnan(scores)
    right, by_fold, thresholds = 0, [], []
    for held_out in np.unique(fold):
        train, test = seen & (fold != held_out), fold == held_out
        require_both(scores[train], mated[train], "outside of one fold")
        threshold = _best_threshold(scores[train], mated[train])
        correct = (scores[test] >= threshold) == mated[test]  # NaN is not
        right += int(correct.sum())
        by_fold.append(float(correct.mean()))
        thresholds.append(threshold)
    return Folds(share(right, len(scores)), tuple(by_fold), tuple(thresholds))


def require_both(scores: Numbers, mated: Marks, where: str) -> None:
    """Check that there are pairs of one person and of two.

    Raises:
        RequestInvalid: one kind is missing.
    """
    seen = ~np.isnan(scores)
    for kind, some in (("of one person", mated), ("of two people", ~mated)):
        if not (seen & some).any():
            raise unusable(f"{where} there is no pair {kind} that could be compared; both kinds are needed")


def _best_threshold(scores: Numbers, mated: Marks) -> float:
    order = np.argsort(scores)
    # Right answers if the threshold is just above each score: mated above, others at or below.
    correct = np.cumsum(~mated[order]) + mated.sum() - np.cumsum(mated[order])
    best = int(np.argmax(correct))
    following = scores[order[min(best + 1, len(order) - 1)]]
    return float((scores[order[best]] + following) / 2)


@dataclass(frozen=True, slots=True)
class Compared:
    """Comparisons of one system, by whether they are of one person.

    Attributes:
        mated: (M,) scores of one person with themselves; -inf where one was never compared.
        impostor: (I,) scores of two people.
        mated_person: (M,) whose; None where nobody says.
        impostor_people: (I, 2), whose; None where nobody says.
        pictures: (P,) how many pictures each person has, for the count of all pairs.
        groups: (P,) where only people of one group were compared, which; None where all were.
    """

    mated: Numbers = field(repr=False)
    impostor: Numbers = field(repr=False)
    mated_person: Indices | None = field(default=None, repr=False)
    impostor_people: Indices | None = field(default=None, repr=False)
    pictures: Indices | None = field(default=None, repr=False)
    groups: Indices | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class AtRate:
    """What is missed where strangers pass with a rate."""

    fmr: float
    threshold: float
    fnmr: Share


def fnmr_at(compared: Compared, rates: Sequence[float]) -> list[AtRate]:
    """FNMR at false match rates; those that so few comparisons can't show are left out."""
    can = [rate for rate in rates if np.floor(rate * compared.impostor.size) >= 1]
    lines = [(rate, threshold_at_fmr(compared.impostor, rate)) for rate in can]
    drawn = _drawn(compared, can) if lines and compared.mated_person is not None else None
    result = []
    for number, (rate, threshold) in enumerate(lines):
        missed = int((compared.mated < threshold).sum())
        fnmr = share(missed, compared.mated.size)
        if drawn is not None:
            low, high = np.quantile(drawn[:, number], (0.025, 0.975))
            fnmr = Share(fnmr.value, float(low), float(high), missed, fnmr.total, BY_PERSON)
        result.append(AtRate(rate, threshold, fnmr))
    return result


def _drawn(compared: Compared, rates: Sequence[float]) -> Numbers:
    """FNMR at each rate for people drawn anew, (DRAWS, rates)."""
    if compared.mated_person is None or compared.impostor_people is None or compared.pictures is None:
        raise ValueError("a bootstrap by person needs to know whose the comparisons are")
    keep = min(compared.impostor.size, int(np.ceil(TAIL * max(rates) * compared.impostor.size)) + 1)
    top = np.argpartition(compared.impostor, compared.impostor.size - keep)[-keep:]
    top = top[np.argsort(-compared.impostor[top], kind="stable")]
    tail = compared.impostor[top]  # falling
    first, second = compared.impostor_people[top].T
    order = np.argsort(compared.mated, kind="stable")
    mated, whose = compared.mated[order], compared.mated_person[order]
    people = len(compared.pictures)
    groups = np.zeros(people, np.int64) if compared.groups is None else compared.groups
    dice = np.random.default_rng(SEED)
    found = np.empty((DRAWS, len(rates)))
    for draw in range(DRAWS):
        weight = np.bincount(dice.integers(people, size=people), minlength=people)
        seen = weight * compared.pictures
        together = np.bincount(groups, seen)
        total = (float((together**2).sum()) - float((seen**2).sum())) / 2
        passed = np.cumsum(weight[first] * weight[second])
        misses = np.concatenate([[0], np.cumsum(weight[whose])])
        if misses[-1] == 0:
            found[draw] = np.nan  # nobody was drawn of whom there are two pictures
            continue
        for number, rate in enumerate(rates):
            cut = min(int(np.searchsorted(passed, rate * total, side="right")), len(tail) - 1)
            threshold = np.nextafter(tail[cut], np.inf)
            found[draw, number] = misses[np.searchsorted(mated, threshold)] / misses[-1]
    return found[~np.isnan(found[:, 0])]


@dataclass(frozen=True, slots=True)
class Curve:
    """The trade-off of one system: for each false match rate the share that is missed."""

    fmr: tuple[float, ...]
    fnmr: tuple[float, ...]


def trade_off(compared: Compared) -> Curve:
    """FNMR over FMR, from the lowest rate that the comparisons can show to 1."""
    impostor, mated = np.sort(compared.impostor), np.sort(compared.mated)
    least = max(1.0 / impostor.size, LEAST_FMR)
    counts = np.unique(np.round(np.geomspace(least, 1.0, CURVE_POINTS) * impostor.size).astype(int))
    thresholds = impostor[impostor.size - counts]  # as many score as high
    fmr = 1.0 - np.searchsorted(impostor, thresholds) / impostor.size
    fnmr = np.searchsorted(mated, thresholds) / mated.size
    return Curve(tuple(map(float, fmr)), tuple(map(float, fnmr)))


@dataclass(frozen=True, slots=True)
class Histogram:
    """How the scores lie: shares of the comparisons of each kind in bins of the same width."""

    edges: tuple[float, ...]
    mated: tuple[float, ...]
    impostor: tuple[float, ...]


def histogram(compared: Compared, bins: int = 60) -> Histogram:
    """Over the finite scores of both kinds."""
    mated = compared.mated[np.isfinite(compared.mated)]
    low = float(min(mated.min(initial=0.0), compared.impostor.min(initial=0.0)))
    high = float(max(mated.max(initial=1.0), compared.impostor.max(initial=1.0)))
    edges = np.linspace(low, high, bins + 1)
    shares = [np.histogram(some, edges)[0] / max(1, some.size) for some in (mated, compared.impostor)]
    return Histogram(*(tuple(map(float, values)) for values in (edges, *shares)))


def by_person(errors: Sequence[int], trials: Sequence[int]) -> Share:
    """A share of trials of which each person has several: people are drawn anew.

    Raises:
        ValueError: there was no trial.
    """
    hits, total = np.asarray(errors, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    if total.sum() < 1:
        raise ValueError("a share of nothing")
    plain = share(int(hits.sum()), int(total.sum()))
    if plain.value in (0.0, 1.0):
        # Nobody differs, so drawing people shows nothing: each counts once.
        low, high = wilson(plain.value, int((total > 0).sum()))
    else:
        dice = np.random.default_rng(SEED)
        draws = dice.multinomial(len(hits), np.full(len(hits), 1 / len(hits)), size=4 * DRAWS)
        sums = draws @ total
        low, high = np.quantile((draws @ hits)[sums > 0] / sums[sums > 0], (0.025, 0.975))
    return Share(plain.value, float(low), float(high), plain.hits, plain.total, BY_PERSON)
