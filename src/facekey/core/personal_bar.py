"""A bar of one's own: how strongly somebody must match who always matches strongly.

From the person's own scores of the last while. It only tightens. Of n scores the r-th
lowest, less a margin, becomes the bar; if the next score comes from where those came from,
it is below the r-th lowest with probability r / (n + 1), whatever that distribution is, so
the bar costs the person at most that share of attempts, and the margin makes it far less.

Scores that the common threshold would accept count also where the bar refused them. So
when a person's scores fall, the bar falls after them, and at most `r` attempts in a window
are lost on the way; it never falls below the common threshold.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """How strongly a live attempt matched, when the common threshold would have accepted it.

    Attributes:
        under: how it was taken and by which networks; only like scores are compared.
        evidence: in decades of false match rate.
    """

    under: str
    evidence: float


@dataclass(frozen=True, slots=True)
class BarPolicy:
    """How high the bar is put.

    Attributes:
        least: scores needed before there is a bar.
        most: scores that are remembered; older ones are forgotten.
        share: of the person's own attempts, at most, that the bar may cost.
        margin: decades that it stays below the low quantile.
        highest: decades that it may stand above the common threshold.

    Raises:
        ValueError: the numbers would make a bar that locks people out.
    """

    least: int = 20
    most: int = 60
    share: float = 0.05
    margin: float = 0.5
    highest: float = 2.0

    def __post_init__(self) -> None:
        """A bar from one score, or without a margin, would turn the rightful away."""
        if not (2 <= self.least <= self.most and 0.0 < self.share <= 0.1):
            raise ValueError("a personal bar needs scores, and may cost a tenth of attempts at most")
        if not (0.0 <= self.margin < math.inf and 0.0 <= self.highest < math.inf):
            raise ValueError("a personal bar's margin and height are finite and not negative")

    def remember(self, scores: Sequence[Score], new: Score) -> tuple[Score, ...]:
        """The scores with a new one; of each kind only the last `most`."""
        same = [score for score in scores if score.under == new.under]
        others = [score for score in scores if score.under != new.under]
        return (*others[-self.most :], *same[-(self.most - 1) :], new)

    def bar(self, scores: Sequence[Score], *, under: str, floor: float) -> float:
        """Evidence that the person must reach; the common threshold until enough is known.

        Args:
            scores: the person's own.
            under: the kind of attempt that is to be judged.
            floor: the common threshold; never less than this is given.
        """
        own = sorted(score.evidence for score in scores if score.under == under)
        if len(own) < self.least:
            return floor
        rank = max(1, math.floor(self.share * (len(own) + 1)))
        return max(floor, min(own[rank - 1] - self.margin, floor + self.highest))
