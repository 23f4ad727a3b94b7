"""Key rotation, and how many records hang on which key."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from facekey.core.root_keys import KeyUse
from facekey.services.rotate_keys import RotateKeys
from facekey.settings import Settings
from facekey.store.sealing import KeyRing
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import load_deployment_keys
from facekey.store.sql.rotation import SqlWrappedKeys
from facekey.wiring.clocks import SystemClock
from facekey.wiring.database import prepare_database
from facekey.wiring.keys import open_keys
from facekey.wiring.records import audit_log


@asynccontextmanager
async def open_rotation(settings: Settings) -> AsyncIterator[RotateKeys]:
    """Key rotation, without loading a network.

    Raises:
        SettingsInvalid: a setting can't be used.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used.
    """
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    database = Database(settings.database_url)
    try:
        keys = await load_deployment_keys(database, ring)
        audit = audit_log(settings, database, keys)
        yield RotateKeys(keys=SqlWrappedKeys(database, ring), audit=audit, clock=SystemClock())
    finally:
        await database.close()


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
