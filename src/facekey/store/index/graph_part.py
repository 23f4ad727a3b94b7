"""One graph of neighbours (HNSW), for as many people as one can find well.

Paper: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs", IEEE TPAMI 42(4), 2020, https://arxiv.org/abs/1603.09320

Whoever leaves is overwritten at once: the library only marks a removed entry, and its vector would
stay in memory. So the place is given to a copy of the nearest neighbour's vector, which keeps the
paths through it; it is passed over in the answers and is the first to be taken by a new person.
"""

import numpy as np
from numpy.typing import NDArray

from facekey.store.index.exact import Hits, Numbers
from facekey.store.index.rows import Row, Rows

CONNECTIVITY = 48
EXPANSION_ADD = 128
EXPANSION_SEARCH = 80
VACANT = 1 << 40  # numbers from here on hold nobody; far above everybody's

# The library finds a key by its lowest bits and then step by step. Numbers that follow each other would
# fill one long row of its table, and a key that falls into it be sought through all of it: 30 ms among a
# million people. Multiplied by an odd number close to 2^64 / golden ratio they lie apart.
SPREAD = 0x9E3779B97F4A7C15
GATHER = pow(SPREAD, -1, 1 << 64)


class GraphPart:
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
    def vacant(self) -> int:
        """How many of its places hold nobody."""
        return len(self._vacant)

    def put(self, numbers: Numbers, rows: Rows, *, threads: int = 1) -> None:
        """Add people, or replace them, by their rows of bytes: (N,) and (N, D)."""
        keys = _keys(numbers)
        if not self._vacant and not np.any(self._index.contains(keys)):
            self._index.add(keys, rows, threads=threads)
            return
        for number, key, row in zip(numbers.tolist(), keys.tolist(), rows, strict=True):
            self.remove(number)
            if self._vacant:
                # The library gives this place to the next.
                self._index.remove(_key(self._vacant.pop()))
            self._index.add(key, row, threads=1)

    def remove(self, number: int) -> None:
        """Forget somebody: their vector is overwritten. Unknown numbers are passed over."""
        mine = _key(number)
        if not self._index.contains(mine):
            return
        row = np.asarray(self._index.get(mine), np.int8)
        near = self._index.search(row, 2, threads=1)
        others = [key for key in near.keys.tolist() if key != mine]
        stand_in = np.asarray(self._index.get(others[0]), np.int8) if others else np.ones_like(row)
        self._index.remove(mine)
        self._index.add(_key(self._next_vacant), stand_in, threads=1)
        self._vacant.append(self._next_vacant)
        self._next_vacant += 1

    def rows(self, numbers: Numbers) -> tuple[Numbers, Rows]:
        """Those of these numbers that are in use, with their rows."""
        used = numbers[np.atleast_1d(self._index.contains(_keys(numbers)))]
        if not used.size:
            return used, np.empty((0, self.dimensions), np.int8)
        return used, np.asarray(self._index.get(_keys(used)), np.int8).reshape(-1, self.dimensions)

    def nearest(self, probe: Row, count: int) -> Hits:
        """About the `count` people most like the probe, a row of bytes; best first."""
        # Places that hold nobody lie among the others; so many more are asked for, and passed over.
        wanted = min(len(self._index), count + min(len(self._vacant), count))
        if wanted == 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        found = self._index.search(probe, wanted, threads=1)
        numbers = _numbers(found.keys)
        people = numbers < VACANT
        return numbers[people][:count], 1.0 - np.asarray(found.distances, np.float32)[people][:count]

    def used(self) -> Numbers:
        """Everybody's numbers, in order."""
        numbers = np.sort(_numbers(self._index.keys))
        return numbers[numbers < VACANT]

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
        numbers = _numbers(self._index.keys)
        self._vacant = numbers[numbers >= VACANT].tolist()
        self._next_vacant = max(self._vacant, default=VACANT - 1) + 1


def _keys(numbers: Numbers) -> NDArray[np.uint64]:
    """What the library knows these numbers by."""
    return numbers.astype(np.uint64) * np.uint64(SPREAD)


def _key(number: int) -> int:
    return number * SPREAD % (1 << 64)


def _numbers(keys: object) -> Numbers:
    """The numbers that the library's keys stand for."""
    return (np.asarray(keys, np.uint64) * np.uint64(GATHER)).astype(np.int64)
