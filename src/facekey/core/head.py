"""The authentication head: a 3-4-3-1 network from three kinds of evidence to a probability.

Inputs stand at 0 on the line between accept and reject and grow with the evidence for a
genuine, live attempt; see `HeadInput`. Two ReLU layers and a sigmoid give the probability
that the attempt is one. The thresholds of `core.policy` decide; the head tells how clear
the case is.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from facekey.core.types import Floats

LAYERS = ((4, 3), (3, 4), (1, 3))
CLIP = 6.0  # beyond this the evidence is overwhelming and its size says nothing more
PROBABILITY_EDGE = 1e-6  # keeps the logit of a liveness score of exactly 0 or 1 finite


@dataclass(frozen=True, slots=True)
class HeadInput:
    """What the head looks at.

    Attributes:
        match: decades of false match rate above the threshold, -6..6.
        liveness: log-odds of the liveness score above those of its threshold, -6..6.
        quality: 4 x (overall quality - 0.5), -2..2.
    """

    match: float
    liveness: float
    quality: float

    @classmethod
    def of(
        cls,
        *,
        match_evidence: float,
        match_threshold: float,
        liveness: float,
        liveness_threshold: float,
        quality: float,
    ) -> "HeadInput":
        """Measure each kind of evidence from its own line.

        Raises:
            ValueError: one of the numbers is not finite. Clipping would hide it.
        """
        if not all(
            map(math.isfinite, (match_evidence, match_threshold, liveness, liveness_threshold, quality))
        ):
            raise ValueError("the head's evidence must be finite")
        return cls(
            match=_clip(match_evidence - match_threshold),
            liveness=_clip(_logit(liveness) - _logit(liveness_threshold)),
            quality=4.0 * (quality - 0.5),
        )


@dataclass(frozen=True, slots=True)
class HeadTrace:
    """Every value on the way, for explaining one answer. `z` is before, `a` after the ReLU."""

    z1: Floats
    a1: Floats
    z2: Floats
    a2: Floats
    z3: float
    probability: float


@dataclass(frozen=True, slots=True)
class Head:
    """Weights of the network: for each layer (out, in) float32 weights and (out,) biases.

    Raises:
        ValueError: the shapes are not 3-4-3-1, or a number is not finite.
    """

    weights: tuple[Floats, Floats, Floats] = field(repr=False)
    biases: tuple[Floats, Floats, Floats] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse weights of another network."""
        for weight, bias, (rows, columns) in zip(self.weights, self.biases, LAYERS, strict=True):
            if weight.shape != (rows, columns) or bias.shape != (rows,):
                raise ValueError(
                    f"a head layer must be {rows} x {columns}, not {weight.shape} + {bias.shape}"
                )
            if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
                raise ValueError("a head weight is not finite")

    def trace(self, given: HeadInput) -> HeadTrace:
        """Compute the probability and keep every step.

        Raises:
            ValueError: an input is not finite.
        """
        x = np.array([given.match, given.liveness, given.quality], dtype=np.float32)
        if not np.isfinite(x).all():
            raise ValueError("the head's evidence must be finite")
        z1 = self.weights[0] @ x + self.biases[0]  # (4,)
        a1 = np.maximum(z1, 0.0)
        z2 = self.weights[1] @ a1 + self.biases[1]  # (3,)
        a2 = np.maximum(z2, 0.0)
        z3 = float((self.weights[2] @ a2 + self.biases[2])[0])
        return HeadTrace(z1, a1, z2, a2, z3, _logistic(z3))

    def probability(self, given: HeadInput) -> float:
        """Probability, 0..1, that this is a genuine, live attempt."""
        return self.trace(given).probability


def _logistic(z: float) -> float:
    # tanh is the logistic function that can't overflow.
    return 0.5 * (1.0 + math.tanh(z / 2.0))


def _clip(value: float) -> float:
    return min(CLIP, max(-CLIP, value))


def _logit(probability: float) -> float:
    inside = min(1.0 - PROBABILITY_EDGE, max(PROBABILITY_EDGE, probability))
    return math.log(inside / (1.0 - inside))
