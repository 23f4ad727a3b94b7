import asyncio
import threading
from collections.abc import Iterator

import pytest

from facekey.core.errors import Overloaded, SampleRejected
from facekey.core.types import Evidence, Reason
from facekey.vision.pool import AnalyzerPool, AssessorPool, Workers
from tests.unit.vision.test_pipeline import Made, portrait


class Gate:
    """An analysis that waits until it is let through."""

    def __init__(self, evidence: Evidence) -> None:
        self.open = threading.Event()
        self.started = threading.Semaphore(0)
        self.runs = 0
        self._evidence = evidence

    def analyze(self, image: bytes) -> Evidence:
        self.runs += 1
        self.started.release()
        assert self.open.wait(10)
        if image == b"bad":
            raise SampleRejected(Reason.NO_FACE)
        return self._evidence


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return Made().pipeline.analyze(portrait())


@pytest.fixture
def gate(evidence: Evidence) -> Iterator[Gate]:
    gate = Gate(evidence)
    yield gate
    gate.open.set()


async def started(gate: Gate) -> None:
    await asyncio.to_thread(gate.started.acquire)


async def test_gives_the_answer_and_the_exception(gate: Gate, evidence: Evidence) -> None:
    gate.open.set()
    workers = Workers(workers=2, max_waiting=1)
    pool = AnalyzerPool(gate.analyze, workers)
    assert await pool.analyze(b"good") is evidence
    with pytest.raises(SampleRejected):
        await pool.analyze(b"bad")
    await workers.close()


async def test_assessing_waits_in_the_same_queue() -> None:
    workers = Workers(workers=1, max_waiting=0)
    pool = AssessorPool(Made().pipeline.assess, workers)
    assert (await pool.assess(portrait())).quality.reasons == ()
    with pytest.raises(SampleRejected):
        await pool.assess(portrait(light=0.2))
    await workers.close()
    with pytest.raises(Overloaded):
        await pool.assess(portrait())


async def test_says_no_at_once_when_full(gate: Gate) -> None:
    workers = Workers(workers=1, max_waiting=1)
    pool = AnalyzerPool(gate.analyze, workers)
    running = asyncio.create_task(pool.analyze(b""))
    await started(gate)
    waiting = asyncio.create_task(pool.analyze(b""))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await pool.analyze(b"")
    assert workers.taken == 2
    gate.open.set()
    await asyncio.gather(running, waiting)
    await asyncio.to_thread(lambda: None)
    await pool.analyze(b"")
    await workers.close()
    assert workers.taken == 0


async def test_a_cancelled_caller_holds_its_place_until_the_worker_is_done(gate: Gate) -> None:
    workers = Workers(workers=1, max_waiting=0)
    pool = AnalyzerPool(gate.analyze, workers)
    running = asyncio.create_task(pool.analyze(b""))
    await started(gate)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(Overloaded):
        await pool.analyze(b"")
    gate.open.set()
    await workers.close()
    assert workers.taken == 0


async def test_a_cancelled_caller_in_the_queue_frees_its_place_and_is_never_run(gate: Gate) -> None:
    workers = Workers(workers=1, max_waiting=1)
    pool = AnalyzerPool(gate.analyze, workers)
    running = asyncio.create_task(pool.analyze(b""))
    await started(gate)
    waiting = asyncio.create_task(pool.analyze(b""))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert workers.taken == 1
    gate.open.set()
    await running
    await workers.close()
    assert gate.runs == 1


async def test_closing_lets_the_running_end_and_drops_the_waiting(gate: Gate, evidence: Evidence) -> None:
    workers = Workers(workers=1, max_waiting=1)
    pool = AnalyzerPool(gate.analyze, workers)
    running = asyncio.create_task(pool.analyze(b""))
    await started(gate)
    waiting = asyncio.create_task(pool.analyze(b""))
    await asyncio.sleep(0)
    closing = asyncio.create_task(workers.close())
    with pytest.raises(Overloaded):
        await waiting
    gate.open.set()
    await closing
    assert await running is evidence
    with pytest.raises(Overloaded):
        await pool.analyze(b"")
    assert gate.runs == 1


@pytest.mark.parametrize(("workers", "max_waiting"), [(0, 1), (1, -1)])
def test_a_pool_without_workers_is_refused(gate: Gate, workers: int, max_waiting: int) -> None:
    with pytest.raises(ValueError, match="worker"):
        Workers(workers=workers, max_waiting=max_waiting)
