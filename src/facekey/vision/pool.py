"""Pool: the one bridge from async callers to the synchronous pipeline. Bounded.

The networks compute on a thread pool of their own, so a few workers keep all cores
busy. Beyond them a short queue smooths bursts; what doesn't fit is refused at once,
because an answer that comes after the client has given up helps nobody.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import cv2

from facekey.core.errors import Overloaded
from facekey.core.types import Evidence


class AnalyzerPool:
    """Implements `core.ports.Analyzer` over a synchronous function."""

    def __init__(self, analyze: Callable[[bytes], Evidence], *, workers: int, max_waiting: int) -> None:
        """Start the workers' pool.

        Args:
            analyze: such as `Pipeline.analyze`; called from several threads at once.
            workers: how many pictures are looked at at the same time.
            max_waiting: how many more may wait.

        Raises:
            ValueError: there would be no worker.
        """
        if workers < 1 or max_waiting < 0:
            raise ValueError("a pool needs at least one worker and no negative queue")
        # Pictures are worked on side by side; OpenCV's own threads would only compete.
        cv2.setNumThreads(1)
        self._analyze = analyze
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="vision")
        self._capacity = workers + max_waiting
        self._lock = threading.Lock()
        self._taken = 0
        self._closed = False

    @property
    def taken(self) -> int:
        """Pictures that are being looked at or wait."""
        with self._lock:
            return self._taken

    async def analyze(self, image: bytes) -> Evidence:
        """Say all that one picture says.

        A caller that stops waiting frees its place when its picture leaves the queue or
        the worker, not before: the work is not done any sooner.

        Raises:
            ImageRefused: the bytes can't be read safely.
            SampleRejected: there is no face in it that can be judged.
            Overloaded: too many pictures are waiting already, or the pool is closed.
        """
        with self._lock:
            if self._closed:
                raise Overloaded("the service is shutting down; try again in a moment")
            if self._taken >= self._capacity:
                raise Overloaded("too many pictures are waiting; try again in a moment")
            self._taken += 1
            try:
                future = self._executor.submit(self._analyze, image)
            except BaseException:
                self._taken -= 1
                raise
        # Called when the picture was looked at and also when it was taken back unseen.
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
        """Take no more pictures, drop those that wait, and let the running ones end."""
        with self._lock:
            self._closed = True
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    def _release(self, _: Future[Evidence]) -> None:
        with self._lock:
            self._taken -= 1
