"""Spare cores: the networks of one picture side by side, while nobody else needs the machine.

What several networks say of one face does not depend on their order, and each is too small
to keep two cores busy by itself. So a picture that comes alone is shared among all cores.
With as many pictures at work as there are cores, each keeps to its own: then nothing is
gained by sharing, and switching costs.

A helper is told to go to another core than its caller's. Left to itself, Linux may wake it on
the caller's own and leave it there for longer than it has work: on two cores networks that
can take 6.4 ms side by side took 9.8 to 11.4, one after the other.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
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

        core = _core_of_this_thread()

        def help_elsewhere() -> None:
            _leave(core)
            work()

        helping = self._ask(help_elsewhere, len(tasks) - 1)
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
        asked: list[Future[None]] = []
        while len(asked) < most and self._take_one():
            try:
                # In the context of whoever asks: what is measured there belongs to their request.
                future = self._helpers.submit(copy_context().run, work)
            except RuntimeError:  # no thread can be started; the caller does it alone
                self._back()
                break
            future.add_done_callback(self._back)
            asked.append(future)
        return asked

    def _take_one(self) -> bool:
        with self._lock:
            taken = self._spare > 0
            self._spare -= taken
            return taken

    def _back(self, _: Future[None] | None = None) -> None:
        with self._lock:
            self._spare += 1


def _core_of_this_thread() -> int | None:
    """Where this thread runs now; None where the system doesn't tell."""
    return None if _SCHED_GETCPU is None else int(_SCHED_GETCPU())


def _leave(core: int | None) -> None:
    """Have this thread run on any core of the process but this one."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        return
    # The main thread's cores are the process's; this thread's own may lack one from before.
    others = os.sched_getaffinity(os.getpid()) - {core}
    if others:
        with suppress(OSError):  # the container's cores were changed in between
            os.sched_setaffinity(0, others)


def _sched_getcpu() -> Callable[[], int] | None:
    return getattr(ctypes.CDLL(None), "sched_getcpu", None) if os.name == "posix" else None


_SCHED_GETCPU = _sched_getcpu()
