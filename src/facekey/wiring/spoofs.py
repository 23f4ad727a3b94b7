"""Evidence of suspected spoofs: who keeps it, and who may look at it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from facekey.core.ports.spoofs import UNWITNESSED, SpoofWitness
from facekey.core.ports.subjects import Directory
from facekey.services.find_name import FindName
from facekey.services.keep_evidence import KeepEvidence
from facekey.services.read_spoofs import ReadSpoofs
from facekey.store.sql.audit_trail import SqlAuditView
from facekey.store.sql.spoofs import SqlSpoofs
from facekey.vision.pool import ArtistPool, Workers
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import Deployment
from facekey.wiring.limits import consent_rule
from facekey.wiring.records import Records
from facekey.wiring.vision import Vision


@asynccontextmanager
async def witnessing(
    deployment: Deployment, records: Records, vision: Vision, workers: Workers
) -> AsyncIterator[SpoofWitness]:
    """What keeps evidence as long as this is open, and ends what it began; nothing where none is wanted."""
    if not deployment.settings.spoof_evidence_days:
        yield UNWITNESSED
        return
    artist = ArtistPool(vision.spoofs.draw, workers)
    keep = KeepEvidence(artist=artist, store=_store(deployment, records))
    try:
        yield keep
    finally:
        await keep.settled()


def make_read_spoofs(deployment: Deployment, records: Records, directory: Directory) -> ReadSpoofs:
    """What shows them to operators."""
    key = deployment.keys.pseudonyms
    return ReadSpoofs(
        read=records.read,
        view=SqlAuditView(deployment.database, pseudonym_key=key),
        store=_store(deployment, records),
        names=FindName(directory=directory, pseudonym_key=key),
        audit=records.log,
        clock=SystemClock(),
    )


def _store(deployment: Deployment, records: Records) -> SqlSpoofs:
    return SqlSpoofs(
        deployment.database, deployment.ring, records.log.names, consent_rule(deployment.settings)
    )
