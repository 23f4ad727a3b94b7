"""Approximate search for one network, for galleries too large to scan: several graphs side by side.

The more people are in one graph, the more of it a search must walk to find as well: in one of a
million it missed three of a hundred whom it finds in a part of half of them. So each part
takes so many numbers, and the parts share the threads (`make bench NAMES=gallery`).

What is found is compared again on the sealed templates. A miss can only leave somebody unnamed.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from facekey.core.types import Floats
from facekey.store.index.exact import Hits, Numbers
from facekey.store.index.graph_part import GraphPart
from facekey.store.index.rows import Row, Rows, quantised

PART = 524_288  # numbers
MANY = 256  # rows, whose taking in is worth all threads


class GraphIndex:
    """Vectors by number. Any number of searches may run at once, but none while one changes."""

    def __init__(self, dimensions: int, *, threads: int = 1) -> None:
        """Start empty.

        Args:
            dimensions: numbers in a vector.
            threads: that share one search, or the taking in of many.
        """
        self.dimensions = dimensions
        self._parts: list[GraphPart] = []
        self._threads = threads
        # Its threads are made when the first search of several parts comes.
        self._pool = ThreadPoolExecutor(max(1, threads - 1), thread_name_prefix="walk")

    def __len__(self) -> int:
        """How many people are in it."""
        return sum(len(part) for part in self._parts)

    @property
    def nbytes(self) -> int:
        """Memory of vectors and graphs."""
        return sum(part.nbytes for part in self._parts)

    @property
    def vacancy(self) -> float:
        """Share of its places that hold nobody."""
        vacant = sum(part.vacant for part in self._parts)
        return vacant / max(1, vacant + len(self))

    def put(self, numbers: Sequence[int], means: Floats) -> None:
        """Add people, or replace them; what `ExactIndex.put` takes."""
        self.put_rows(np.asarray(numbers, np.int64), quantised(means))

    def put_rows(self, numbers: Numbers, rows: Rows) -> None:
        """Add people, or replace them, by their rows of bytes: (N,) and (N, D)."""
        threads = self._threads if len(numbers) >= MANY else 1
        places = numbers // PART
        for place in np.unique(places).tolist():
            mine = places == place
            self._part(place).put(numbers[mine], rows[mine], threads=threads)

    def remove(self, number: int) -> None:
        """Forget somebody; their vector is there until it is wiped. Unknown numbers are passed over."""
        if number // PART < len(self._parts):
            self._parts[number // PART].remove(number)

    @property
    def unwiped(self) -> int:
        """How many vectors of people who left are still there."""
        return sum(part.unwiped for part in self._parts)

    def wipe(self) -> None:
        """Overwrite one of them: ten milliseconds in a full part."""
        next(part for part in self._parts if part.unwiped).wipe()

    def rows(self, numbers: Numbers) -> tuple[Numbers, Rows]:
        """Those of these numbers that are in use, with their rows."""
        places = numbers // PART
        found = [part.rows(numbers[places == place]) for place, part in enumerate(self._parts)]
        return (
            np.concatenate([np.empty(0, np.int64), *(used for used, _ in found)]),
            np.concatenate([np.empty((0, self.dimensions), np.int8), *(rows for _, rows in found)]),
        )

    def nearest(self, probe: Floats, count: int) -> Hits:
        """About the `count` people most like the probe, best first; what `ExactIndex.nearest` gives."""
        row = quantised(probe[np.newaxis])[0]
        shares = [self._parts[start :: self._threads] for start in range(self._threads)]
        shares = [share for share in shares if share]
        others = [self._pool.submit(_nearest, share, row, count) for share in shares[1:]]
        found = _nearest(shares[0], row, count) if shares else []
        for other in others:
            found += other.result()
        numbers = np.concatenate([np.empty(0, np.int64), *(hits[0] for hits in found)])
        scores = np.concatenate([np.empty(0, np.float32), *(hits[1] for hits in found)])
        best = np.argsort(-scores, kind="stable")[:count]
        return numbers[best], scores[best]

    def used(self) -> Numbers:
        """Everybody's numbers, in order."""
        return np.concatenate([np.empty(0, np.int64), *(part.used() for part in self._parts)])

    def blocks(self) -> int:
        """How many pieces `dump` and `load` deal in."""
        return len(self._parts)

    def dump(self, block: int) -> bytearray:
        """One piece of it, as `load` takes it. The interpreter stands still meanwhile."""
        return self._parts[block].dump()

    def load(self, data: bytes | bytearray) -> None:
        """Take the next piece.

        Raises:
            RuntimeError, ValueError: the library can't read it.
        """
        part = GraphPart(self.dimensions)
        part.load(data)
        self._parts.append(part)

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown()

    def _part(self, place: int) -> GraphPart:
        while len(self._parts) <= place:
            self._parts.append(GraphPart(self.dimensions))
        return self._parts[place]


def _nearest(parts: Sequence[GraphPart], row: Row, count: int) -> list[Hits]:
    return [part.nearest(row, count) for part in parts]
