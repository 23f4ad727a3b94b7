import asyncio

import pytest
import structlog
from sqlalchemy import text

from facekey.api.service import Service
from facekey.core.audit_lines import verify_lines
from facekey.core.errors import AuditBroken, TooManyAtOnce
from facekey.core.ports.audit import AuditQuery
from facekey.core.types import SubjectId
from facekey.services.repeat import repeating
from facekey.services.seal_audit import SealAudit
from facekey.services.verify_audit import VerifyAudit
from facekey.store.sql.audit_trail import SqlAuditTrail
from tests.contract.store.opened import Store, event
from tests.unit.core.made import CALLER
from tests.unit.services.deployed import SIGNER, FixedClock, HandClock, checkpointing, recorded, verifying

ALICE = SubjectId("alice")


async def test_looking_is_on_record_once(service: Service, store: Store) -> None:
    await store.audit.append(event("register", ALICE))
    found = await service.read_audit.find(AuditQuery(10, subject_id=ALICE, action="register"), caller=CALLER)
    assert [record.sequence for record in found] == [1]
    _, looked = await recorded(store)
    assert (looked["action"], looked["actor"], looked["outcome"]) == ("read_audit", CALLER.actor, "shown")
    assert looked["subject"] == (await recorded(store))[0]["subject"]
    assert looked["details"] == {
        "action": "register",
        "outcome": None,
        "reason": None,
        "without": None,
        "before": None,
        "limit": 10,
        "since": None,
        "until": None,
    }


async def test_an_export_is_signed_up_to_its_own_record(service: Service, store: Store) -> None:
    for _ in range(3):
        await store.audit.append(event("authenticate", ALICE))
    lines = await service.read_audit.export(caller=CALLER)
    await store.audit.append(event("authenticate", ALICE))  # too late for this one
    exported = [line async for line in lines]
    found = verify_lines(exported, verifier=SIGNER.public)
    assert (found.head.sequence, found.signed_up_to, found.checkpoints) == (4, 4, 1)
    assert "exported" in exported[3]
    again = [line async for line in await service.read_audit.export(caller=CALLER)]
    assert verify_lines(again, verifier=SIGNER.public).checkpoints == 2


async def test_an_operator_has_it_verified(service: Service, store: Store) -> None:
    assert (await service.read_audit.verify(caller=CALLER)).head.sequence == 1
    await store.database.write(lambda connection: connection.execute(text("DELETE FROM audit_head")))
    with pytest.raises(AuditBroken):
        await service.read_audit.verify(caller=CALLER)


async def test_one_check_at_a_time(store: Store) -> None:
    verify = verifying(store)
    first = asyncio.create_task(verify())
    await asyncio.sleep(0)
    with pytest.raises(TooManyAtOnce):
        await verify()
    assert (await first).head.sequence == 0
    await verify()


async def test_without_keys_the_answer_claims_less(store: Store) -> None:
    clock = HandClock()
    await store.audit.append(event("authenticate", ALICE))
    with structlog.testing.capture_logs() as logged:
        made = await checkpointing(store, clock)()
    assert made is not None
    assert [(line["event"], line["sequence"]) for line in logged] == [("audit_checkpoint", 1)]
    verify = VerifyAudit(trail=SqlAuditTrail(store.database), verifier=None, pseudonym_key=None)
    found = await verify()
    assert (found.head.sequence, found.sealed, found.checkpoints, found.signed_up_to) == (1, False, 0, 0)
    assert await checkpointing(store, clock)() is None
    assert await checkpointing(store, clock)(at_once=True) is None, "nothing is new"


async def test_a_log_without_a_head_is_sealed_when_it_adds_up(store: Store) -> None:
    seal = SealAudit(trail=SqlAuditTrail(store.database), seal=store.audit, clock=FixedClock())
    for _ in range(3):
        await store.audit.append(event("authenticate", ALICE))
    await store.database.write(lambda connection: connection.execute(text("DELETE FROM audit_head")))
    assert (await seal(caller=CALLER)).sequence == 3
    assert (await recorded(store))[3]["action"] == "seal_audit"
    assert (await verifying(store)()).sealed


async def test_work_in_the_background_goes_on_after_it_failed() -> None:
    calls: list[int] = []
    done = asyncio.Event()
    failures: list[Exception | None] = [AuditBroken(1, "x"), AuditBroken(1, "x"), None, ValueError("y"), None]

    async def work() -> None:
        calls.append(1)
        if len(calls) == len(failures):
            done.set()
        failure = failures[len(calls) - 1] if len(calls) <= len(failures) else None
        if failure is not None:
            raise failure

    with structlog.testing.capture_logs() as logged:
        async with repeating("test", work, every_s=0.0):
            await done.wait()
            await asyncio.sleep(0)
    assert [line["event"] for line in logged] == [
        "background_work_failed",
        "background_work_goes_on",
        "defect",
        "background_work_goes_on",
    ]
    number = len(calls)
    await asyncio.sleep(0)
    assert len(calls) == number, "ended with its context"


async def test_a_defect_after_a_failure_is_one_line() -> None:
    failures: list[Exception] = [AuditBroken(1, "x"), ValueError("y")]
    done = asyncio.Event()

    async def work() -> None:
        if failures:
            raise failures.pop(0)
        done.set()

    with structlog.testing.capture_logs() as logged:
        async with repeating("test", work, every_s=0.0):
            await done.wait()
            await asyncio.sleep(0)
    assert [line["event"] for line in logged] == ["background_work_failed", "background_work_goes_on"]
