"""The schema that a database has, and whether it is this version's. Changes nothing.

Apart from `migrate.py`, which loads what changes schemas: a start that finds the right one, which is
nearly every start, has no use for it.
"""

from pathlib import Path

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import Inspector, inspect, text

from facekey.core.errors import SettingsInvalid
from facekey.store.sql.connection import Connection
from facekey.store.sql.tables import metadata

MIGRATIONS = Path(__file__).parent / "migrations"
SHOWN = 4


def revisions() -> list[str]:
    """Every schema that this version knows, by the numbers of its migrations, the newest last."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def newest_revision() -> str:
    """The schema of this version."""
    return revisions()[-1]


async def revision_of(connection: Connection) -> str | None:
    """The schema that a database has; None when it has none of ours."""
    stated = await connection.run_sync(lambda sync: _stated(sync, inspect(sync)))
    return stated[0] if stated else None


def known_revision(connection: SyncConnection) -> str | None:
    """The schema of a database that this version can go on with; None where it is empty.

    Raises:
        SettingsInvalid: it can't; says what to do.
    """
    inspector = inspect(connection)
    stated = _stated(connection, inspector)
    if len(stated) > 1:
        raise SettingsInvalid(
            f"the database claims {len(stated)} schemas at once ({', '.join(sorted(stated))}): "
            "it was changed by hand or restored twice; restore the last backup into an empty database"
        )
    if not stated:
        present = set(inspector.get_table_names()) & set(metadata.tables)
        if present:
            raise SettingsInvalid(
                f"the database has tables of FaceKey ({_some(present)}) and doesn't say of which version: "
                "a restore didn't end; restore the backup again, into an empty database"
            )
        return None
    if stated[0] not in revisions():
        raise SettingsInvalid(
            f"the database has the schema {stated[0]}, which this version of FaceKey doesn't know; "
            "run the version that wrote it, or a newer one"
        )
    return stated[0]


def require_whole(connection: SyncConnection) -> None:
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


def _stated(connection: SyncConnection, inspector: Inspector) -> list[str]:
    """What the database says of itself."""
    if not inspector.has_table("alembic_version"):
        return []
    rows = connection.execute(text("SELECT version_num FROM alembic_version"))
    return [str(revision) for revision in rows.scalars()]


def _some(names: set[str]) -> str:
    """A few of them, so that the sentence stays one."""
    first = sorted(names)[:SHOWN]
    return ", ".join(first) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
