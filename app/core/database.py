"""`python -c "from app.core.database import init_db; init_db()"`: create or upgrade the database."""

from app.halt import halt
from facekey.core.errors import FaceKeyError
from facekey.wiring.database import prepare_database


def init_db() -> None:
    """Bring the database of the settings to the schema of this version.

    What stands in the way is said in one line, and ends the process: with 78 a setting or a schema
    that can't be upgraded, with 75 a database that is away, locked or full.
    """
    try:
        prepare_database()
    except FaceKeyError as error:
        halt(error)
