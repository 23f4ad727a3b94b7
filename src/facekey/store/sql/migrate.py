"""Bring a database to the schema of this version."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.store.sql.database import BUSY_TIMEOUT_S, WRITE_BEGIN, checked_url, empty_log

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(url: str) -> None:
    """Create or upgrade the schema. Safe when several processes start at once.

    Raises:
        SettingsInvalid: the database belongs to a newer version of FaceKey.
        StoreUnavailable: it is locked, full, or not a database.
    """
    address = make_url(checked_url(url)).set(drivername="sqlite")
    _create_for_the_owner_only(Path(str(address.database)))
    engine = create_engine(
        address,
        poolclass=NullPool,
        connect_args={"timeout": BUSY_TIMEOUT_S},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Whoever comes second waits here, and then finds the work done.
        connection.exec_driver_sql(WRITE_BEGIN)

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
            if current != ScriptDirectory.from_config(config).get_current_head():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        # What a crash or a busy reader left in the log of deleted rows goes now.
        with engine.connect() as connection:
            empty_log(connection)
    except CommandError as error:
        raise SettingsInvalid(
            f"the database has a schema that this version of FaceKey doesn't know ({error}); "
            "run the version that wrote it, or a newer one"
        ) from error
    except DBAPIError as error:
        raise StoreUnavailable(f"the database can't be prepared: {error.orig}") from error


def _create_for_the_owner_only(path: Path) -> None:
    """An empty file that nobody else can read: user ids stand in it in the open.

    The files that SQLite puts beside it take their permissions from it.
    """
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreUnavailable(f"the database {path} can't be written: {error.strerror}") from error
