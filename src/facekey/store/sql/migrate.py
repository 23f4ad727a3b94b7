"""Bring a database to the schema of this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.store.sql.database import backend_of

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(url: str) -> None:
    """Create or upgrade the schema. Safe when several processes start at once.

    Raises:
        SettingsInvalid: the database belongs to a newer version of FaceKey.
        StoreUnavailable: it is locked, full, or not a database.
    """
    backend = backend_of(url)
    engine = backend.migration_engine()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
            if current != ScriptDirectory.from_config(config).get_current_head():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        # What a crash or a busy reader left of deleted rows goes now.
        with engine.connect() as connection:
            backend.forget_deleted(connection)
    except CommandError as error:
        raise SettingsInvalid(
            f"the database has a schema that this version of FaceKey doesn't know ({error}); "
            "run the version that wrote it, or a newer one"
        ) from error
    except DBAPIError as error:
        raise StoreUnavailable(f"the database can't be prepared: {error.orig}") from error


def newest_revision() -> str:
    """The schema of this version."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head() or ""


async def revision_of(connection: AsyncConnection) -> str | None:
    """The schema that a database has; None when it has none of ours. Changes nothing."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
