"""Judging ways of fusing on people that they did not learn from.

LFW's ten folds share nobody. For each fold a way is fitted to the people of the nine others
and gives scores for the pairs of this one: those of the standard protocol, and all pairs of
its pictures. Thresholds for the rates come from all ten folds' strangers together.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekey.core.metrics import threshold_at_fmr
from facekey.core.types import Floats
from facekey.evaluation.pairs import PairList
from facekey.evaluation.rates import Compared, Share, accuracy, fnmr_at
from training.data.embedded import Embedded
from training.fit_scores import PairSet, all_pairs

RATES = (1e-2, 1e-3, 1e-4, 1e-5)
FOLD_FMR = 1e-3
TENTHS = 10
UNEVEN_FMR = 1e-3

Fold = int
Judge = Callable[[Fold, PairSet], Floats]
"""Scores of pairs of one fold by what was fitted without it."""


@dataclass(frozen=True, slots=True)
class Folds:
    """A set cut into folds that share nobody.

    Attributes:
        of: (N,) each picture's fold.
        within: by fold, all pairs of its pictures.
        listed: by fold, the pairs of the standard protocol.
        skipped: listed pairs that a picture without a face is in.
    """

    of: NDArray[np.int64]
    within: tuple[PairSet, ...]
    listed: tuple[PairSet, ...]
    skipped: int

    def others(self, fold: Fold) -> NDArray[np.int64]:
        """Rows of the pictures of all other folds."""
        return np.flatnonzero((self.of != fold) & (self.of >= 0))

    def pairs_of_others(self, fold: Fold) -> PairSet:
        """All pairs within each of the other folds."""
        others = [pairs for at, pairs in enumerate(self.within) if at != fold]
        return PairSet(
            np.concatenate([pairs.left for pairs in others]),
            np.concatenate([pairs.right for pairs in others]),
            np.concatenate([pairs.mated for pairs in others]),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a way of fusing reached.

    Attributes:
        accuracy: of the standard protocol, each fold at the threshold best on the others.
        by_fold: the same for each fold.
        tar: mean over folds of the share of listed mated pairs that pass where one in 1,000 of all
            pairs of strangers in the fold does.
        tar_by_fold: the same for each fold.
        fnmr: at each of `RATES` over all pairs within folds; intervals by drawing people anew.
        uneven: false match rate of the tenth of pairs where it is highest, over the mean one, by
            what the tenths are made of. An attacker chooses.
    """

    accuracy: Share
    by_fold: tuple[float, ...]
    tar: float
    tar_by_fold: tuple[float, ...]
    fnmr: Mapping[str, Share]
    uneven: Mapping[str, float]


def cut(given: Embedded, listed: PairList) -> Folds:
    """Cut a set along the folds of a list of pairs; who is in none of them is in no fold."""
    row = {name: at for at, name in enumerate(given.names)}
    person_fold = {
        name.partition("/")[0]: pair.fold for pair in listed.pairs for name in (pair.left, pair.right)
    }
    of = np.array([person_fold.get(name.partition("/")[0], -1) for name in given.names])
    folds = sorted({pair.fold for pair in listed.pairs})
    usable = [pair for pair in listed.pairs if pair.left in row and pair.right in row]
    return Folds(
        of=np.searchsorted(folds, of) * (of >= 0) - (of < 0),
        within=tuple(all_pairs(np.flatnonzero(of == fold), given.people) for fold in folds),
        listed=tuple(
            PairSet(
                np.array([row[pair.left] for pair in usable if pair.fold == fold]),
                np.array([row[pair.right] for pair in usable if pair.fold == fold]),
                np.array([pair.mated for pair in usable if pair.fold == fold]),
            )
            for fold in folds
        ),
        skipped=len(listed.pairs) - len(usable),
    )


def judge(
    judge_of: Judge, given: Embedded, folds: Folds, aspects: Mapping[str, Floats]
) -> tuple[Verdict, Compared]:
    """Judge one way.

    Args:
        judge_of: scores pairs of a fold.
        given: the set.
        folds: of the set.
        aspects: by name a number for each picture, for `Verdict.uneven`.
    """
    listed = [judge_of(fold, pairs) for fold, pairs in enumerate(folds.listed)]
    within = [judge_of(fold, pairs) for fold, pairs in enumerate(folds.within)]
    number = np.repeat(np.arange(len(listed)), [len(scores) for scores in listed])
    right = accuracy(np.concatenate(listed), np.concatenate([p.mated for p in folds.listed]), number)
    tars = tuple(
        float((scores[pairs.mated] >= threshold_at_fmr(all_of[~every.mated], FOLD_FMR)).mean())
        for scores, pairs, all_of, every in zip(listed, folds.listed, within, folds.within, strict=True)
    )
    compared = compared_of(within, folds, given)
    at = {f"{found.fmr:g}": found.fnmr for found in fnmr_at(compared, RATES)}
    uneven = {name: _uneven(within, folds.within, values) for name, values in aspects.items()}
    return Verdict(right.right, right.by_fold, float(np.mean(tars)), tars, at, uneven), compared


def compared_of(scores: Sequence[Floats], folds: Folds, given: Embedded) -> Compared:
    """Scores of all pairs within folds as `evaluation.rates` takes them."""
    pairs = folds.within
    joined = np.concatenate(scores)
    mated = np.concatenate([some.mated for some in pairs])
    left, right = (
        given.people[np.concatenate([getattr(some, side) for some in pairs])] for side in ("left", "right")
    )
    return Compared(
        mated=joined[mated],
        impostor=joined[~mated],
        mated_person=left[mated],
        impostor_people=np.stack([left[~mated], right[~mated]], axis=1),
        pictures=np.bincount(given.people),
        groups=folds.of[np.unique(given.people, return_index=True)[1]] + 1,
    )


def _uneven(scores: Sequence[Floats], pairs: Sequence[PairSet], values: Floats) -> float:
    strangers = [some.some(~some.mated) for some in pairs]
    joined = np.concatenate([some[~which.mated] for some, which in zip(scores, pairs, strict=True)])
    passed = joined >= threshold_at_fmr(joined, UNEVEN_FMR)
    mean = np.concatenate([some.means(values) for some in strangers])
    edges = np.quantile(mean, np.linspace(0, 1, TENTHS + 1))
    tenth = np.clip(np.searchsorted(edges, mean, side="right") - 1, 0, TENTHS - 1)
    rates = np.bincount(tenth, passed, TENTHS) / np.bincount(tenth, minlength=TENTHS)
    return float(rates.max() / passed.mean())
