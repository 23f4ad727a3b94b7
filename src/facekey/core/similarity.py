"""How alike faces are to one network, by the cosines of their embeddings."""

import math

import numpy as np

from facekey.core.errors import ModelMismatch
from facekey.core.types import Embedding, Floats, References


def cosine(probe: Embedding, reference: Embedding) -> float:
    """Cosine similarity, -1..1; it grows with likeness.

    Raises:
        ModelMismatch: two networks made them; their directions have nothing in common.
    """
    if probe.model != reference.model:
        raise ModelMismatch(probe.model, (reference.model,))
    return float(probe.vector @ reference.vector)


def likeness(probe: Embedding, references: References) -> float:
    """How like a probe is to several photos of one person, on the scale of one cosine, -1..1.

    The thresholds are measured on single photos. Against several, the cosine with their
    mean direction promises too much: the mean is a cleaner face, and strangers come up to
    twice as often. The mean of the cosines, which is shorter by the length of the mean,
    promises too little. The geometric mean of the two keeps strangers just under the
    promise and loses fewest of the rightful (`facekey evaluate lfw`).

    Raises:
        ModelMismatch: two networks made them.
    """
    if probe.model != references.model:
        raise ModelMismatch(probe.model, (references.model,))
    return likeness_of(probe.vector, references.mean())


def likeness_of(left: Floats, right: Floats) -> float:
    """`likeness` of two means of unit vectors, (D,) each; of one photo the mean is its vector."""
    lengths = float(np.linalg.norm(left)) * float(np.linalg.norm(right))
    return float(left @ right) / math.sqrt(lengths)


def likenesses_of(left: Floats, right: Floats) -> Floats:
    """`likeness_of` each of (N, D) and each of (M, D): (N, M) float32."""
    sides = (side / np.sqrt(np.linalg.norm(side, axis=1, keepdims=True)) for side in (left, right))
    first, second = sides
    return np.asarray(first @ second.T, dtype=np.float32)
