"""Key rotation, and how many records hang on which key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from facekey.core.root_keys import KeyUse
from facekey.services.rotate_keys import RotateKeys
from facekey.settings import Settings
from facekey.store.sealing import KeyRing
from facekey.store.sql.database import Database
from facekey.store.sql.rotation import SqlWrappedKeys
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import open_deployment
from facekey.wiring.keys import open_keys
from facekey.wiring.records import audit_log


@asynccontextmanager
async def open_rotation(settings: Settings) -> AsyncIterator[RotateKeys]:
    """Key rotation, without loading a network; raises what `open_deployment` raises."""
    async with open_deployment(settings) as deployment:
        yield RotateKeys(
            keys=SqlWrappedKeys(deployment.database, deployment.ring),
            audit=audit_log(deployment),
            clock=SystemClock(),
        )


async def key_uses(settings: Settings) -> tuple[KeyUse, ...]:
    """How many records hang on which root key. Needs the current key only.

    Raises:
        SettingsInvalid: a setting can't be used.
        StoreUnavailable: the database can't be used.
    """
    database = Database(settings.database_url)
    try:
        return await SqlWrappedKeys(database, KeyRing(open_keys(settings))).uses()
    finally:
        await database.close()
