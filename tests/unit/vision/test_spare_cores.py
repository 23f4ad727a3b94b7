import os
import threading
from contextvars import ContextVar

import pytest

from facekey.vision.spare_cores import SpareCores

WAIT_S = 20.0
WHOSE: ContextVar[str] = ContextVar("whose", default="nobody's")


@pytest.mark.parametrize("cores", [1, 2, 8])
@pytest.mark.parametrize("tasks", [0, 1, 5])
def test_results_stand_in_the_order_of_the_tasks(cores: int, tasks: int) -> None:
    assert SpareCores(cores).do_all([lambda number=number: number for number in range(tasks)]) == list(  # type: ignore[misc]
        range(tasks)
    )


def test_a_spare_core_helps() -> None:
    """Each task waits for the other: one thread alone would never end."""
    meet = threading.Barrier(2, timeout=WAIT_S)
    cores = SpareCores(2)
    with cores.one_taken():
        assert sorted(cores.do_all([meet.wait, meet.wait])) == [0, 1]


def test_cores_that_are_at_work_are_not_asked() -> None:
    cores = SpareCores(2)
    with cores.one_taken(), cores.one_taken():
        threads = cores.do_all([threading.get_ident] * 20)
    assert set(threads) == {threading.get_ident()}


def test_a_core_that_helped_is_spare_again() -> None:
    cores = SpareCores(2)
    for _ in range(20):
        meet = threading.Barrier(2, timeout=WAIT_S)
        with cores.one_taken():
            cores.do_all([meet.wait, meet.wait])


def test_helpers_work_in_the_context_of_whoever_asked() -> None:
    meet = threading.Barrier(2, timeout=WAIT_S)

    def whose() -> str:
        meet.wait()
        return WHOSE.get()

    WHOSE.set("mine")
    cores = SpareCores(2)
    with cores.one_taken():
        assert cores.do_all([whose, whose]) == ["mine", "mine"]


def test_the_first_failure_in_order_is_raised_and_what_has_not_begun_is_not_done() -> None:
    begun: list[int] = []
    meet = threading.Barrier(2, timeout=WAIT_S)

    def fails(number: int) -> None:
        begun.append(number)
        meet.wait()
        raise LookupError(str(number))

    cores = SpareCores(2)
    with cores.one_taken(), pytest.raises(LookupError, match="0"):
        cores.do_all([lambda number=number: fails(number) for number in range(9)])  # type: ignore[misc]
    assert sorted(begun) == [0, 1]


def test_where_no_thread_can_be_started_the_caller_does_it_alone() -> None:
    cores = SpareCores(2)
    cores._helpers.shutdown()
    with cores.one_taken():
        assert cores.do_all([threading.get_ident] * 4) == [threading.get_ident()] * 4
        assert cores._spare == 1, "and the core is spare again"


def test_no_core_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no core"):
        SpareCores(0)


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="needs two cores of Linux",
)
def test_a_helper_works_on_another_core_than_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = os.sched_getaffinity(0)
    here = min(everywhere)
    monkeypatch.setattr("facekey.vision.spare_cores._core_of_this_thread", lambda: here)
    meet = threading.Barrier(2, timeout=WAIT_S)
    caller = threading.get_ident()

    def allowed() -> set[int] | None:
        meet.wait()
        return None if threading.get_ident() == caller else os.sched_getaffinity(0)

    cores = SpareCores(2)
    with cores.one_taken():
        (helpers,) = [found for found in cores.do_all([allowed, allowed]) if found is not None]
    assert helpers == everywhere - {here}
    assert os.sched_getaffinity(0) == everywhere, "the caller stays free"


def test_where_the_system_does_not_tell_helpers_stay_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facekey.vision.spare_cores._core_of_this_thread", lambda: None)
    meet = threading.Barrier(2, timeout=WAIT_S)
    cores = SpareCores(2)
    with cores.one_taken():
        assert sorted(cores.do_all([meet.wait, meet.wait])) == [0, 1]
