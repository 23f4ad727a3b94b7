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

from facekey.core.population import Population
from facekey.core.types import Floats, ModelId, References, SubjectId, Template


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
