"""Connections, each with the thread that works on it.

One piece of work, with all its statements, is one trip to a thread and back. A driver that is
asked from the event loop makes that trip for every statement: on SQLite some forty for one
decision, more than ten milliseconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Engine
from sqlalchemy.exc import TimeoutError as PoolTimeout

from facekey.store.sql.backend import BUSY_TIMEOUT_S
from facekey.store.sql.connection import Connection

Result = TypeVar("Result")
Work = Callable[[Connection], Awaitable[Result]]


class ConnectionThreads:
    """As many threads as an engine has connections."""

    def __init__(self, engine: Engine, *, connections: int, name: str) -> None:
        """Take an engine; threads and connections are made when they are needed."""
        self._engine = engine
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix=name)
        self._free = asyncio.Semaphore(connections)

    async def run(self, work: Work[Result], *, commit: bool) -> Result:
        """Do the work in one transaction, and commit it when it ends well and is to be kept.

        Raises:
            PoolTimeout: every connection was in use for too long.
            SQLAlchemyError: what the database said.
            RuntimeError: the work waits for something else than its connection.
        """

        def whole() -> Result:
            with self._engine.begin() if commit else self._engine.connect() as connection:
                return _at_once(work(Connection(connection)))

        return await self._on_a_thread(whole)

    async def outside(self, work: Callable[[SyncConnection], None]) -> None:
        """Do work for which no transaction may have begun; raises what `run` raises."""

        def whole() -> None:
            with self._engine.connect() as connection:
                work(connection)

        await self._on_a_thread(whole)

    async def close(self) -> None:
        """Let running work end, then close every connection."""
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._engine.dispose)

    async def _on_a_thread(self, work: Callable[[], Result]) -> Result:
        if not self._free.locked():
            await self._free.acquire()
        else:
            try:
                await asyncio.wait_for(self._free.acquire(), BUSY_TIMEOUT_S)
            except TimeoutError:
                raise PoolTimeout(f"no connection became free in {BUSY_TIMEOUT_S:g} s") from None
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, copy_context().run, work)
        finally:
            self._free.release()


def _at_once(work: Awaitable[Result]) -> Result:
    """The result of work that never has to wait."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as end:
        result: Result = end.value
        return result
    raise RuntimeError("work on a connection may wait for nothing but its connection")
