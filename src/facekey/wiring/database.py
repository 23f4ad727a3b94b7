"""The database of the settings."""

from facekey.settings import Settings, read_settings
from facekey.store.sql.migrate import migrate


def prepare_database(settings: Settings | None = None) -> None:
    """Create the database or bring it to this version's schema.

    Raises:
        SettingsInvalid: DATABASE_URL can't be used, or a newer version wrote the database.
        StoreUnavailable: it is locked, full, or not a database.
    """
    migrate((settings or read_settings()).database_url)
