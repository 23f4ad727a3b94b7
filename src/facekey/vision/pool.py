"""Pool: the one bridge from async callers to the synchronous pipeline. Bounded.

The networks compute on a thread pool of their own, so a few workers keep all cores
busy. Beyond them a short queue smooths bursts; what doesn't fit is refused at once,
because an answer that comes after the client has given up helps nobody.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

import cv2

from facekey.core.errors import Overloaded
from facekey.core.spoofs import Drawn
from facekey.core.types import Assessed, Evidence, Glimpse, Liveness

_T = TypeVar("_T")


class Workers:
    """A bounded number of threads with a bounded queue before them."""

    def __init__(
        self,
        *,
        workers: int,
        max_waiting: int,
        observe: Callable[[str, float], None] | None = None,
        refused: Callable[[], None] | None = None,
    ) -> None:
        """Start the pool.

        Args:
            workers: how many pictures are looked at at the same time.
            max_waiting: how many more may wait.
            observe: told how long each piece of work waited for a worker, as the stage `queue`.
            refused: told of each piece of work that was not taken because too much waited.

        Raises:
            ValueError: there would be no worker.
        """
        if workers < 1 or max_waiting < 0:
            raise ValueError("a pool needs at least one worker and no negative queue")
        # Pictures are worked on side by side; OpenCV's own threads would only compete.
        cv2.setNumThreads(1)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="vision")
        self._workers = workers
        self._capacity = workers + max_waiting
        self._observe = observe
        self._lock = threading.Lock()
        self._taken = 0
        self._refused = refused
        self._closed = False

    @property
    def waiting(self) -> int:
        """Pieces of work that wait for a worker."""
        return max(0, self.taken - self._workers)

    @property
    def taken(self) -> int:
        """Pieces of work that are being done or wait."""
        with self._lock:
            return self._taken

    async def run(self, work: Callable[[], _T]) -> _T:
        """Do a piece of work on a thread; what it raises is raised.

        A caller that stops waiting frees its place when its work leaves the queue or the
        worker, not before: the work is not done any sooner.

        Raises:
            Overloaded: too much is waiting already, or the pool is closed.
        """
        with self._lock:
            if self._closed:
                raise Overloaded("the service is shutting down; try again in a moment")
            if self._taken >= self._capacity:
                if self._refused is not None:
                    self._refused()
                raise Overloaded("too many pictures are waiting; try again in a moment")
            self._taken += 1
            try:
                # In the context of whoever asks: what is logged and traced there belongs to their request.
                future = self._executor.submit(copy_context().run, self._started(work))
            except BaseException:
                self._taken -= 1
                raise
        # Called when the work was done and also when it was taken back undone.
        future.add_done_callback(self._release)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if future.cancelled() and not (task is not None and task.cancelling()):
                # `close` took it back, not the caller.
                raise Overloaded("the service is shutting down; try again in a moment") from None
            raise

    async def close(self) -> None:
        """Take no more work, drop what waits, and let what runs end."""
        with self._lock:
            self._closed = True
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    def _started(self, work: Callable[[], _T]) -> Callable[[], _T]:
        """The work, which tells how long it waited when it begins."""
        observe, asked = self._observe, time.perf_counter()
        if observe is None:
            return work

        def begun() -> _T:
            observe("queue", time.perf_counter() - asked)
            return work()

        return begun

    def _release(self, _: Future[_T]) -> None:
        with self._lock:
            self._taken -= 1


class AnalyzerPool:
    """Implements `core.ports.vision.Analyzer` over a synchronous function."""

    def __init__(self, analyze: Callable[[bytes], Evidence], workers: Workers) -> None:
        """Take the work and who does it.

        Args:
            analyze: such as `Pipeline.analyze`; called from several threads at once.
            workers: may be shared with other pools.
        """
        self._analyze = analyze
        self._workers = workers

    async def analyze(self, image: bytes) -> Evidence:
        """Say all that one picture says; raises what `core.ports.vision.Analyzer` raises."""
        return await self._workers.run(partial(self._analyze, image))


class AssessorPool:
    """Implements `core.ports.vision.Assessor` over a synchronous function."""

    def __init__(self, assess: Callable[[bytes], Assessed], workers: Workers) -> None:
        """Take the work and who does it.

        Args:
            assess: such as `Pipeline.assess`; called from several threads at once.
            workers: may be shared with other pools.
        """
        self._assess = assess
        self._workers = workers

    async def assess(self, image: bytes) -> Assessed:
        """Say how well a face can be judged; raises what `core.ports.vision.Assessor` raises."""
        return await self._workers.run(partial(self._assess, image))


class ArtistPool:
    """Implements `core.ports.spoofs.SpoofArtist` over a synchronous function."""

    def __init__(self, draw: Callable[[bytes], Drawn], workers: Workers) -> None:
        """Take the work and who does it.

        Args:
            draw: such as `SpoofPictures.draw`; called from several threads at once.
            workers: may be shared with other pools.
        """
        self._draw = draw
        self._workers = workers

    async def draw(self, image: bytes) -> Drawn:
        """What is kept of a picture; raises what `core.ports.spoofs.SpoofArtist` raises."""
        return await self._workers.run(partial(self._draw, image))


class WatcherPool:
    """Implements `core.ports.vision.Watcher` over synchronous functions."""

    def __init__(
        self,
        glimpse: Callable[[bytes, float], Glimpse],
        judge: Callable[[Sequence[Glimpse]], Liveness],
        workers: Workers,
    ) -> None:
        """Take the work and who does it.

        Args:
            glimpse: such as `Pipeline.glimpse`; called from several threads at once.
            judge: one liveness score from several glimpses; called the same way.
            workers: may be shared with other pools.
        """
        self._glimpse = glimpse
        self._judge = judge
        self._workers = workers

    async def glimpse(self, image: bytes, *, at_s: float) -> Glimpse:
        """Say all that one frame says; raises what `core.ports.vision.Watcher` raises."""
        return await self._workers.run(partial(self._glimpse, image, at_s))

    async def liveness(self, glimpses: Sequence[Glimpse]) -> Liveness:
        """One score from what every frame says and from what happens between them."""
        return await self._workers.run(partial(self._judge, glimpses))
