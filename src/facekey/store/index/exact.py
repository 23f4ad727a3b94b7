"""Exact search for one network: every enrolled vector is compared, none is missed."""

import numpy as np

from facekey.core.types import Embedding, Floats, ModelId

FIRST_CAPACITY = 256


class ExactIndex:
    """Unit vectors by key, in one matrix that grows by doubling.

    Not safe for use from several threads at once; its owner serialises.
    """

    def __init__(self, model: ModelId) -> None:
        """Start empty; the first vector fixes the dimension."""
        self._model = model
        self._rows: Floats = np.empty((0, 0), dtype=np.float32)
        self._keys: list[str] = []
        self._slot: dict[str, int] = {}

    def __len__(self) -> int:
        """How many vectors are held."""
        return len(self._keys)

    @property
    def nbytes(self) -> int:
        """Memory of the matrix, its free rows included."""
        return self._rows.nbytes

    def put(self, key: str, embedding: Embedding) -> None:
        """Add a vector, or replace the one of this key.

        Raises:
            ValueError: another network made it, or it has another dimension.
        """
        if embedding.model != self._model:
            raise ValueError(f"the index holds vectors of {self._model}, not of {embedding.model}")
        slot = self._slot.get(key)
        if slot is None:
            slot = len(self._keys)
            self._reserve(slot + 1, embedding.vector.shape[0])
            self._keys.append(key)
            self._slot[key] = slot
        self._rows[slot] = embedding.vector

    def remove(self, key: str) -> None:
        """Forget a vector: its place is overwritten. Unknown keys are passed over."""
        slot = self._slot.pop(key, None)
        if slot is None:
            return
        last = len(self._keys) - 1
        if slot != last:
            self._rows[slot] = self._rows[last]
            self._keys[slot] = self._keys[last]
            self._slot[self._keys[slot]] = slot
        self._rows[last] = 0.0
        self._keys.pop()

    def nearest(self, probe: Embedding, count: int) -> list[str]:
        """The keys of the `count` most similar vectors, best first.

        Raises:
            ValueError: another network made the probe.
        """
        if probe.model != self._model:
            raise ValueError(f"the index holds vectors of {self._model}, not of {probe.model}")
        held = len(self._keys)
        if held == 0 or count <= 0:
            return []
        cosines = self._rows[:held] @ probe.vector  # (held,)
        count = min(count, held)
        best = np.argpartition(cosines, held - count)[held - count :]
        return [self._keys[slot] for slot in best[np.argsort(-cosines[best], kind="stable")]]

    def _reserve(self, wanted: int, dimensions: int) -> None:
        capacity, width = self._rows.shape
        if wanted <= capacity:
            return
        grown = np.zeros((max(FIRST_CAPACITY, 2 * capacity), width or dimensions), dtype=np.float32)
        if capacity:
            grown[:capacity] = self._rows
        self._rows = grown
