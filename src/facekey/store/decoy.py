"""Stand-ins for ids that don't exist.

Someone who may ask about any id must not learn which ids are enrolled. An unknown id is
therefore compared like a known one, with a made-up template: a direction drawn from the
statistics of real faces, always the same for the same id and deployment, so that the
scores it gives look like a stranger's.
"""

import hashlib
import hmac
from collections.abc import Mapping

import numpy as np

from facekey.core.population import JointPopulation, Population
from facekey.core.types import Floats, ModelId, References, SubjectId, Template


class PopulationDecoy:
    """Implements `core.ports.subjects.Decoy`."""

    def __init__(
        self,
        populations: Mapping[ModelId, Population],
        *,
        key: bytes,
        together: JointPopulation | None = None,
    ) -> None:
        """Take how people are spread.

        Args:
            populations: of each network.
            key: the deployment's: without it nobody can tell a decoy from a person.
            together: of some of these networks, where it was measured.

        Raises:
            ValueError: `together` is of other networks.
        """
        joint = frozenset(() if together is None else together.sizes)
        if not joint <= populations.keys():
            raise ValueError("the joint population is of other networks")
        self._alone = {model: one for model, one in populations.items() if model not in joint}
        self._key = key
        self._together = together

    def template(self, subject_id: SubjectId) -> Template:
        """A made-up person, the same for the same id."""
        drawn = {
            model: self._drawn(f"{model}/{subject_id}", population)
            for model, population in self._alone.items()
        }
        if self._together is not None:
            name = "+".join(self._together.sizes)
            drawn |= self._together.split(self._drawn(f"{name}/{subject_id}", self._together.population))
        return Template(
            subject_id,
            tuple(References(model, _as_mean(vector)[np.newaxis]) for model, vector in drawn.items()),
        )

    def _drawn(self, name: str, population: Population) -> Floats:
        seed = hmac.new(self._key, name.encode(), hashlib.sha256).digest()
        generator = np.random.default_rng(int.from_bytes(seed, "big"))
        drawn = generator.standard_normal(population.mean.shape, dtype=np.float32)
        return np.asarray(population.mean + population.factor @ drawn, dtype=np.float32)


def _as_mean(vector: Floats) -> Floats:
    # A mean of several photos is shorter than one, and never longer.
    return np.asarray(vector / max(1.0, float(np.linalg.norm(vector))), dtype=np.float32)
