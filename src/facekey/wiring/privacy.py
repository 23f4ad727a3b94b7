"""Consent, export, erasure, retention."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from facekey.services.consent import KeepConsent
from facekey.services.erase import Erase
from facekey.services.export import Export
from facekey.services.retain import Retain
from facekey.settings import Settings
from facekey.store.announced import AnnouncedTemplates
from facekey.store.decoy import PopulationDecoy
from facekey.store.sealing import KeyRing
from facekey.store.shared import Shared
from facekey.store.sql.consents import SqlConsents
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import load_deployment_keys
from facekey.store.sql.personal_data import SqlPersonalRecords
from facekey.store.sql.retention import SqlRetention
from facekey.store.sql.subjects import SqlTemplates
from facekey.wiring.clocks import SystemClock
from facekey.wiring.database import prepare_database
from facekey.wiring.galleries import open_shared
from facekey.wiring.keys import open_keys
from facekey.wiring.limits import retention_policy
from facekey.wiring.records import Records, make_records


@dataclass(frozen=True, slots=True)
class Privacy:
    """What people may ask for, without a network."""

    consents: KeepConsent
    export: Export
    erase: Erase
    retain: Retain


@asynccontextmanager
async def open_privacy(settings: Settings) -> AsyncIterator[Privacy]:
    """Consents, exports and retention, without loading a network; for the command line.

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
        records = await make_records(settings, database, ring, keys)
        # Nobody is compared here: the stand-ins for unknown ids need no likeness to faces.
        decoy = PopulationDecoy({}, key=keys.decoys)
        async with open_shared(settings, keys) as shared:
            templates = AnnouncedTemplates(SqlTemplates(database, ring, records.log, decoy), shared.changes)
            yield make_privacy(settings, database, ring, records, templates, shared)
    finally:
        await database.close()


def make_privacy(  # noqa: PLR0917 - each is needed once, here
    settings: Settings,
    database: Database,
    ring: KeyRing,
    records: Records,
    templates: AnnouncedTemplates,
    shared: Shared,
) -> Privacy:
    """Consent, export, erasure and retention on this database."""
    names, clock = records.log.names, SystemClock()
    erase = Erase(templates=templates, signer=records.signer, pseudonym_of=names.pseudonym, clock=clock)
    return Privacy(
        KeepConsent(consents=SqlConsents(database, records.log), changes=shared.changes, clock=clock),
        Export(records=SqlPersonalRecords(database, ring, names), audit=records.log, clock=clock),
        erase,
        Retain(
            retention=SqlRetention(database, ring),
            erase=erase,
            policy=retention_policy(settings),
            clock=clock,
        ),
    )
