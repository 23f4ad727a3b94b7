"""One database: connections for reading, one writer at a time, errors in our words."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.core.ports.measures import UNMEASURED, StoreMeter
from facekey.store.sql.backend import Backend
from facekey.store.sql.postgres import Postgres
from facekey.store.sql.sqlite import Sqlite
from facekey.store.sql.threads import ConnectionThreads, Work

Result = TypeVar("Result")


class Database:
    """Runs work on connections: many readers, one writer at a time in all processes together.

    Work that has begun runs to its end even when whoever asked for it is cancelled: it is
    on a thread, which nobody can stop, and it may be about to commit.
    """

    def __init__(self, url: str, *, meter: StoreMeter = UNMEASURED) -> None:
        """Prepare engines and threads; nothing is opened yet.

        Args:
            url: of the database.
            meter: told how long reading and writing took, with the wait for a connection and a turn.

        Raises:
            SettingsInvalid: the URL is not one of a database that is supported.
        """
        self._backend = backend_of(url)
        self._readers = ConnectionThreads(
            self._backend.engine(writing=False), connections=self._backend.readers, name="reader"
        )
        self._writers = ConnectionThreads(
            self._backend.engine(writing=True), connections=self._backend.writers, name="writer"
        )
        self._meter = meter
        self._running: set[asyncio.Task[Any]] = set()

    async def read(self, work: Work[Result]) -> Result:
        """Do the work on a connection that sees one moment of the database.

        Raises:
            StoreUnavailable: the database is locked, full, broken or away.
        """

        async def reading() -> Result:
            async with self._told("read"):
                return await self._readers.run(work, commit=False)

        return await self._to_its_end(reading())

    async def write(self, work: Work[Result]) -> Result:
        """Do the work in a transaction that no other writer overlaps; commit when it ends well.

        Raises:
            StoreUnavailable: nothing of the work was kept.
        """

        async def writing() -> Result:
            async with self._told("write"):
                return await self._writers.run(work, commit=True)

        return await self._to_its_end(writing())

    async def forget_deleted(self) -> None:
        """Drop what deleted rows left in the files of the database.

        Done after an erasure. What can't be dropped now is dropped after the next one or at
        the next start, and until then is sealed with a key that is gone from the tables.

        Raises:
            StoreUnavailable: not now.
        """

        async def forgetting() -> None:
            async with _errors_in_our_words():
                await self._writers.outside(self._backend.forget_deleted)

        await self._to_its_end(forgetting())

    async def close(self) -> None:
        """Let running work end, then close every connection."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._readers.close()
        await self._writers.close()

    @asynccontextmanager
    async def _told(self, operation: str) -> AsyncIterator[None]:
        """Errors in our words, and how long it took; a refusal of ours is an answer like any other."""
        began, failed = time.perf_counter(), False
        try:
            async with _errors_in_our_words():
                yield
        except StoreUnavailable:
            failed = True
            raise
        finally:
            self._meter.asked("database", operation, time.perf_counter() - began, failed=failed)

    async def _to_its_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


def backend_of(url: str) -> Backend:
    """The kind of database that a URL names.

    Raises:
        SettingsInvalid: it can't be read, or names another kind.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the original quotes the URL, and a URL can hold a password.
        raise SettingsInvalid(
            "DATABASE_URL can't be read; examples: sqlite:///data/facekey.db, "
            "postgresql://USER:PASSWORD@HOST/DATABASE"
        ) from None
    kind = address.get_backend_name()
    if kind == "sqlite":
        return Sqlite(address)
    if kind in ("postgresql", "postgres"):
        return Postgres(address)
    raise SettingsInvalid(f"DATABASE_URL names {kind}; FaceKey supports sqlite:///PATH and postgresql://")


@asynccontextmanager
async def _errors_in_our_words() -> AsyncIterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreUnavailable(f"the database did not answer as it should: {cause}") from error
