"""Several networks' embeddings of one face as one embedding.

A small network (`vision.embed.fused`, trained by `training/train_fusion.py`) turns what the
recognition networks give into one unit vector; it works with any subset of the networks it
was trained with. Fused vectors are made of the stored ones whenever two sides are compared,
never stored: when the set of networks changes, both sides are fused over what they share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from facekey.core.calibration import Calibration
from facekey.core.fusion import Means
from facekey.core.types import Floats, ModelId


class Fuser(Protocol):
    """The network that fuses."""

    def fuse(self, vectors: Mapping[ModelId, Floats]) -> Floats:
        """(N, D) unit vectors of each network that is there -> (N, 512) unit vectors."""
        ...


@dataclass(frozen=True, slots=True)
class EmbeddingFusion:
    """Implements `core.fusion.FusionRule` by comparing fused embeddings.

    Attributes:
        fuser: shared by the rules of all subsets.
        networks: the subset that the calibration was measured with.
        calibration: of the fused embeddings' cosine.

    Raises:
        ValueError: there are fewer than two networks.
    """

    fuser: Fuser
    networks: frozenset[ModelId]
    calibration: Calibration

    def __post_init__(self) -> None:
        """Refuse what is no fusion."""
        if len(self.networks) < 2:
            raise ValueError("a fusion has two networks or more")

    def evidence(self, probe: Means, reference: Means) -> float:
        """Evidence that two sides are one person.

        Against the mean of several photos the cosine promises too much; it is brought back by
        the root of the mean's length, as `core.similarity.likeness` does for one network.
        """
        rows = ({model: side[model][np.newaxis] for model in self.networks} for side in (probe, reference))
        return float(self.evidences(*rows)[0, 0])

    def evidences(self, probes: Mapping[ModelId, Floats], references: Mapping[ModelId, Floats]) -> Floats:
        """`evidence` of each of (N, D) means against each of (M, D): (N, M) float32."""
        left, right = (self._scaled(side) for side in (probes, references))
        return self.calibration.evidences(left @ right.T)

    def _scaled(self, means: Mapping[ModelId, Floats]) -> Floats:
        """Fused vectors, (N, 512), of the length that goes into a likeness."""
        lengths = {model: np.linalg.norm(means[model], axis=1, keepdims=True) for model in self.networks}
        fused = self.fuser.fuse({model: means[model] / lengths[model] for model in self.networks})
        mean = np.mean(list(lengths.values()), axis=0)  # (N, 1)
        return np.asarray(fused * np.sqrt(mean), dtype=np.float32)
