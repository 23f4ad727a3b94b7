import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import ModelId
from facekey.settings import Settings
from facekey.wiring.vision import open_zoo
from facekey.zoo.batching import Arrays, Batcher, Batching
from facekey.zoo.onnx import OnnxSession
from tests.unit.zoo.test_device import doubling

WAIT_S = 10.0


class Gate:
    """A network whose first run ends when the test says so; notes how many rows each run had."""

    def __init__(self, compute: Callable[[Arrays], list[NDArray[Any]]]) -> None:
        self.runs: list[int] = []
        self.began, self.may_end = threading.Event(), threading.Event()
        self._compute = compute

    def run(self, arrays: Arrays) -> list[NDArray[Any]]:
        self.runs.append(len(arrays[0]))
        self.began.set()
        assert self.may_end.wait(WAIT_S)
        return self._compute(arrays)


def doubled(arrays: Arrays) -> list[NDArray[Any]]:
    return [2 * arrays[0]]


def rows(*values: float) -> NDArray[np.float32]:
    return np.array([[value] for value in values], np.float32)


def meanwhile(gate: Gate, batcher: Batcher, asked: list[NDArray[np.float32]]) -> list[Any]:
    """Ask all while a first run, of one row, is under way; what each was given, or its error."""

    def ask(one: NDArray[np.float32]) -> Any:
        try:
            return batcher.run([one])[0]
        except (ValueError, ArithmeticError) as error:
            return error

    with ThreadPoolExecutor(len(asked) + 1) as pool:
        first = pool.submit(batcher.run, [rows(0)])
        assert gate.began.wait(WAIT_S)
        futures = []
        for one in asked:
            futures.append(pool.submit(ask, one))
            until = time.monotonic() + WAIT_S
            while not _holds(batcher, one) and time.monotonic() < until:
                time.sleep(0.001)
        gate.may_end.set()
        first.result(WAIT_S)
        return [future.result(WAIT_S) for future in futures]


def _holds(batcher: Batcher, one: NDArray[np.float32]) -> bool:
    """Whether a request has joined, or didn't have to."""
    everybody = [asked[0] for batch in batcher._open.values() for asked in batch.asked]
    return any(other is one for other in everybody) or len(one) >= 4


def test_who_comes_during_a_run_goes_together_in_the_next() -> None:
    gate = Gate(doubled)
    given = meanwhile(gate, Batcher(gate.run, Batching(4)), [rows(1), rows(2, 3), rows(4)])
    assert [one.ravel().tolist() for one in given] == [[2], [4, 6], [8]]
    assert gate.runs == [1, 4]


def test_who_does_not_fit_goes_in_another_run() -> None:
    gate = Gate(doubled)
    given = meanwhile(gate, Batcher(gate.run, Batching(4)), [rows(1, 2, 3), rows(4, 5), rows(6)])
    assert [one.ravel().tolist() for one in given] == [[2, 4, 6], [8, 10], [12]]
    assert sorted(gate.runs) == [1, 3, 3]


def test_only_equal_rows_go_together() -> None:
    gate = Gate(doubled)
    wide = np.ones((1, 2), np.float32)
    given = meanwhile(gate, Batcher(gate.run, Batching(4)), [rows(1), wide, rows(2)])
    assert [one.tolist() for one in given] == [[[2]], [[2, 2]], [[4]]]
    assert sorted(gate.runs) == [1, 1, 2]


def test_an_error_is_that_of_who_caused_it() -> None:
    def picky(arrays: Arrays) -> list[NDArray[Any]]:
        if (arrays[0] < 0).any():
            raise ArithmeticError(f"{arrays[0].min():g} is negative")
        return doubled(arrays)

    gate = Gate(picky)
    given = meanwhile(gate, Batcher(gate.run, Batching(8)), [rows(1), rows(-2), rows(3)])
    assert given[0].tolist() == [[2]]
    assert str(given[1]) == "-2 is negative"
    assert given[2].tolist() == [[6]]


def test_outputs_that_are_not_by_row_are_never_cut() -> None:
    def summed(arrays: Arrays) -> list[NDArray[Any]]:
        return [arrays[0].sum(axis=0, keepdims=True)]

    gate = Gate(summed)
    given = meanwhile(gate, Batcher(gate.run, Batching(8)), [rows(1), rows(2), rows(3)])
    assert [one.tolist() for one in given] == [[[1]], [[2]], [[3]]]


def test_what_fills_a_run_or_is_empty_goes_alone() -> None:
    gate = Gate(doubled)
    gate.may_end.set()
    batcher = Batcher(gate.run, Batching(2))
    assert batcher.run([rows(1, 2)])[0].tolist() == [[2], [4]]
    assert batcher.run([np.empty((0, 1), np.float32)])[0].shape == (0, 1)
    assert gate.runs == [2, 0]


def test_a_run_waits_for_others_only_until_it_is_full() -> None:
    gate = Gate(doubled)
    gate.may_end.set()
    batcher = Batcher(gate.run, Batching(2, wait_s=0.99))
    with ThreadPoolExecutor(2) as pool:
        given = list(pool.map(lambda one: batcher.run([one])[0].item(), [rows(1), rows(2)]))
    assert given == [2, 4]
    assert gate.runs == [2]


def test_who_waits_is_not_forgotten_when_the_run_is_interrupted() -> None:
    def ended(_: Arrays) -> list[NDArray[Any]]:
        raise KeyboardInterrupt

    batcher = Batcher(ended, Batching(2, wait_s=0.99))
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(batcher.run, [rows(1)]) for _ in range(2)]
        errors = {type(future.exception(WAIT_S)) for future in futures}
    assert errors == {KeyboardInterrupt, RuntimeError}


@pytest.mark.parametrize(("most", "wait_s"), [(1, 0.0), (0, 0.0), (2, -0.1), (2, 1.0)])
def test_what_would_gather_nothing_is_refused(most: int, wait_s: float) -> None:
    with pytest.raises(ValueError, match="two rows or more"):
        Batching(most, wait_s)


def test_a_network_refuses_what_it_does_not_take() -> None:
    session = OnnxSession(doubling(), model_id=ModelId("double"), batching=Batching(8))
    with pytest.raises(ModelOutputInvalid, match="takes 1 inputs, got 0"):
        session.run()
    with pytest.raises(ModelOutputInvalid, match="inference failed"):
        session.run(np.zeros((1, 4), np.float32))


@pytest.mark.parametrize("name", ["mobilefacenet", "liveness_resnet18"])
def test_many_threads_are_given_what_each_would_be_given_alone(name: str) -> None:
    alone = open_zoo(Settings()).open(name)
    together = open_zoo(Settings(batch_rows=8, batch_wait_ms=1.0)).open(name)
    shape = [size for size in alone.inputs[0].shape if size is not None]
    random = np.random.default_rng(8)
    crops = [random.integers(0, 256, (1 + number % 3, *shape), np.uint8) for number in range(24)]
    with ThreadPoolExecutor(12) as pool:
        given = list(pool.map(together.run, crops))
    for crop, found in zip(crops, given, strict=True):
        for ours, theirs in zip(found, alone.run(crop), strict=True):
            assert ours.shape == theirs.shape
            # Not bit by bit: a product of matrices is summed in another order for one row than for several.
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
