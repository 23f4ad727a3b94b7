"""What every part of the service stands on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from facekey.core.ports.measures import UNMEASURED, StoreMeter
from facekey.settings import Settings
from facekey.store.sealing import KeyRing
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import DeploymentKeys, load_deployment_keys
from facekey.wiring.database import require_database
from facekey.wiring.keys import open_keys


@dataclass(frozen=True, slots=True)
class Deployment:
    """A database, the root keys that open it, and the keys that were found in it."""

    settings: Settings = field(repr=False)
    database: Database
    ring: KeyRing
    keys: DeploymentKeys


@asynccontextmanager
async def open_deployment(settings: Settings, *, meter: StoreMeter = UNMEASURED) -> AsyncIterator[Deployment]:
    """The database that the settings name, at this version's schema; closed again at the end.

    Raises:
        SettingsInvalid: a setting can't be used.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used.
    """
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(require_database, settings)
    database = Database(settings.database_url, meter=meter)
    try:
        yield Deployment(settings, database, ring, await load_deployment_keys(database, ring))
    finally:
        await database.close()
