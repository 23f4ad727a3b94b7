"""Fitting a score fusion: how much each network's cosine says.

A logistic regression over mated pairs and the strangers that look most alike: the others are
told apart by any rule, and a fit to them would be a fit to what never matters. The two kinds
weigh the same, so the score is a log-likelihood ratio but for a constant (Brummer and du
Preez, "Application-independent evaluation of speaker detection", Computer Speech and
Language 20, 2006).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekey.core.types import Floats, ModelId

HARDEST = 0.015  # of the strangers
LEAST_WEIGHT = 1e-3  # of all; a network that says nothing new is heard a little, never against itself
STEPS = 50
RIDGE = 1e-6

Vectors = Mapping[ModelId, Floats]
NO_MARKS: Mapping[ModelId, Floats] = {}
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PairSet:
    """Pairs of pictures by row, and whether they are one person."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    mated: NDArray[np.bool_]

    def cosines(self, vectors: Floats) -> Floats:
        """Of each pair, (P,)."""
        chunk = 1 << 18
        parts = [
            np.einsum("nd,nd->n", vectors[self.left[at : at + chunk]], vectors[self.right[at : at + chunk]])
            for at in range(0, len(self.left), chunk)
        ]
        return np.concatenate(parts)

    def means(self, values: Floats) -> Floats:
        """The mean of a number of the two pictures, (P,)."""
        return np.asarray((values[self.left] + values[self.right]) / 2, np.float32)

    def some(self, chosen: NDArray[np.bool_]) -> "PairSet":
        """The chosen ones."""
        return PairSet(self.left[chosen], self.right[chosen], self.mated[chosen])


def all_pairs(rows: NDArray[np.int64], people: NDArray[np.int64]) -> PairSet:
    """Every pair of these pictures, once."""
    first, second = np.triu_indices(len(rows), 1)
    left, right = rows[first], rows[second]
    return PairSet(left, right, people[left] == people[right])


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted score.

    Attributes:
        weights: of the networks' cosines, adding up to 1.
        marks: taken off for each unit of the pair's mean mark, 0 or more.
    """

    weights: dict[ModelId, float]
    marks: dict[ModelId, float]

    def scores(self, vectors: Vectors, marks: Mapping[ModelId, Floats], pairs: PairSet) -> Floats:
        """Of each pair, (P,)."""
        total = np.zeros(len(pairs.left), np.float32)
        for model, weight in self.weights.items():
            total += np.float32(weight) * pairs.cosines(vectors[model])
        for model, weight in self.marks.items():
            total -= np.float32(weight) * pairs.means(marks[model])
        return total


def fit(
    networks: Sequence[ModelId],
    vectors: Vectors,
    pairs: PairSet,
    marks: Mapping[ModelId, Floats] = NO_MARKS,
) -> Fit:
    """The weights of a `core.fusion.ScoreFusion`.

    Args:
        networks: two or more.
        vectors: by network (N, D) unit vectors.
        pairs: to learn from.
        marks: for trials: by network (N,), something of a picture that may lower its scores.
    """
    cosines = {model: pairs.cosines(vectors[model]) for model in networks}
    chosen = _instructive(list(cosines.values()), pairs.mated)
    few = pairs.some(chosen)
    marked = [model for model in networks if model in marks]
    columns = [cosines[model][chosen] for model in networks]
    columns += [-few.means(marks[model]) for model in marked]
    weights = _regress(np.stack(columns, axis=1).astype(np.float64), few.mated, at_least=len(networks))
    weights = np.round(weights / weights[: len(networks)].sum(), 5)
    return Fit(
        dict(zip(networks, map(float, weights), strict=False)),
        dict(zip(marked, map(float, weights[len(networks) :]), strict=True)),
    )


def spreads_of(
    vectors: Vectors, people: NDArray[np.int64], known: NDArray[np.int64]
) -> dict[ModelId, Floats]:
    """Standard deviation of strangers' cosines around each picture, (N,), by network.

    Doddington et al., "Sheep, Goats, Lambs and Wolves", ICSLP 1998, found that people differ in
    it; the closed form takes a population for the cohort of a Z-norm (Auckenthaler et al.,
    "Score Normalization for Text-Independent Speaker Verification Systems", 2000).

    Args:
        vectors: by network (N, D).
        people: (N,) whose picture each is.
        known: rows of the pictures that make the population, of each person the first.
    """
    first = known[np.unique(people[known], return_index=True)[1]]
    return {
        model: np.sqrt(
            np.einsum("nd,de,ne->n", every, np.cov(every[first], rowvar=False), every, optimize=True)
        ).astype(np.float32)
        for model, every in vectors.items()
    }


def _instructive(cosines: Sequence[Floats], mated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    alike = np.sum([values / values.std() for values in cosines], axis=0)
    strangers = alike[~mated]
    # At least as many as there are mated pairs: a handful would be single look-alikes.
    share = max(HARDEST, min(1.0, mated.sum() / len(strangers)))
    return mated | (alike >= np.quantile(strangers, 1 - share))


def _regress(columns: Doubles, mated: NDArray[np.bool_], *, at_least: int) -> Doubles:
    """Newton's method; what comes out below 0 is left out and the rest fitted again.

    Args:
        columns: (P, C).
        mated: (P,).
        at_least: so many of the first columns must have weights above 0, the others 0 or more.
    """
    scale = columns.std(axis=0)
    scaled = columns / scale
    free = np.ones(columns.shape[1], bool)
    while True:
        weights = _newton(scaled[:, free], mated)
        if (weights > 0).all():
            break
        # The worst alone: without it others can come back above 0.
        free[np.flatnonzero(free)[np.argmin(weights)]] = False
    found = np.zeros(columns.shape[1])
    found[free] = weights / scale[free]
    found[:at_least] = np.maximum(found[:at_least], LEAST_WEIGHT * found[:at_least].sum())
    return found


def _newton(columns: Doubles, mated: NDArray[np.bool_]) -> Doubles:
    design = np.column_stack([columns, np.ones(len(columns))])
    each = np.where(mated, 0.5 / mated.sum(), 0.5 / (~mated).sum())
    found = np.zeros(design.shape[1])
    for _ in range(STEPS):
        says = 0.5 * (1.0 + np.tanh(design @ found / 2.0))
        slope = design.T @ (each * (says - mated)) + RIDGE * found
        bend = (design * (each * says * (1 - says))[:, None]).T @ design + RIDGE * np.eye(len(found))
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < 1e-8:
            break
    return found[:-1]
