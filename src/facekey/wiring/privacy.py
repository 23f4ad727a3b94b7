"""Consent, export, erasure, retention."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from facekey.services.consent import KeepConsent
from facekey.services.erase import Erase
from facekey.services.erase_again import EraseAgain
from facekey.services.export import Export
from facekey.services.retain import Retain
from facekey.settings import Settings
from facekey.store.announced import AnnouncedTemplates
from facekey.store.decoy import PopulationDecoy
from facekey.store.shared import Shared
from facekey.store.sql.consents import SqlConsents
from facekey.store.sql.directory import SqlDirectory
from facekey.store.sql.personal_data import SqlPersonalRecords
from facekey.store.sql.retention import SqlRetention
from facekey.store.sql.subjects import SqlTemplates
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import Deployment, open_deployment
from facekey.wiring.galleries import open_shared
from facekey.wiring.limits import retention_policy
from facekey.wiring.records import Records, make_records


@dataclass(frozen=True, slots=True)
class Privacy:
    """Who is there, and what they may ask for, without a network."""

    consents: KeepConsent
    export: Export
    erase: Erase
    retain: Retain
    erase_again: EraseAgain
    directory: SqlDirectory


@asynccontextmanager
async def open_privacy(settings: Settings) -> AsyncIterator[Privacy]:
    """All of it, without loading a network; raises what `open_deployment` raises."""
    async with open_deployment(settings) as deployment, open_shared(deployment) as shared:
        records = await make_records(deployment)
        # Nobody is compared here: the stand-ins for unknown ids need no likeness to faces.
        decoy = PopulationDecoy({}, key=deployment.keys.decoys)
        sealed = SqlTemplates(deployment.database, deployment.ring, records.log, decoy)
        yield make_privacy(deployment, records, AnnouncedTemplates(sealed, shared.changes), shared)


def make_privacy(
    deployment: Deployment, records: Records, templates: AnnouncedTemplates, shared: Shared
) -> Privacy:
    """Consent, export, erasure and retention on this database."""
    database, ring = deployment.database, deployment.ring
    names, clock = records.log.names, SystemClock()
    directory = SqlDirectory(database, ring, names)
    erase = Erase(templates=templates, signer=records.signer, pseudonym_of=names.pseudonym, clock=clock)
    return Privacy(
        KeepConsent(consents=SqlConsents(database, records.log), changes=shared.changes, clock=clock),
        Export(records=SqlPersonalRecords(database, ring, names), audit=records.log, clock=clock),
        erase,
        Retain(
            retention=SqlRetention(database, ring),
            erase=erase,
            policy=retention_policy(deployment.settings),
            clock=clock,
        ),
        EraseAgain(directory=directory, erase=erase, pseudonym_of=names.pseudonym),
        directory,
    )
