from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent
from facekey.core.audit_statements import CheckpointPolicy
from facekey.core.errors import StoreUnavailable
from facekey.core.ports.measures import Unmeasured
from facekey.core.types import SubjectId
from facekey.credentials.signatures import Ed25519Signer
from facekey.services.take_vitals import TakeVitals
from facekey.store.sql.checkpoints import SqlCheckpoints
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.ledger import SqlLedger
from facekey.store.sql.signing_keys import SqlSigningKeys
from facekey.store.sql.vitals import SqlVitalSigns
from tests.contract.store.opened import ATTEMPTS, Store, event, template
from tests.unit.services.deployed import HandClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Counting(Unmeasured):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.stores: list[tuple[str, str, bool]] = []
        self.kept_out: list[str] = []

    def asked(self, store: str, operation: str, seconds: float, *, failed: bool) -> None:
        assert seconds >= 0
        self.stores.append((store, operation, failed))

    def locked_out(self, who: str) -> None:
        self.kept_out.append(who)


async def test_an_empty_deployment_has_nothing_to_tell(store: Store) -> None:
    vitals = await SqlVitalSigns(store.database, store.ring).read(at=NOW)
    assert (vitals.kept_out, vitals.alerts_waiting, vitals.alerts_given_up) == ({}, 0, 0)
    assert (vitals.audit_records, vitals.checkpoint_at, vitals.keys_made_at) == (0, None, {})


async def test_what_the_database_knows_is_told_without_names(store: Store) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    claim = Claim(SubjectId("alice"), "192.0.2.1")
    for _ in range(5):
        record = AuditEvent("authenticate", "test", claim.subject_id, "reject", "no_match", NOW, {})
        await store.ledger.settle(record, claim, Result.FAILURE)
    secrets = await SqlSigningKeys(store.database, store.ring).load(
        "audit", at=NOW, retired_for=timedelta(days=1)
    )
    signer = Ed25519Signer([one.secret for one in secrets])
    checkpoints = SqlCheckpoints(store.database, signer, pseudonym_key=store.keys.pseudonyms, witness=None)
    await checkpoints.write(CheckpointPolicy(records=1), at=NOW)
    signs = SqlVitalSigns(store.database, store.ring)
    vitals = await signs.read(at=NOW + timedelta(seconds=1))
    assert vitals.kept_out == {"user": 1, "address": 1}
    assert vitals.audit_records == 6
    assert vitals.checkpoint_at == NOW
    assert vitals.keys_made_at == {"audit": NOW}
    assert (await signs.read(at=NOW + timedelta(days=1))).kept_out == {}, "the wait is over"


async def test_a_failure_that_keeps_somebody_out_is_counted_once_it_is_on_record(store: Store) -> None:
    meter = Counting()
    ledger = SqlLedger(
        store.database, store.audit, ATTEMPTS, pseudonym_key=store.keys.pseudonyms, meter=meter
    )
    claim = Claim(SubjectId("alice"), "192.0.2.1")
    for number in range(5):
        assert meter.kept_out == [], f"{number} failures are free"
        record = AuditEvent("authenticate", "test", claim.subject_id, "reject", "no_match", NOW, {})
        await ledger.settle(record, claim, Result.FAILURE)
    assert sorted(meter.kept_out) == ["address", "user"]


async def test_questions_to_the_database_are_timed_and_failures_counted(store: Store) -> None:
    meter = Counting()
    database = Database(store.url, meter=meter)

    async def refused(_: object) -> None:
        raise StoreUnavailable("away")

    try:
        await SqlVitalSigns(database, store.ring).read(at=NOW)
        with pytest.raises(StoreUnavailable):
            await database.write(refused)
    finally:
        await database.close()
    assert meter.stores == [("database", "read", False), ("database", "write", True)]


async def test_a_look_that_fails_leaves_no_old_figures(store: Store) -> None:
    take = TakeVitals(signs=SqlVitalSigns(store.database, store.ring), clock=HandClock(NOW))
    assert take.last is None
    await take()
    assert take.last is not None
    assert take.last.at == NOW
    await remove(store)
    with pytest.raises(StoreUnavailable):
        await take()
    assert take.last is None


async def remove(store: Store) -> None:
    """Take a table away, as a database that is being restored lacks one."""

    async def dropping(connection: Connection) -> None:
        await connection.execute(text("DROP TABLE outbox"))

    await store.database.write(dropping)
