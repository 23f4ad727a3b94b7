"""Scoring: many comparisons at once, by the rule that `Matcher.compare_probes` has for one.

The only place of an evaluation that knows how evidence comes of vectors; a test holds it to
the matcher's own answers.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facekey.core.calibration import Calibration
from facekey.core.fusion import MERGING_PRICE
from facekey.core.matching import short_name
from facekey.core.types import Floats, ModelId

FUSION = "fusion"

Stack = Mapping[ModelId, Floats]
"""(N, D) float32 for each network, row by row the same faces."""


class Scorer:
    """Evidence of each network, and of all together."""

    def __init__(self, calibrations: Mapping[ModelId, Calibration]) -> None:
        """Take the calibrations of the networks that have a say.

        Raises:
            ValueError: there is none.
        """
        if not calibrations:
            raise ValueError("scoring needs at least one calibrated network")
        self._calibrations = dict(calibrations)

    @property
    def systems(self) -> tuple[str, ...]:
        """Who is judged, the one that decides first: the fusion, where there is more than one network."""
        alone = tuple(short_name(model) for model in self._calibrations)
        return alone if len(alone) == 1 else (FUSION, *alone)

    def paired(self, left: Stack, right: Stack) -> dict[str, Floats]:
        """Row against row: evidence, (N,) float32, for each of `systems`."""
        return self._of(
            {model: np.einsum("nd,nd->n", left[model], right[model]) for model in self._calibrations}
        )

    def crossed(self, rows: Stack, columns: Stack) -> dict[str, Floats]:
        """Every row against every column: evidence, (R, C) float32, for each of `systems`.

        With mean vectors of several photos as rows (`templates`) they are the scores of templates.
        """
        return self._of({model: rows[model] @ columns[model].T for model in self._calibrations})

    def _of(self, cosines: Mapping[ModelId, Floats]) -> dict[str, Floats]:
        alone = {
            short_name(model): self._calibrations[model].evidences(values)
            for model, values in cosines.items()
        }
        if len(alone) == 1:
            return alone
        mean = np.mean(list(alone.values()), axis=0, dtype=np.float32)
        return {FUSION: np.maximum(mean - np.float32(MERGING_PRICE), np.float32(0.0)), **alone}


def rows_of(stack: Stack, rows: slice | NDArray[np.bool_] | NDArray[np.integer]) -> dict[ModelId, Floats]:
    """Some rows of a stack; indices or a mask do as well as a slice."""
    return {model: vectors[rows] for model, vectors in stack.items()}


def templates(stacks: list[Stack]) -> dict[ModelId, Floats]:
    """What `core.similarity.likeness` compares with, for templates of several photos each: (T, D).

    The dot product with it is the likeness: the mean of the photos, divided by the root of its length.
    """
    made = {}
    for model in stacks[0]:
        means = np.stack([stack[model].mean(axis=0) for stack in stacks])
        made[model] = means / np.sqrt(np.linalg.norm(means, axis=1, keepdims=True))
    return made
