"""Stand-ins for ids that don't exist.

Someone who may ask about any id must not learn which ids are enrolled. An unknown id is
therefore compared like a known one, with a made-up template: a direction drawn from the
statistics of real faces, always the same for the same id and deployment, so that the
scores it gives look like a stranger's.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from facekey.core.types import Floats, ModelId, References, SubjectId, Template


@dataclass(frozen=True, slots=True)
class Population:
    """How one network's mean embeddings of many people are spread.

    Attributes:
        mean: (D,) float32, of the people's means over a few photos, which are shorter than 1.
        factor: (D, D) float32, `factor @ factor.T` is the covariance.

    Raises:
        ValueError: the shapes don't belong together, or a number is not finite. Only
            unknown ids would meet it, and be told from known ones by the failure.
    """

    mean: Floats = field(repr=False)
    factor: Floats = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse statistics that no decoy can be drawn from."""
        if self.mean.ndim != 1 or self.factor.shape != (self.mean.size, self.mean.size):
            raise ValueError(
                f"a population is (D,) and (D, D), not {self.mean.shape} and {self.factor.shape}"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.factor).all()):
            raise ValueError("a number of the population is not finite")


class PopulationDecoy:
    """Implements `core.ports.subjects.Decoy`."""

    def __init__(self, populations: Mapping[ModelId, Population], *, key: bytes) -> None:
        """Take the deployment's decoy key: without it nobody can tell a decoy from a person."""
        self._populations = dict(populations)
        self._key = key

    def template(self, subject_id: SubjectId) -> Template:
        """A made-up person, the same for the same id."""
        return Template(
            subject_id,
            tuple(
                References(model, self._vector(subject_id, model, population)[np.newaxis])
                for model, population in self._populations.items()
            ),
        )

    def _vector(self, subject_id: SubjectId, model: ModelId, population: Population) -> Floats:
        seed = hmac.new(self._key, f"{model}/{subject_id}".encode(), hashlib.sha256).digest()
        generator = np.random.default_rng(int.from_bytes(seed, "big"))
        drawn = generator.standard_normal(population.mean.shape, dtype=np.float32)
        vector = population.mean + population.factor @ drawn
        # A mean of several photos is shorter than one, and never longer.
        return np.asarray(vector / max(1.0, float(np.linalg.norm(vector))), dtype=np.float32)
