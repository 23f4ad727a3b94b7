"""Exact search for one network: every enrolled vector is compared, none is missed.

Rows of bytes lie in blocks that are never moved or copied. A search reads each block once
and keeps the few best; the work between two bytes of memory is so little that the memory,
not the processor, sets the time (`make bench NAMES=gallery`).
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numkong
import numpy as np
from numpy.typing import NDArray

from facekey.core.types import Floats
from facekey.store.index.rows import Row, Rows, lengths, quantised

BLOCK = 16_384  # rows: 8 MB at 512 numbers; untouched pages of the last one cost nothing
WORTH_A_THREAD = 2  # blocks; below, handing over takes longer than searching
STEP = 256  # rows: the last block is read in whole steps of them

Numbers = NDArray[np.int64]
Hits = tuple[Numbers, Floats]
"""Numbers of rows and their likenesses, best first: (K,) int64 and (K,) float32."""


class ExactIndex:
    """Rows by number. Any number of searches may run at once, but none while a row changes."""

    def __init__(self, dimensions: int, *, threads: int = 1) -> None:
        """Start empty.

        Args:
            dimensions: numbers in a vector.
            threads: that share one search.
        """
        self.dimensions = dimensions
        self._blocks: list[Rows] = []
        self._factors: list[Floats] = []  # a row's dot product times this is its likeness; 0: nobody
        self._held = 0
        self._top = 0  # no number from here on was ever in use
        self._threads = threads
        # Its threads are made when the first search large enough for them comes.
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="scan")

    def __len__(self) -> int:
        """How many rows are in use."""
        return self._held

    @property
    def nbytes(self) -> int:
        """Memory of the rows, the free ones between them included."""
        return sum(block.nbytes for block in self._blocks) + sum(one.nbytes for one in self._factors)

    @property
    def end(self) -> int:
        """One more than the largest number that was ever in use."""
        return self._top

    def put(self, numbers: Sequence[int], means: Floats) -> None:
        """Fill rows, or replace them.

        Args:
            numbers: N of them, each once.
            means: (N, D) float32, means of unit vectors; the length counts as in `core.similarity`.
        """
        rows = quantised(means)
        factors = np.sqrt(np.linalg.norm(means, axis=1)) / lengths(rows)
        for number, row, factor in zip(numbers, rows, factors, strict=True):
            block, place = self._place(number)
            self._held += bool(self._factors[block][place] == 0)
            self._blocks[block][place] = row
            self._factors[block][place] = factor

    def remove(self, number: int) -> None:
        """Empty a row: its bytes are overwritten. A row that is empty stays so."""
        if number >= self.end:
            return
        block, place = divmod(number, BLOCK)
        self._held -= bool(self._factors[block][place] != 0)
        self._blocks[block][place] = 0
        self._factors[block][place] = 0.0

    def rows(self, numbers: Numbers) -> tuple[Numbers, Rows]:
        """Those of these numbers that are in use, with copies of their rows as they are kept."""
        used = [number for number in numbers.tolist() if number < self._top and self._factor(number) != 0]
        rows = [self._blocks[number // BLOCK][number % BLOCK] for number in used]
        return np.asarray(used, np.int64), np.array(rows, np.int8).reshape(-1, self.dimensions)

    def nearest(self, probe: Floats, count: int) -> Hits:
        """The `count` rows most like the probe, best first.

        Args:
            probe: (D,) float32, a unit vector.
            count: at least one.
        """
        row = quantised(probe[np.newaxis])
        scale = 1.0 / float(lengths(row)[0])
        everything = range(-(-self._top // BLOCK))  # a block that was loaded may be empty, and the last
        if self._threads == 1 or len(everything) <= WORTH_A_THREAD:
            parts = [self._best(everything, row[0], count)]
        else:
            shares = [everything[start :: self._threads] for start in range(self._threads)]
            parts = list(self._pool.map(lambda share: self._best(share, row[0], count), shares))
        numbers = np.concatenate([part[0] for part in parts])
        scores = np.concatenate([part[1] for part in parts])
        best = np.argsort(-scores, kind="stable")[:count]
        return numbers[best], scores[best] * np.float32(scale)

    def used(self) -> Numbers:
        """The numbers of all rows in use, in order."""
        factors = np.concatenate([np.empty(0, np.float32), *self._factors])
        return np.flatnonzero(factors).astype(np.int64)

    def memory(self) -> list[Rows]:
        """The blocks themselves, for those who measure."""
        return self._blocks

    def blocks(self) -> int:
        """How many pieces `dump` and `load` deal in."""
        return len(self._blocks)

    def dump(self, block: int) -> bytes:
        """One piece of it, as `load` takes it."""
        return self._factors[block].tobytes() + self._blocks[block].tobytes()

    def load(self, data: bytes | bytearray) -> None:
        """Take the next piece.

        Raises:
            ValueError: it is none, or of vectors of another length.
        """
        factors = np.frombuffer(data, np.float32, BLOCK)
        rows = np.frombuffer(data, np.int8, offset=factors.nbytes).reshape(BLOCK, self.dimensions)
        self._blocks.append(rows.copy())
        self._factors.append(factors.copy())
        used = np.flatnonzero(factors)
        self._held += used.size
        if used.size:
            self._top = (len(self._blocks) - 1) * BLOCK + int(used[-1]) + 1

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown()

    def _best(self, blocks: range, probe: Row, count: int) -> Hits:
        """The best rows of some blocks, in any order."""
        whole = numkong.zeros((BLOCK,), dtype="float32")
        numbers, scores = np.empty(0, np.int64), np.empty(0, np.float32)
        bound = -np.inf
        for block in blocks:
            size = min(BLOCK, -(-(self._top - block * BLOCK) // STEP) * STEP)
            dots = whole if size == BLOCK else numkong.zeros((size,), dtype="float32")
            numkong.dot(self._blocks[block][:size], probe, out=dots, out_dtype="float32")
            found, factors = np.asarray(dots), self._factors[block][:size]
            np.multiply(found, factors, out=found)
            # Most blocks hold nothing above the bound: one look for the largest, and nothing to sort.
            if found.max() <= bound:
                continue
            above = np.flatnonzero((found > bound) & (factors > 0))
            if above.size > count:
                above = above[np.argpartition(found[above], above.size - count)[-count:]]
            numbers = np.concatenate([numbers, above + block * BLOCK])
            scores = np.concatenate([scores, found[above]])
            if scores.size > count:
                keep = np.argpartition(scores, scores.size - count)[-count:]
                numbers, scores = numbers[keep], scores[keep]
            if scores.size == count:
                bound = float(scores.min())
        return numbers, scores

    def _factor(self, number: int) -> float:
        return float(self._factors[number // BLOCK][number % BLOCK])

    def _place(self, number: int) -> tuple[int, int]:
        self._top = max(self._top, number + 1)
        while len(self._blocks) * BLOCK <= number:
            self._blocks.append(np.zeros((BLOCK, self.dimensions), np.int8))
            self._factors.append(np.zeros(BLOCK, np.float32))
        return divmod(number, BLOCK)
