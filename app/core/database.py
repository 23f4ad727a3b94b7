"""`python -c "from app.core.database import init_db; init_db()"`: create or upgrade the database."""

from facekey.wiring.database import prepare_database


def init_db() -> None:
    """Bring the database of the settings to the schema of this version.

    Raises:
        SettingsInvalid: DATABASE_URL can't be used, or a newer version wrote the database.
        StoreUnavailable: it is locked, full, or not a database.
    """
    prepare_database()
