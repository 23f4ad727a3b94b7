"""How alike two faces are to one network: the cosine of their embeddings."""

from facekey.core.errors import ModelMismatch
from facekey.core.types import Embedding


def cosine(probe: Embedding, reference: Embedding) -> float:
    """Cosine similarity, -1..1; it grows with likeness.

    Raises:
        ModelMismatch: two networks made them; their directions have nothing in common.
    """
    if probe.model != reference.model:
        raise ModelMismatch(probe.model, (reference.model,))
    return float(probe.vector @ reference.vector)
