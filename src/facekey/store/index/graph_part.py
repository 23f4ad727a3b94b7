"""One graph of neighbours (HNSW), for as many people as one can find well.

Paper: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
Hierarchical Navigable Small World graphs", IEEE TPAMI 42(4), 2020, https://arxiv.org/abs/1603.09320

Whoever leaves is not found from then on, and their vector is overwritten by `wipe`, which takes the
library some milliseconds. Their place stays, for the paths through it, with a blend of the vectors
around it and noise, which is nobody's; it is passed over in the answers.
"""

import numpy as np
from numpy.typing import NDArray

from facekey.store.index.exact import Hits, Numbers
from facekey.store.index.rows import Row, Rows, quantised

CONNECTIVITY = 48
EXPANSION_ADD = 128
EXPANSION_SEARCH = 112
ALONE = 1024  # vectors that one thread adds before others help
BLENDED = 4  # neighbours, in the vector that takes the place of somebody who left
NOISE = 0.5  # in that vector, to its standard deviation
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
        self.vacant = 0
        self._unwiped: list[int] = []  # vacant, and still with the vector of who left

    def __len__(self) -> int:
        """How many people are in it."""
        return len(self._index) - self.vacant

    @property
    def nbytes(self) -> int:
        """Memory of vectors and graph."""
        return int(self._index.memory_usage)

    def put(self, numbers: Numbers, rows: Rows, *, threads: int = 1) -> None:
        """Add people, or replace them, by their rows of bytes: (N,) and (N, D)."""
        keys = _keys(numbers)
        for number in numbers[np.atleast_1d(self._index.contains(keys))].tolist():
            self.remove(number)
        # Threads that are the first to come don't see each other, and some of theirs stay apart.
        first = max(0, ALONE - len(self._index))
        for some, by in ((slice(first), 1), (slice(first, None), threads)):
            if len(keys[some]):
                self._index.add(keys[some], rows[some], threads=by)

    def remove(self, number: int) -> None:
        """Forget somebody; their vector is there until it is wiped. Unknown numbers are passed over."""
        if self._index.contains(_key(number)):
            place = VACANT + self.vacant
            self._index.rename(_key(number), _key(place))
            self.vacant += 1
            self._unwiped.append(place)

    @property
    def unwiped(self) -> int:
        """How many vectors of people who left are still there."""
        return len(self._unwiped)

    def wipe(self) -> None:
        """Overwrite one of them."""
        key = _key(self._unwiped.pop())
        row = np.asarray(self._index.get(key), np.int8)
        numbers = _numbers(self._index.search(row, 4 * BLENDED, threads=1).keys)
        around = self.rows(numbers[numbers < VACANT][:BLENDED])[1]
        # One neighbour alone, or several that are alike, would stay here when they leave, too.
        centre = around.mean(axis=0, dtype=np.float32) if len(around) > 1 else np.zeros(len(row), np.float32)
        noise = np.random.default_rng().standard_normal(len(row), np.float32)
        blend = quantised((centre + noise * max(1.0, NOISE * float(centre.std())))[np.newaxis])[0]
        self._index.remove(key)
        self._index.add(key, blend, threads=1)  # the library takes the place that became free

    def rows(self, numbers: Numbers) -> tuple[Numbers, Rows]:
        """Those of these numbers that are in use, with their rows."""
        used = numbers[np.atleast_1d(self._index.contains(_keys(numbers)))]
        if not used.size:
            return used, np.empty((0, self.dimensions), np.int8)
        return used, np.asarray(self._index.get(_keys(used)), np.int8).reshape(-1, self.dimensions)

    def nearest(self, probe: Row, count: int) -> Hits:
        """About the `count` people most like the probe, a row of bytes; best first."""
        # Places that hold nobody lie among the others; so many more are asked for, and passed over.
        wanted = min(len(self._index), count + min(self.vacant, count))
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
        self.vacant = int((_numbers(self._index.keys) >= VACANT).sum())


def _keys(numbers: Numbers) -> NDArray[np.uint64]:
    """What the library knows these numbers by."""
    return numbers.astype(np.uint64) * np.uint64(SPREAD)


def _key(number: int) -> int:
    return number * SPREAD % (1 << 64)


def _numbers(keys: object) -> Numbers:
    """The numbers that the library's keys stand for."""
    return (np.asarray(keys, np.uint64) * np.uint64(GATHER)).astype(np.int64)
