"""Bring a database to the schema of this version, or say why it isn't there."""

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.store.sql.database import backend_of
from facekey.store.sql.schema import MIGRATIONS, known_revision, newest_revision, require_whole

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
    try:
        with engine.begin() as connection:
            # (1)
            current, newest = known_revision(connection), newest_revision()
            # (2)
            if current != newest:
                if current is not None and not upgrade:
                    raise SettingsInvalid(
                        f"the database has the schema {current} of an older version, this one {newest}; "
                        f"make a backup, stop the older version, and run: {UPGRADE}"
                    )
                _upgrade(connection)
            # (3)
            require_whole(connection)
        # What a crash or a busy reader left of deleted rows goes now.
        with engine.connect() as connection:
            backend.forget_deleted(connection)
    except DBAPIError as error:
        raise StoreUnavailable(f"the database can't be prepared: {error.orig}") from error


def _upgrade(connection: Connection) -> None:
    # Only here: it takes a tenth of a second to load, and nearly every start finds the right schema.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
