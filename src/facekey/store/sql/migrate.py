"""Bring a database to the schema of this version, or say why it isn't there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import inspect
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.store.sql.database import backend_of
from facekey.store.sql.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE = "facekey database upgrade"


def migrate(url: str, *, upgrade: bool = True) -> None:
    """Create the schema, or upgrade it. Safe when several processes start at once.

    (1) A schema of a newer version, or one that a restore or a hand left half made, is refused;
    (2) an older one is upgraded in one transaction, or refused where that was not asked for;
    (3) what is there then is all that this version uses.

    Args:
        url: of the database.
        upgrade: change a database that an older version made. An empty one is always prepared.

    Raises:
        SettingsInvalid: the schema isn't this version's; says what to run.
        StoreUnavailable: it is locked, full, or not a database.
    """
    backend = backend_of(url)
    engine = backend.migration_engine()
    config = _config()
    newest = ScriptDirectory.from_config(config).get_current_head()
    try:
        with engine.begin() as connection:
            current = _known_revision(connection, config)
            if current != newest:
                if current is not None and not upgrade:
                    raise SettingsInvalid(
                        f"the database has the schema {current} of an older version, this one {newest}; "
                        f"make a backup, stop the older version, and run: {UPGRADE}"
                    )
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
            _require_whole(connection)
        # What a crash or a busy reader left of deleted rows goes now.
        with engine.connect() as connection:
            backend.forget_deleted(connection)
    except CommandError as error:
        raise SettingsInvalid(f"the database can't be upgraded: {error}") from error
    except DBAPIError as error:
        raise StoreUnavailable(f"the database can't be prepared: {error.orig}") from error


def newest_revision() -> str:
    """The schema of this version."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


async def revision_of(connection: AsyncConnection) -> str | None:
    """The schema that a database has; None when it has none of ours. Changes nothing."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _known_revision(connection: Connection, config: Config) -> str | None:
    """The schema of a database that is empty or that this version can go on with.

    Raises:
        SettingsInvalid: it is neither.
    """
    heads = MigrationContext.configure(connection).get_current_heads()
    if len(heads) > 1:
        raise SettingsInvalid(
            f"the database claims {len(heads)} schemas at once ({', '.join(sorted(heads))}): "
            "it was changed by hand or restored twice; restore the last backup into an empty database"
        )
    if not heads:
        present = set(inspect(connection).get_table_names()) & set(metadata.tables)
        if present:
            raise SettingsInvalid(
                f"the database has tables of FaceKey ({_some(present)}) and doesn't say of which version: "
                "a restore didn't end; restore the backup again, into an empty database"
            )
        return None
    try:
        ScriptDirectory.from_config(config).get_revision(heads[0])
    except CommandError:
        raise SettingsInvalid(
            f"the database has the schema {heads[0]}, which this version of FaceKey doesn't know; "
            "run the version that wrote it, or a newer one"
        ) from None
    return heads[0]


def _require_whole(connection: Connection) -> None:
    """Every table and column of this version is there.

    Raises:
        SettingsInvalid: names what is missing.
    """
    # Of our tables alone: the index of pgvector has a type that SQLAlchemy doesn't know.
    columns_of = inspect(connection).get_multi_columns(filter_names=list(metadata.tables))
    present = {name: {column["name"] for column in columns} for (_, name), columns in columns_of.items()}
    missing = {table.name for table in metadata.sorted_tables if table.name not in present} | {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if table.name in present and column.name not in present[table.name]
    }
    if missing:
        raise SettingsInvalid(
            f"the database says that its schema is current, but {_some(missing)} is missing: an upgrade or "
            "a restore was broken off, or somebody changed it; restore the last backup into an empty database"
        )


def _some(names: set[str]) -> str:
    """A few of them, so that the sentence stays one."""
    first = sorted(names)[:4]
    return ", ".join(first) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
