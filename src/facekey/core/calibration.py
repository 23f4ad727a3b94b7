"""From a network's cosine to evidence that means the same for every network.

A cosine of 0.5 is strong for one network and weak for another. What can be compared is
how often a stranger reaches it: the false match rate (FMR) there. `evidence` is
-log10(FMR): 4 means that one comparison in 10,000 between different people scores as
high. It is measured on all impostor pairs of a published data set; above the highest
measured point it goes on along the last slope, which is an extrapolation.

The API shows evidence as a `confidence` between 0 and 1:

    confidence = 1 - 0.35 ** (evidence / 4)

so that 0.65 is the score that one stranger in 10,000 reaches (0.545: one in 1,000,
0.731: one in 100,000). It is a calibrated similarity, not the probability that this is
the person: that also depends on how many impostors try.
"""

import math
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from facekey.core.types import Floats

CONFIDENCE_LEFT_AT_1E4 = 0.35  # 1 - 0.65, the threshold shown in the API's examples
_RATE = -math.log(CONFIDENCE_LEFT_AT_1E4) / 4.0


@dataclass(frozen=True, slots=True)
class Birth:
    """Where numbers come from.

    Attributes:
        data: the data set, and how much of it.
        protocol: what was compared with what.
        comparisons: how many.
        commit: the code that measured.
    """

    data: str
    protocol: str
    comparisons: int
    date: date
    commit: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """One network's map from cosine to evidence.

    Attributes:
        knots: (cosine, evidence) pairs, both strictly rising; between them the map is
            linear, above the last it keeps the last slope, below the first it falls in a
            straight line to 0 at cosine -1.
        born: where the knots come from.

    Raises:
        ValueError: there are fewer than two knots, they don't rise, or one is not finite.
    """

    knots: tuple[tuple[float, float], ...]
    born: Birth

    def __post_init__(self) -> None:
        """Refuse a map that isn't strictly monotone."""
        full = ((-1.0, 0.0), *self.knots)
        rising = all(a < c and b < d for (a, b), (c, d) in pairwise(full))
        if len(self.knots) < 2 or not rising or not all(map(math.isfinite, self.knots[-1])):
            raise ValueError("a calibration needs two or more knots, rising strictly in cosine and evidence")

    def evidence(self, cosine: float) -> float:
        """-log10 of the false match rate at this cosine.

        Raises:
            ValueError: the cosine is not finite.
        """
        return float(self.evidences(np.array([cosine], dtype=np.float32))[0])

    def evidences(self, cosines: Floats) -> Floats:
        """`evidence` for many cosines at once, (N,) float32 in and out.

        Raises:
            ValueError: a cosine is not finite; unknown is never a score.
        """
        if not np.isfinite(cosines).all():
            raise ValueError("a similarity is not finite")
        xs = np.array([-1.0, *(knot[0] for knot in self.knots)])
        ys = np.array([0.0, *(knot[1] for knot in self.knots)])
        inside = np.interp(cosines, xs, ys)
        slope = (ys[-1] - ys[-2]) / (xs[-1] - xs[-2])
        above = np.maximum(cosines - xs[-1], 0.0) * slope
        return np.asarray(inside + above, dtype=np.float32)

    def cosine_at(self, evidence: float) -> float:
        """The cosine at which this evidence is reached: the inverse of `evidence`."""
        xs = [-1.0, *(knot[0] for knot in self.knots)]
        ys = [0.0, *(knot[1] for knot in self.knots)]
        if evidence <= ys[-1]:
            return float(np.interp(evidence, ys, xs))
        return xs[-1] + (evidence - ys[-1]) * (xs[-1] - xs[-2]) / (ys[-1] - ys[-2])


def confidence(evidence: float) -> float:
    """Evidence on the API's scale, 0..1 (see the head of this file); monotone."""
    return 1.0 - math.exp(-_RATE * max(0.0, evidence))


def evidence_of_confidence(shown: float) -> float:
    """The evidence behind a confidence of the API: the inverse of `confidence`.

    Raises:
        ValueError: it is not 0 or more and below 1.
    """
    if not 0.0 <= shown < 1.0:
        raise ValueError(f"a confidence lies between 0 and 1, not at {shown}")
    return -math.log(1.0 - shown) / _RATE


def evidence_of_fmr(fmr: float) -> float:
    """The evidence at which strangers pass with this rate.

    Raises:
        ValueError: the rate is not between 0 and 1.
    """
    if not 0.0 < fmr < 1.0:
        raise ValueError(f"a false match rate lies between 0 and 1, not at {fmr}")
    return -math.log10(fmr)
