"""Approximate search for one network: a graph of neighbours (HNSW), for galleries too large to scan.

Paper: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs", IEEE TPAMI 42(4), 2020, https://arxiv.org/abs/1603.09320

The graph finds nearly all of the nearest (`make bench NAMES=gallery` counts the misses), and what it
finds is compared again on the sealed templates. A miss can only leave somebody unnamed.

Whoever leaves is overwritten at once: the library only marks a removed entry, and its vector would
stay in memory. So the place is given to a copy of the nearest neighbour's vector, which keeps the
paths through it; it is passed over in the answers and is the first to be taken by a new person.
"""

from collections.abc import Sequence

import numpy as np

from facekey.core.types import Floats
from facekey.store.index.exact import Hits, Numbers
from facekey.store.index.rows import Rows, quantised

CONNECTIVITY = 24
EXPANSION_ADD = 128
EXPANSION_SEARCH = 192
VACANT = 1 << 40  # keys from here on hold nobody; far above every number


class GraphIndex:
    """Vectors by number. Any number of searches may run at once, but none while one changes."""

    def __init__(self, dimensions: int) -> None:
        """Start empty, for vectors of so many numbers."""
        # Not above: it takes a fifth of a second to load, and most galleries never need it.
        from usearch.index import Index  # noqa: PLC0415

        self.dimensions = dimensions
        self._index = Index(
            ndim=dimensions,
            metric="cos",
            dtype="i8",
            connectivity=CONNECTIVITY,
            expansion_add=EXPANSION_ADD,
            expansion_search=EXPANSION_SEARCH,
        )
        self._vacant: list[int] = []
        self._next_vacant = VACANT

    def __len__(self) -> int:
        """How many people are in it."""
        return len(self._index) - len(self._vacant)

    @property
    def nbytes(self) -> int:
        """Memory of vectors and graph."""
        return int(self._index.memory_usage)

    @property
    def vacancy(self) -> float:
        """Share of its places that hold nobody."""
        return len(self._vacant) / max(1, len(self._index))

    def put(self, numbers: Sequence[int], means: Floats) -> None:
        """Add people, or replace them; what `ExactIndex.put` takes."""
        self.put_rows(np.asarray(numbers, np.int64), quantised(means))

    def put_rows(self, numbers: Numbers, rows: Rows, *, threads: int = 1) -> None:
        """Add people, or replace them, by their rows of bytes: (N,) and (N, D)."""
        if not self._vacant and not np.any(self._index.contains(numbers)):
            self._index.add(numbers, rows, threads=threads)
            return
        for number, row in zip(numbers.tolist(), rows, strict=True):
            self.remove(number)
            if self._vacant:
                self._index.remove(self._vacant.pop())  # the library gives this place to the next
            self._index.add(number, row, threads=1)

    def remove(self, number: int) -> None:
        """Forget somebody: their vector is overwritten. Unknown numbers are passed over."""
        if not self._index.contains(number):
            return
        row = np.asarray(self._index.get(number), np.int8)
        near = self._index.search(row, 2, threads=1)
        others = [key for key in near.keys.tolist() if key != number]
        stand_in = np.asarray(self._index.get(others[0]), np.int8) if others else np.ones_like(row)
        self._index.remove(number)
        self._index.add(self._next_vacant, stand_in, threads=1)
        self._vacant.append(self._next_vacant)
        self._next_vacant += 1

    def rows(self, numbers: Numbers) -> tuple[Numbers, Rows]:
        """Those of these numbers that are in use, with their rows."""
        used = numbers[np.atleast_1d(self._index.contains(numbers))]
        if not used.size:
            return used, np.empty((0, self.dimensions), np.int8)
        return used, np.asarray(self._index.get(used), np.int8).reshape(-1, self.dimensions)

    def nearest(self, probe: Floats, count: int) -> Hits:
        """About the `count` people most like the probe, best first; what `ExactIndex.nearest` gives."""
        # Places that hold nobody lie among the others; so many more are asked for, and passed over.
        wanted = min(len(self._index), count + min(len(self._vacant), count))
        if wanted == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        found = self._index.search(quantised(probe[np.newaxis])[0], wanted, threads=1)
        keys = np.asarray(found.keys, np.int64)
        people = keys < VACANT
        return keys[people][:count], 1.0 - np.asarray(found.distances, np.float32)[people][:count]

    def used(self) -> Numbers:
        """Everybody's numbers, in order."""
        keys = np.sort(np.asarray(self._index.keys, np.int64))
        return keys[keys < VACANT]

    def dump(self) -> bytearray:
        """All of it, as `load` takes it. The interpreter stands still meanwhile, half a second a gigabyte."""
        data = self._index.save(None)
        return data if isinstance(data, bytearray) else bytearray(data or b"")

    def load(self, data: bytes | bytearray) -> None:
        """Take what was dumped.

        Raises:
            RuntimeError, ValueError: the library can't read it.
        """
        self._index.load(data)
        keys = np.asarray(self._index.keys, np.int64)
        self._vacant = keys[keys >= VACANT].tolist()
        self._next_vacant = max(self._vacant, default=VACANT - 1) + 1
