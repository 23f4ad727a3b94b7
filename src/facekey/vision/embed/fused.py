"""Fused embedding: several recognition networks' vectors of a face as one.

Origin:   FaceKey, training/models/fusion.py: a linear adapter for each network into 512
          dimensions, their sum, and three layers that correct it
Input:    (N, D) float32 unit vectors for each network, in the order of `models/weights/fusion.json`;
          zeros for a network that isn't there: its adapter has no bias and adds nothing
Output:   (N, 512) float32, L2 norm 1
Weights:  made by training/train_fusion.py, docs/model-cards/fusion.md
"""

from collections.abc import Mapping, Sequence

import numpy as np

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import UNIT_NORM_TOLERANCE, Floats, ModelId
from facekey.zoo.onnx import OnnxSession

DIM = 512


class FusedEmbedder:
    """Implements `core.fused_embedding.Fuser`. Holds no state; safe to share between threads."""

    def __init__(self, session: OnnxSession, inputs: Sequence[tuple[ModelId, int]]) -> None:
        """Wrap a loaded network.

        Args:
            session: takes one (N, D) float32 for each network, gives (N, 512) float32.
            inputs: the networks with their D, in the order of the inputs.

        Raises:
            ModelError: the network has other shapes.
        """
        session.require(inputs=[(dimensions,) for _, dimensions in inputs], outputs=[(DIM,)])
        self._session = session
        self._inputs = tuple(inputs)

    def fuse(self, vectors: Mapping[ModelId, Floats]) -> Floats:
        """(N, D) unit vectors of each network that is there -> (N, 512) unit vectors.

        Raises:
            ValueError: a network is none that it was trained with, or there is none.
            ModelOutputInvalid: a vector came out that is no direction.
        """
        known = {model for model, _ in self._inputs}
        if not vectors or not vectors.keys() <= known:
            raise ValueError(f"fused embeddings are of {', '.join(sorted(known))}, or some of them")
        count = len(next(iter(vectors.values())))
        given = [
            np.ascontiguousarray(vectors[model], np.float32)
            if model in vectors
            else np.zeros((count, dimensions), np.float32)
            for model, dimensions in self._inputs
        ]
        (fused,) = self._session.run(*given)  # (N, 512)
        norms = np.linalg.norm(fused, axis=1)
        if not np.all(np.abs(norms - 1.0) <= UNIT_NORM_TOLERANCE):
            raise ModelOutputInvalid(self._session.model_id, "a fused vector is not of length 1")
        return fused
