"""Spare cores: the networks of one picture side by side, while nobody else needs the machine.

What several networks say of one face does not depend on their order, and each is too small
to keep two cores busy by itself. So a picture that comes alone is shared among all cores.
With as many pictures at work as there are cores, each keeps to its own: then nothing is
gained by sharing, and switching costs.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

_T = TypeVar("_T")


class SpareCores:
    """Knows how many cores are at work, and lets the others help. Safe to share between threads."""

    def __init__(self, cores: int) -> None:
        """Start with all of them spare; threads are made when there is first use for them.

        Args:
            cores: at least one.

        Raises:
            ValueError: there is no core.
        """
        if cores < 1:
            raise ValueError("nothing can be done on no core")
        self._helpers = ThreadPoolExecutor(max(1, cores - 1), thread_name_prefix="spare")
        self._lock = threading.Lock()
        self._spare = cores

    @contextmanager
    def one_taken(self) -> Iterator[None]:
        """Count the core of this thread as at work."""
        with self._lock:
            self._spare -= 1
        try:
            yield
        finally:
            with self._lock:
                self._spare += 1

    def do_all(self, tasks: Sequence[Callable[[], _T]]) -> list[_T]:
        """Do every task, here and on spare cores; their results in the order of the tasks.

        A task that raises keeps those that have not begun from being done; of several that
        raised, what the first in order raised is raised.
        """
        done: dict[int, _T] = {}
        failed: dict[int, BaseException] = {}
        waiting = iter(range(len(tasks)))

        def work() -> None:
            while not failed and (number := next(waiting, None)) is not None:
                try:
                    done[number] = tasks[number]()
                except BaseException as error:  # noqa: BLE001 - raised below, where it was asked for
                    failed[number] = error

        helping = self._ask(work, len(tasks) - 1)
        work()
        for helper in helping:
            # Who has not come by now has nothing left to do.
            if not helper.cancel():
                helper.result()
        if failed:
            raise failed[min(failed)]
        return [done[number] for number in range(len(tasks))]

    def _ask(self, work: Callable[[], None], most: int) -> list[Future[None]]:
        """Set spare cores to work, at most so many; each counts as at work until it ends."""
        with self._lock:
            helpers = max(0, min(self._spare, most))
            self._spare -= helpers
        asked = []
        for _ in range(helpers):
            # In the context of whoever asks: what is measured there belongs to their request.
            future = self._helpers.submit(copy_context().run, work)
            future.add_done_callback(self._back)
            asked.append(future)
        return asked

    def _back(self, _: Future[None]) -> None:
        with self._lock:
            self._spare += 1
