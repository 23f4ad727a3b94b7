"""SQLite: one file, many readers, one writer. The default, for one machine."""

import sqlite3
from collections import deque
from pathlib import Path
from typing import Any, Self

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import NullPool

from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.store.sql.backend import BUSY_TIMEOUT_S

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


class _WholeAnswers(sqlite3.Cursor):
    """A cursor that has read all rows when it gives the first.

    SQLite's own reads on while its rows are used: what is written meanwhile would show up
    in an answer from before, and rows could not outlive their transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._rows: deque[Any] = deque()

    def execute(self, sql: str, parameters: Any = ()) -> Self:
        super().execute(sql, parameters)
        self._rows = deque(super().fetchall())
        return self

    def fetchone(self) -> Any:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        return [self._rows.popleft() for _ in range(min(size or 1, len(self._rows)))]

    def fetchall(self) -> list[Any]:
        rows, self._rows = list(self._rows), deque()
        return rows


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _WholeAnswers) -> Any:
        return super().cursor(factory)


class Sqlite:
    """Implements `Backend`."""

    readers = 4
    writers = 1

    def __init__(self, address: URL) -> None:
        """Take an address that names a file.

        Raises:
            SettingsInvalid: it names none, or one in a folder that can't be made.
        """
        if not address.database or address.database == ":memory:":
            raise SettingsInvalid("DATABASE_URL must name a file: sqlite:///PATH")
        self._path = Path(address.database)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsInvalid(
                f"DATABASE_URL: the folder {self._path.parent} can't be made: {error.strerror}"
            ) from error
        self._address = address

    def engine(self, *, writing: bool) -> Engine:
        """Connections for reading, or the one for writing."""
        begin = WRITE_BEGIN if writing else READ_BEGIN
        path = self._path
        engine = create_engine(
            self._address.set(drivername="sqlite"),
            pool_size=self.writers if writing else self.readers,
            max_overflow=0,
            connect_args={"factory": _Connection, "timeout": BUSY_TIMEOUT_S},
            pool_timeout=BUSY_TIMEOUT_S,
            hide_parameters=True,
        )

        @event.listens_for(engine, "do_connect")
        def find(*_: object) -> None:
            # Only `migrate` makes a database: a mistyped path must not look like an empty one.
            if not path.is_file():
                raise sqlite3.OperationalError(f"there is no database {path}")

        @event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: object) -> None:
            connection.isolation_level = None  # the driver must not begin transactions by itself
            cursor = connection.cursor()
            for pragma in PRAGMAS:
                cursor.execute(pragma)
            cursor.close()

        @event.listens_for(engine, "begin")
        def begin_transaction(connection: Any) -> None:
            connection.exec_driver_sql(begin)

        return engine

    def migration_engine(self) -> Engine:
        """Connections for changing the schema.

        Raises:
            StoreUnavailable: the file can't be made.
        """
        _create_for_the_owner_only(self._path)
        engine = create_engine(
            self._address.set(drivername="sqlite"),
            poolclass=NullPool,
            connect_args={"timeout": BUSY_TIMEOUT_S},
            hide_parameters=True,
        )

        @event.listens_for(engine, "connect")
        def prepare(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode = WAL")

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            # Whoever comes second waits here, and then finds the work done.
            connection.exec_driver_sql(WRITE_BEGIN)

        return engine

    def forget_deleted(self, connection: Connection) -> None:
        """Move all of the write-ahead log into the database, and overwrite it.

        A reader in mid-transaction can put it off; the next erasure or start then does it.

        Raises:
            StoreUnavailable: the disk is full or broken.
        """
        # On the driver's own cursor: SQLAlchemy would begin a transaction, and a checkpoint
        # can't run in one.
        cursor = connection.connection.cursor()
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the write-ahead log can't be emptied: {error}") from error
        finally:
            cursor.close()


def _create_for_the_owner_only(path: Path) -> None:
    """An empty file that nobody else can read.

    The files that SQLite puts beside it take their permissions from it.
    """
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreUnavailable(f"the database {path} can't be written: {error.strerror}") from error
