"""One liveness score from several parts: what single frames say, movement, parallax, a challenge.

Each part gives a probability of its own, or nothing. Their log-odds are added with weights
that were fitted on people and attacks that no part had seen (`training/train_liveness_fusion.py`).
Two things are held by construction, whatever the fit: a part that says "live" more strongly
never lowers the score, and a part that says nothing never counts for more than one that is
undecided. So nobody gains by keeping a part from seeing anything. And a part can have a line of
its own, below which no other part outvotes it: the video of a person moves like the person.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from facekey.core.calibration import Birth

CLIP = 4.0  # log-odds; beyond this a part is as sure as it will ever be believed to be
VETOED = 0.999  # of the threshold: the highest score that a part below its own line leaves
EDGE = 1e-6  # keeps the log-odds of exactly 0 or 1 finite before they are clipped


@dataclass(frozen=True, slots=True)
class PartWeight:
    """What one part's word is worth.

    Attributes:
        above: what each unit of its log-odds adds where it says "live".
        below: what each unit takes away where it says "attack". A replayed video moves like
            a person, so movement can be worth little above and much below.
        absent: what is added when the part says nothing; never above 0.
        least: the part's own line, 0..1: below it, and where it says nothing, the score stays
            below the threshold whatever the others say. 0 for none.

    Raises:
        ValueError: a number is not finite, or would count against what this file promises.
    """

    above: float
    below: float
    absent: float
    least: float = 0.0

    def __post_init__(self) -> None:
        """Refuse weights that would reward silence or punish life."""
        if not all(map(math.isfinite, (self.above, self.below, self.absent))):
            raise ValueError("a part's weights must be finite")
        if self.above < 0 or self.below < 0 or self.absent > 0:
            raise ValueError("weights must not fall with life, and silence must not be rewarded")
        if not 0.0 <= self.least < 1.0:
            raise ValueError("a part's own line is a probability below 1")

    def adds(self, probability: float | None) -> float:
        """What the part adds to the log-odds of the score.

        Raises:
            ValueError: it is no probability.
        """
        if probability is None:
            return self.absent
        if not 0.0 <= probability <= 1.0:
            raise ValueError(f"a part of liveness is a probability, not {probability}")
        bounded = min(1.0 - EDGE, max(EDGE, probability))
        odds = min(CLIP, max(-CLIP, math.log(bounded / (1.0 - bounded))))
        return odds * (self.above if odds > 0 else self.below)


@dataclass(frozen=True, slots=True)
class LivenessFusion:
    """How parts become one calibrated probability.

    Attributes:
        weights: for each part by its name.
        bias: added to their sum.
        threshold: lowest score that passes as live.

    Raises:
        ValueError: there is no part, the bias is not finite, or the threshold is not
            between 0 and 1.
    """

    weights: Mapping[str, PartWeight]
    bias: float
    threshold: float
    born: Birth

    def __post_init__(self) -> None:
        """No parts would be no check at all."""
        if not self.weights or not math.isfinite(self.bias):
            raise ValueError("a fusion needs at least one part and a finite bias")
        if not 0.0 < self.threshold < 1.0:
            raise ValueError("the threshold of a score lies between 0 and 1")

    def score(self, parts: Mapping[str, float | None]) -> float:
        """The calibrated probability, 0..1, that a live person was in front of the camera.

        Args:
            parts: each part's probability by its name; None, or left out, where it says nothing.

        Raises:
            ValueError: no part says anything, one is unknown, or one is no probability.
                Nothing is not a little.
        """
        unknown = parts.keys() - self.weights.keys()
        if unknown:
            raise ValueError(f"there is no part {', '.join(sorted(unknown))} of liveness")
        if all(value is None for value in parts.values()):
            raise ValueError("liveness needs at least one part that says something")
        odds = self.bias + math.fsum(
            weight.adds(parts.get(name)) for name, weight in sorted(self.weights.items())
        )
        # tanh is the logistic function that can't overflow.
        score = 0.5 * (1.0 + math.tanh(odds / 2.0))
        for name, weight in self.weights.items():
            said = parts.get(name) or 0.0
            if said < weight.least:
                score = min(score, VETOED * self.threshold * said / weight.least)
        return score
