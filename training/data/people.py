"""People: who may not be trained on because they are in the set that is judged.

Public sets share people more often than they say: one man sat for several of them. The
product's own recognition network finds such people, whatever the files are called.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facekey.core.types import Floats
from training.data.crops import CropSet

SAME_PERSON = 0.72
"""Cosine from which two crops are taken for one person's. Strangers reach 0.47 once in a
thousand pairs, but between two sets there are a hundred thousand pairs, and blurred frames
of bearded men get to 0.69; frames of the man who is in four of the public sets are above
0.8 with each other."""


def strangers(crops: CropSet, judged: Sequence[CropSet]) -> NDArray[np.bool_]:
    """Which crops show nobody who is in the judged sets: (N,) bool.

    A crop that resembles a judged person marks that person within its own set, and with
    them every other crop of theirs: a turned or blurred frame may not resemble the judged
    one while its neighbour does.
    """
    if not judged or not len(crops.live):
        return np.ones(len(crops.live), bool)
    known = np.concatenate([other.identity for other in judged])
    marked = _nearest(crops.identity, known) >= SAME_PERSON
    if marked.any():
        marked |= _nearest(crops.identity, crops.identity[marked]) >= SAME_PERSON
    return np.asarray(~marked)


def _nearest(vectors: Floats, others: Floats) -> Floats:
    """The highest cosine of each vector with any of the others: (N,) float32."""
    result: Floats = (vectors @ others.T).max(axis=1)
    return result
