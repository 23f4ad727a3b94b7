"""The audit log: who writes, seals, checks and reads it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from facekey.core.audit_statements import CheckpointPolicy
from facekey.credentials.signatures import Ed25519Signer, PublicKeys
from facekey.services.checkpoint import MakeCheckpoint
from facekey.services.follow_audit import FollowAudit
from facekey.services.read_audit import ReadAudit
from facekey.services.seal_audit import SealAudit
from facekey.services.verify_audit import VerifyAudit
from facekey.services.watch_audit import TellAuditBroken
from facekey.settings import Settings
from facekey.store.checkpoint_file import CheckpointFile
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.audit_tail import SqlAuditTail
from facekey.store.sql.audit_trail import SqlAuditTrail, SqlAuditView
from facekey.store.sql.checkpoints import SqlCheckpoints
from facekey.store.sql.database import Database
from facekey.store.sql.signing_keys import SqlSigningKeys
from facekey.wiring.alerts import open_outbox
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import Deployment, open_deployment

AUDIT_SIGNATURES = "audit"

KEPT_FOR_EVER = timedelta(days=365_000)  # what they signed must be verifiable as long as anybody has it


@asynccontextmanager
async def open_audit_trail(settings: Settings) -> AsyncIterator[SqlAuditTrail]:
    """The audit log as it is stored; reading it needs no key."""
    database = Database(settings.database_url)
    try:
        yield SqlAuditTrail(database)
    finally:
        await database.close()


def read_public_keys(path: Path) -> PublicKeys:
    """Public keys from a PEM file.

    Raises:
        SettingsInvalid: there is none in it.
    """
    return PublicKeys.parse(path.read_bytes())


@dataclass(frozen=True, slots=True)
class Records:
    """The audit log and what is around it."""

    log: SqlAuditLog
    trail: SqlAuditTrail
    signer: Ed25519Signer
    checkpoint: MakeCheckpoint
    verify: VerifyAudit
    read: ReadAudit
    follow: FollowAudit
    seal: SealAudit


@asynccontextmanager
async def open_records(settings: Settings) -> AsyncIterator[Records]:
    """The audit log with its keys, without loading a network; raises what `open_deployment` raises."""
    async with open_deployment(settings) as deployment:
        yield await make_records(deployment)


async def make_records(deployment: Deployment) -> Records:
    """The audit log of this database, with the keys that seal and sign it."""
    settings, database, keys = deployment.settings, deployment.database, deployment.keys
    clock = SystemClock()
    secrets = await SqlSigningKeys(database, deployment.ring).load(
        AUDIT_SIGNATURES, at=clock.now(), retired_for=KEPT_FOR_EVER
    )
    signer = Ed25519Signer([one.secret for one in secrets])
    log = audit_log(deployment)
    trail = SqlAuditTrail(database)
    verify = VerifyAudit(
        trail=trail,
        verifier=signer.public,
        pseudonym_key=keys.pseudonyms,
        tell=TellAuditBroken(alarm=open_outbox(deployment), clock=clock),
    )
    file = settings.audit_checkpoint_file
    checkpoint = MakeCheckpoint(
        checkpoints=SqlCheckpoints(
            database,
            signer,
            pseudonym_key=keys.pseudonyms,
            witness=None if file is None else CheckpointFile(file),
        ),
        policy=CheckpointPolicy(records=settings.audit_checkpoint_records),
        clock=clock,
    )
    read = ReadAudit(
        view=SqlAuditView(database, pseudonym_key=keys.pseudonyms),
        trail=trail,
        verify=verify,
        checkpoint=checkpoint,
        audit=log,
        clock=clock,
    )
    follow = FollowAudit(tail=SqlAuditTail(database), audit=log, clock=clock)
    seal = SealAudit(trail=trail, seal=log, clock=clock)
    return Records(log, trail, signer, checkpoint, verify, read, follow, seal)


def audit_log(deployment: Deployment) -> SqlAuditLog:
    """The audit log, in whose transactions alerts are written."""
    return SqlAuditLog(
        deployment.database, pseudonym_key=deployment.keys.pseudonyms, follower=open_outbox(deployment)
    )
