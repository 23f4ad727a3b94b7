"""How one network's embeddings of many people are spread.

Measured by `training/calibrate.py` beside the network's calibration. Stand-ins for ids that
don't exist are drawn from it (`store.decoy`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from facekey.core.types import Floats, ModelId


@dataclass(frozen=True, slots=True)
class Population:
    """Mean embeddings of many people, each the mean of a few photos.

    Attributes:
        mean: (D,) float32, of the people's means, which are shorter than 1.
        factor: (D, D) float32, `factor @ factor.T` is the covariance.

    Raises:
        ValueError: the shapes don't belong together, or a number is not finite. Only
            unknown ids would meet it, and be told from known ones by the failure.
    """

    mean: Floats = field(repr=False)
    factor: Floats = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse statistics that nothing can be drawn from."""
        if self.mean.ndim != 1 or self.factor.shape != (self.mean.size, self.mean.size):
            raise ValueError(
                f"a population is (D,) and (D, D), not {self.mean.shape} and {self.factor.shape}"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.factor).all()):
            raise ValueError("a number of the population is not finite")


@dataclass(frozen=True, slots=True)
class JointPopulation:
    """How several networks' embeddings of the same people are spread together.

    Who resembles somebody to one network mostly does so to the others. Stand-ins that were
    drawn for each network apart would lack that, and could be told by it.

    Attributes:
        sizes: of each network's part, in order.
        population: of the parts one after the other.

    Raises:
        ValueError: the parts don't add up to the whole.
    """

    sizes: Mapping[ModelId, int]
    population: Population

    def __post_init__(self) -> None:
        """Refuse parts of something else."""
        if sum(self.sizes.values()) != self.population.mean.size or min(self.sizes.values()) < 1:
            raise ValueError("a joint population is as long as its networks' vectors together")

    def split(self, vector: Floats) -> dict[ModelId, Floats]:
        """Each network's part of a drawn vector."""
        ends = np.cumsum(list(self.sizes.values()))
        return dict(zip(self.sizes, np.split(vector, ends[:-1]), strict=True))
