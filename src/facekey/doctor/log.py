"""The audit log adds up, and what it tells of reaches somebody."""

from sqlalchemy import func, select

from facekey.core.errors import AuditBroken
from facekey.doctor.examination import Finding, Patient, fail, ok, warn
from facekey.doctor.stored import Stored, opened
from facekey.services.verify_audit import VerifyAudit
from facekey.services.watch_audit import NEWEST, CheckTail
from facekey.store.sealing import KeyRing
from facekey.store.sql.audit_tail import SqlAuditTail
from facekey.store.sql.audit_trail import SqlAuditTrail
from facekey.store.sql.connection import Connection
from facekey.store.sql.tables import outbox
from facekey.wiring.keys import open_keys

BROKEN = "keep the database as it is, run facekey audit verify, compare with the checkpoints kept elsewhere"


async def chain(patient: Patient) -> list[Finding]:
    """The newest part, or with `--full` all of it."""
    ring = KeyRing(open_keys(patient.settings))
    async with opened(patient.settings.database_url, ring) as stored:
        try:
            if patient.full:
                return ok(f"all {await all_records(stored)} audit records add up")
            check = CheckTail(tail=SqlAuditTail(stored.database), pseudonym_key=stored.pseudonym_key)
            head = await check()
        except AuditBroken as error:
            return fail(str(error), BROKEN)
    looked_at = min(head.sequence, NEWEST)
    return ok(f"the newest {looked_at} of {head.sequence} audit records add up (all of them: --full)")


async def all_records(stored: Stored) -> int:
    """Check every link and the sealed end; give how many there are.

    Raises:
        AuditBroken: names the first record that doesn't add up.
    """
    verify = VerifyAudit(
        trail=SqlAuditTrail(stored.database), verifier=None, pseudonym_key=stored.pseudonym_key
    )
    return (await verify()).head.sequence


async def undelivered(patient: Patient) -> list[Finding]:
    """No alert was given up."""
    ring = KeyRing(open_keys(patient.settings))
    async with opened(patient.settings.database_url, ring) as stored:
        given_up = await stored.database.read(_given_up)
    if given_up:
        return warn(
            f"{given_up} alerts were given up", "facekey alerts list says why; then: facekey alerts retry"
        )
    return ok("no alert was given up")


async def _given_up(connection: Connection) -> int:
    query = select(func.count()).select_from(outbox).where(outbox.c.failed_at.is_not(None))
    return int((await connection.execute(query)).scalar_one())
