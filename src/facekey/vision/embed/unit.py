"""Raw network outputs to unit vectors: the one thing that all embedders do alike."""

import numpy as np

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Embedding, Floats, ModelId

MIN_NORM = 1e-3  # far below anything a trained network gives


def unit_embeddings(raw: Floats, model: ModelId) -> list[Embedding]:
    """Scale each row of (N, D) to norm 1.

    Raises:
        ModelOutputInvalid: a vector is not finite or almost zero. It is not repaired: a
            made-up direction would be compared like a real one.
    """
    norms = np.linalg.norm(raw, axis=1, keepdims=True)  # (N, 1)
    if not np.all(np.isfinite(norms) & (norms > MIN_NORM)):
        raise ModelOutputInvalid(model, "vector not finite or almost zero")
    return [Embedding(vector, model) for vector in raw / norms]
