"""Batching: what several requests ask of one network at the same moment is computed in one run.

While a run is under way, whoever comes meanwhile is gathered, and goes together in the next one. An
accelerator takes hardly longer for sixteen crops than for one; a processor does (docs/operations.md).
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Sequence[NDArray[Any]]
Run = Callable[[Arrays], list[NDArray[Any]]]
"""Computes a network's outputs from its inputs, in order; the first dimension of all is the row."""

Kind = tuple[tuple[tuple[int, ...], str], ...]
"""Shape of a row and type of each input: only equal ones go together."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How much is gathered.

    Attributes:
        rows: the most that one run takes.
        wait_s: how long one waits for others to come, beyond the run that is under way. 0 waits
            for nobody, and then a request that is alone takes no longer than it would without.
    """

    rows: int
    wait_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what would gather nothing."""
        if self.rows < 2 or not 0 <= self.wait_s < 1:
            raise ValueError("a batch has two rows or more, and waits less than a second for them")


class _Batch:
    """Requests that are computed together. The first of them computes for all."""

    def __init__(self) -> None:
        self.asked: list[Arrays] = []
        self.rows = 0
        self.full, self.done = threading.Event(), threading.Event()
        self.given: list[list[NDArray[Any]] | Exception] = []


class Batcher:
    """Runs one network for many threads. It has no thread of its own, so nothing must be closed."""

    def __init__(self, run: Run, batching: Batching) -> None:
        """Take the network and how much is gathered."""
        self._run = run
        self._batching = batching
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._open: dict[Kind, _Batch] = {}

    def run(self, arrays: Arrays) -> list[NDArray[Any]]:
        """Compute these rows, perhaps with those of others; raises what the network raises for these."""
        rows = len(arrays[0])
        if not 0 < rows < self._batching.rows:
            return self._run(arrays)
        kind = tuple((array.shape[1:], array.dtype.str) for array in arrays)
        batch, place = self._join(kind, arrays, rows)
        if place == 0:
            self._compute(kind, batch)
        else:
            batch.done.wait()
        given = batch.given[place]
        if isinstance(given, Exception):
            raise given
        return given

    def _join(self, kind: Kind, arrays: Arrays, rows: int) -> tuple[_Batch, int]:
        with self._lock:
            batch = self._open.get(kind)
            if batch is None or batch.rows + rows > self._batching.rows:
                if batch is not None:
                    batch.full.set()
                batch = self._open[kind] = _Batch()
            batch.asked.append(arrays)
            batch.rows += rows
            if batch.rows == self._batching.rows:
                batch.full.set()
            return batch, len(batch.asked) - 1

    def _compute(self, kind: Kind, batch: _Batch) -> None:
        try:
            with self._turn:
                if self._batching.wait_s:
                    batch.full.wait(self._batching.wait_s)
                with self._lock:  # from here on nobody joins
                    if self._open.get(kind) is batch:
                        del self._open[kind]
                batch.given = self._together(batch)
        except BaseException:
            # Only what ends this thread comes here; the others wait for an answer all the same.
            batch.given = [RuntimeError("the run was interrupted") for _ in batch.asked]
            raise
        finally:
            batch.done.set()

    def _together(self, batch: _Batch) -> list[list[NDArray[Any]] | Exception]:
        if len(batch.asked) == 1:
            return [self._alone(batch.asked[0])]
        try:
            outputs = self._run([np.concatenate(one) for one in zip(*batch.asked, strict=True)])
        except Exception:  # noqa: BLE001 - whose fault it was shows when each is computed alone
            outputs = []
        if not outputs or any(len(output) != batch.rows for output in outputs):
            return [self._alone(arrays) for arrays in batch.asked]
        ends = np.cumsum([len(arrays[0]) for arrays in batch.asked])[:-1]
        # Copies: a caller that keeps its rows would keep everybody's.
        split = [[part.copy() for part in np.split(output, ends)] for output in outputs]
        return [list(own) for own in zip(*split, strict=True)]

    def _alone(self, arrays: Arrays) -> list[NDArray[Any]] | Exception:
        try:
            return self._run(arrays)
        except Exception as error:  # noqa: BLE001 - raised again where it was asked for
            return error
