"""Several networks' evidence as one.

`core.matching.Matcher` looks at the networks that probe and template share:

- a set that a rule was learned for is fused by that rule: `ScoreFusion` below, or
  `core.fused_embedding.EmbeddingFusion`. Its evidence is -log10 of a false match rate that was counted.
- any other set is fused by `fuse`, which needs no measurement and keeps what it promises.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from facekey.core.calibration import Calibration
from facekey.core.similarity import likeness_of, likenesses_of
from facekey.core.types import Floats, ModelId

MERGING_PRICE = math.log10(math.e)  # the factor e, in decades

Means = Mapping[ModelId, Floats]
"""By network: the mean of one person's unit vectors, (D,) float32; of one photo, its vector."""


def fuse(evidences: Sequence[float]) -> float:
    """One evidence from one for each network, in decades of false match rate.

    Evidence is -log10 of a p-value: the chance that a stranger scores as high. Averaging it
    is taking the geometric mean of p-values, and e times that mean is again a valid p-value
    *whatever* the dependence between them (Vovk and Wang, "Combining p-values via
    averaging", Biometrika 107(4), 2020). Networks trained on similar faces depend heavily on
    each other, so this keeps a threshold's false match rate true for any set of networks.

    Raises:
        ValueError: there is none, or one is not finite. No evidence is not weak evidence.
    """
    if not evidences or not all(math.isfinite(value) for value in evidences):
        raise ValueError("there must be evidence of at least one network, and all of it finite")
    if len(evidences) == 1:
        return evidences[0]
    return max(0.0, math.fsum(evidences) / len(evidences) - MERGING_PRICE)


def fuse_many(evidences: Sequence[Floats]) -> Floats:
    """`fuse` for arrays of one shape, one for each network."""
    if len(evidences) == 1:
        return evidences[0]
    mean = np.mean(evidences, axis=0, dtype=np.float32)
    return np.asarray(np.maximum(mean - MERGING_PRICE, 0.0), dtype=np.float32)


class FusionRule(Protocol):
    """A learned way of making one evidence of several networks'."""

    @property
    def networks(self) -> frozenset[ModelId]:
        """The set of networks that it was measured for; for others it has no say."""
        ...

    def evidence(self, probe: Means, reference: Means) -> float:
        """Evidence that two sides are one person; both have all of `networks`."""
        ...

    def evidences(self, probes: Mapping[ModelId, Floats], references: Mapping[ModelId, Floats]) -> Floats:
        """`evidence` of each of (N, D) means against each of (M, D): (N, M) float32."""
        ...


@dataclass(frozen=True, slots=True)
class ScoreFusion:
    """A logistic regression's log-likelihood ratio over the networks' cosines, calibrated.

    Attributes:
        weights: of each network's cosine, all above 0, so that more likeness never lowers the
            score, and adding up to 1.
        calibration: from the sum to evidence.

    Raises:
        ValueError: there are fewer than two networks, or weights are not such.
    """

    weights: Mapping[ModelId, float]
    calibration: Calibration

    def __post_init__(self) -> None:
        """Refuse what is no fusion."""
        if len(self.weights) < 2 or not all(0.0 < weight < 1.0 for weight in self.weights.values()):
            raise ValueError("a fusion has two networks or more, each with a weight between 0 and 1")
        if not math.isclose(math.fsum(self.weights.values()), 1.0, abs_tol=1e-3):
            raise ValueError("the weights of a fusion add up to 1")

    @property
    def networks(self) -> frozenset[ModelId]:
        """The networks that it is for."""
        return frozenset(self.weights)

    def evidence(self, probe: Means, reference: Means) -> float:
        """Evidence that two sides are one person.

        Raises:
            ValueError: a number is not finite.
        """
        return self.calibration.evidence(
            math.fsum(
                weight * likeness_of(probe[model], reference[model]) for model, weight in self.weights.items()
            )
        )

    def evidences(self, probes: Mapping[ModelId, Floats], references: Mapping[ModelId, Floats]) -> Floats:
        """`evidence` of each of (N, D) means against each of (M, D): (N, M) float32."""
        return self.calibration.evidences(self.scores(probes, references))

    def scores(self, probes: Mapping[ModelId, Floats], references: Mapping[ModelId, Floats]) -> Floats:
        """The sums before calibration, (N, M) float32."""
        parts = [
            np.float32(weight) * likenesses_of(probes[model], references[model])
            for model, weight in self.weights.items()
        ]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float32)
