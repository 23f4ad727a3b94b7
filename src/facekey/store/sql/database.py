"""One database: connections for reading, one writer at a time, errors in our words."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from facekey.core.errors import SettingsInvalid, StoreUnavailable

BUSY_TIMEOUT_S = 5.0
READERS = 4
READ_BEGIN = "BEGIN"
WRITE_BEGIN = (
    "BEGIN IMMEDIATE"  # takes the write lock at once, so that a read can't turn stale before its write
)

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # an answered commit survives a power cut
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # erased rows are overwritten, not just unlinked
    f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}",
)


Result = TypeVar("Result")
Work = Callable[[AsyncConnection], Awaitable[Result]]


class Database:
    """Runs work on connections. SQLite has many readers and one writer; so has this.

    Work that has begun runs to its end even when whoever asked for it is cancelled: a
    statement that is broken off in the driver's thread can keep its connection, and with
    it the one write lock, until the garbage collector comes by.
    """

    def __init__(self, url: str) -> None:
        """Prepare engines; nothing is opened yet.

        Raises:
            SettingsInvalid: the URL is not one of a database that is supported.
        """
        self.url = checked_url(url)
        self._read_engine = _engine(self.url, READ_BEGIN, pool_size=READERS)
        self._write_engine = _engine(self.url, WRITE_BEGIN, pool_size=1)
        self._running: set[asyncio.Task[Any]] = set()

    async def read(self, work: Work[Result]) -> Result:
        """Do the work on a connection that sees one moment of the database.

        Raises:
            StoreUnavailable: the database is locked, full, broken or away.
        """

        async def reading() -> Result:
            async with _errors_in_our_words(), self._read_engine.connect() as connection:
                return await work(connection)

        return await self._to_its_end(reading())

    async def write(self, work: Work[Result]) -> Result:
        """Do the work in a transaction that no other writer overlaps; commit when it ends well.

        Raises:
            StoreUnavailable: nothing of the work was kept.
        """

        async def writing() -> Result:
            async with _errors_in_our_words(), self._write_engine.begin() as connection:
                return await work(connection)

        return await self._to_its_end(writing())

    async def forget_deleted_pages(self) -> None:
        """Empty the write-ahead log, which still holds what was deleted.

        Done after an erasure. A reader in mid-transaction can put it off; the next
        erasure or start then does it, and until then what lies there is sealed with a key
        that is gone from the tables.

        Raises:
            StoreUnavailable: not now.
        """

        async def emptying() -> None:
            async with _errors_in_our_words(), self._write_engine.connect() as connection:
                await connection.run_sync(empty_log)

        await self._to_its_end(emptying())

    async def close(self) -> None:
        """Let running work end, then close every connection."""
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._read_engine.dispose()
        await self._write_engine.dispose()

    async def _to_its_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)


def empty_log(connection: Connection) -> None:
    """Move all of the write-ahead log into the database, and overwrite it."""
    # On the driver's own cursor: SQLAlchemy would begin a transaction, and a checkpoint
    # can't run in one.
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cursor.close()


def checked_url(url: str) -> str:
    """A database URL with its asynchronous driver.

    Raises:
        SettingsInvalid: it can't be read, or names another kind of database.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: the original quotes the URL, and a URL can hold a password.
        raise SettingsInvalid("DATABASE_URL can't be read; an example: sqlite:///data/facekey.db") from None
    if parsed.get_backend_name() != "sqlite":
        raise SettingsInvalid(
            f"DATABASE_URL names {parsed.get_backend_name()}; this version supports sqlite:///PATH"
        )
    if not parsed.database or parsed.database == ":memory:":
        raise SettingsInvalid("DATABASE_URL must name a file: sqlite:///PATH")
    folder = Path(parsed.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsInvalid(f"DATABASE_URL: the folder {folder} can't be made: {error.strerror}") from error
    return parsed.set(drivername="sqlite+aiosqlite").render_as_string(hide_password=False)


def _engine(url: str, begin: str, *, pool_size: int) -> AsyncEngine:
    path = Path(str(make_url(url).database))
    engine = create_async_engine(
        url, pool_size=pool_size, max_overflow=0, pool_timeout=BUSY_TIMEOUT_S, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def find(*_: object) -> None:
        # Only `migrate` makes a database: a mistyped path must not look like an empty one.
        if not path.is_file():
            raise sqlite3.OperationalError(f"there is no database {path}")

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin_transaction(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


@asynccontextmanager
async def _errors_in_our_words() -> AsyncIterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout, OSError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreUnavailable(f"the database did not answer as it should: {cause}") from error
