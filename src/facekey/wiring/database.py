"""The database of the settings."""

from facekey.settings import Settings, read_settings
from facekey.store.sql.migrate import migrate


def prepare_database(settings: Settings | None = None) -> None:
    """Create the database or bring it to this version's schema.

    Raises:
        SettingsInvalid: DATABASE_URL can't be used, or its schema is none that can be upgraded.
        StoreUnavailable: it is locked, full, or not a database.
    """
    migrate((settings or read_settings()).database_url)


def require_database(settings: Settings) -> None:
    """Let a database through that has this version's schema; prepare an empty one.

    An older schema is upgraded in the development profile only: in production other replicas of
    the older version may still run, and whoever upgrades makes a backup first.

    Raises:
        SettingsInvalid: DATABASE_URL can't be used, or its schema isn't this version's; says what to run.
        StoreUnavailable: it is locked, full, or not a database.
    """
    migrate(settings.database_url, upgrade=settings.profile == "development")
