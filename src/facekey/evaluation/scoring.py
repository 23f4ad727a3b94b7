"""Scoring: many comparisons at once, with the answers that the matcher has for one.

The only place of an evaluation that knows how evidence comes of vectors. Each network alone is
scored by its calibration, all together by the matcher itself, so that whatever rule it
fuses by is what is judged.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from facekey.core.calibration import Calibration
from facekey.core.matching import Matcher, short_name
from facekey.core.similarity import likenesses_of
from facekey.core.types import Embedding, Floats, ModelId

FUSION = "fusion"

Stack = Mapping[ModelId, Floats]
"""(N, D) float32 for each network, row by row the same faces: unit vectors, or means of several."""


class Scorer:
    """Evidence of each network, and of all together."""

    def __init__(self, matcher: Matcher, calibrations: Mapping[ModelId, Calibration]) -> None:
        """Take the matcher, and the calibrations of the networks that have a say in it.

        Raises:
            ValueError: there is none.
        """
        if not calibrations:
            raise ValueError("scoring needs at least one calibrated network")
        self._matcher = matcher
        self._calibrations = dict(calibrations)

    @property
    def systems(self) -> tuple[str, ...]:
        """Who is judged, the one that decides first: the fusion, where there is more than one network."""
        alone = tuple(short_name(model) for model in self._calibrations)
        return alone if len(alone) == 1 else (FUSION, *alone)

    def paired(self, left: Stack, right: Stack) -> dict[str, Floats]:
        """Row against row: evidence, (N,) float32, for each of `systems`. Rows are single photos."""
        alone = self._alone(
            {model: np.einsum("nd,nd->n", left[model], right[model]) for model in self._calibrations}
        )
        if len(alone) == 1:
            return alone
        count = len(next(iter(left.values())))
        pairs = (
            self._matcher.compare_probes(_photo(left, row), _photo(right, row)).evidence
            for row in range(count)
        )
        return {FUSION: np.fromiter(pairs, dtype=np.float32, count=count), **alone}

    def crossed(self, rows: Stack, columns: Stack) -> dict[str, Floats]:
        """Every row against every column: evidence, (R, C) float32, for each of `systems`.

        With `templates` as rows it is what `Matcher.compare` says of those.
        """
        alone = self._alone(
            {model: likenesses_of(rows[model], columns[model]) for model in self._calibrations}
        )
        if len(alone) == 1:
            return alone
        sides = ({model: side[model] for model in self._calibrations} for side in (rows, columns))
        return {FUSION: self._matcher.evidences(*sides), **alone}

    def _alone(self, likenesses: Mapping[ModelId, Floats]) -> dict[str, Floats]:
        return {
            short_name(model): self._calibrations[model].evidences(values)
            for model, values in likenesses.items()
        }


def rows_of(stack: Stack, rows: slice | NDArray[np.bool_] | NDArray[np.integer]) -> dict[ModelId, Floats]:
    """Some rows of a stack, by a slice, a mask or indices."""
    return {model: vectors[rows] for model, vectors in stack.items()}


def templates(stacks: Sequence[Stack]) -> dict[ModelId, Floats]:
    """Templates of several photos each, as the product compares them: the photos' means, (T, D)."""
    return {model: np.stack([stack[model].mean(axis=0) for stack in stacks]) for model in stacks[0]}


def _photo(stack: Stack, row: int) -> list[Embedding]:
    return [Embedding(vectors[row], model) for model, vectors in stack.items()]
