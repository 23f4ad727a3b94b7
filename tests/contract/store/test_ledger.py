import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent
from facekey.core.errors import AttemptsExhausted
from facekey.core.types import SubjectId
from tests.contract.store.opened import Store, event, template
from tests.unit.services.deployed import recorded

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALICE = Claim(SubjectId("alice"), None)
FROM_HERE = Claim(None, "192.0.2.1")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


async def attempt(store: Store, claim: Claim, result: Result, moment: datetime = NOW) -> None:
    await store.ledger.admit(claim, at=moment)
    event = AuditEvent("authenticate", "test", claim.subject_id, "reject", "no_match", moment, {})
    await store.ledger.settle(event, claim, result)


async def fail(store: Store, claim: Claim, times: int, moment: datetime = NOW) -> None:
    for _ in range(times):
        await attempt(store, claim, Result.FAILURE, moment)


async def test_the_fifth_failure_costs_a_wait(store: Store) -> None:
    await fail(store, ALICE, 5)
    with pytest.raises(AttemptsExhausted):
        await store.ledger.admit(ALICE, at=at(29))
    await store.ledger.admit(ALICE, at=at(30))
    await store.ledger.admit(Claim(SubjectId("bob"), "192.0.2.9"), at=NOW)


async def test_one_face_tried_on_everybody_is_stopped_by_its_address(store: Store) -> None:
    for number in range(5):
        await attempt(store, Claim(SubjectId(f"user{number}"), "192.0.2.1"), Result.FAILURE)
    with pytest.raises(AttemptsExhausted):
        await store.ledger.admit(Claim(SubjectId("user5"), "192.0.2.1"), at=NOW)
    await store.ledger.admit(Claim(SubjectId("user5"), "192.0.2.2"), at=NOW)


async def test_a_success_clears_the_user_but_not_the_address(store: Store) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    claim = Claim(SubjectId("alice"), "192.0.2.1")
    await fail(store, claim, 4)
    await attempt(store, claim, Result.SUCCESS)
    assert await store.ledger.failures(ALICE) is None
    left = await store.ledger.failures(FROM_HERE)
    assert left is not None
    assert left.count == 3


async def test_what_could_not_be_judged_counts_for_nothing(store: Store) -> None:
    for _ in range(10):
        await attempt(store, ALICE, Result.NEITHER)
    assert await store.ledger.failures(ALICE) is None


async def test_limits_hold_for_the_next_process_and_the_one_beside(store: Store, neighbour: Store) -> None:
    await fail(store, ALICE, 3)
    await fail(neighbour, ALICE, 2)
    for one in (store, neighbour):
        with pytest.raises(AttemptsExhausted):
            await one.ledger.admit(ALICE, at=NOW)


async def test_many_at_once_get_no_more_answers_than_one_after_the_other(
    store: Store, neighbour: Store
) -> None:
    """All were admitted before any of them failed."""
    event = AuditEvent("authenticate", "test", SubjectId("alice"), "reject", "no_match", NOW, {})
    outcomes = await asyncio.gather(
        *(one.ledger.settle(event, ALICE, Result.FAILURE) for one in (store, neighbour) * 10),
        return_exceptions=True,
    )
    assert sum(isinstance(one, AttemptsExhausted) for one in outcomes) == 15
    assert len(await recorded(store)) == 5, "what was withheld is no decision"


async def locked(store: Store) -> datetime:
    moment = NOW
    for _ in range(50):
        await fail(store, ALICE, 1, moment)
        moment += timedelta(hours=2)
    return moment


async def test_fifty_failures_lock_until_an_operator_unlocks(store: Store) -> None:
    moment = await locked(store)
    with pytest.raises(AttemptsExhausted) as refused:
        await store.ledger.admit(ALICE, at=moment + timedelta(days=1000))
    assert refused.value.locked
    last = (await recorded(store))[-2:]
    assert {record["action"] for record in last} == {"lock_out", "authenticate"}
    unlock = AuditEvent("unlock", "operator:x", SubjectId("alice"), "done", "asked", moment, {"of": "user"})
    assert await store.ledger.unlock(ALICE, unlock)
    await store.ledger.admit(ALICE, at=moment)
    assert not await store.ledger.unlock(ALICE, unlock)


async def test_tables_name_neither_users_nor_addresses(store: Store) -> None:
    await fail(store, Claim(SubjectId("alice"), "192.0.2.1", "ada.lovelace"), 1)
    rows = await store.database.read(
        lambda connection: connection.exec_driver_sql("SELECT key FROM attempts")
    )
    assert sorted(str(row.key).partition(":")[0] for row in rows) == ["operator", "sign_in", "user"]
    records = str(await recorded(store))
    assert not [name for name in ("alice", "192.0.2.1", "ada.lovelace") if name in records]


async def test_a_network_of_the_new_protocol_is_one_address(store: Store) -> None:
    for number in range(5):
        await attempt(store, Claim(SubjectId(f"user{number}"), f"2001:db8:1:2:{number}::7"), Result.FAILURE)
    with pytest.raises(AttemptsExhausted):
        await store.ledger.admit(Claim(None, "2001:db8:1:2:ffff::1"), at=NOW)
    await store.ledger.admit(Claim(None, "2001:db8:1:3::1"), at=NOW)


async def test_faces_and_passwords_from_one_address_are_counted_apart(store: Store) -> None:
    await fail(store, FROM_HERE, 5)
    signing_in = Claim(None, "192.0.2.1", operator="ada")
    await store.ledger.admit(signing_in, at=NOW)
    for number in range(6):
        await attempt(
            store, Claim(None, "192.0.2.1", operator=f"name{number}"), Result.FAILURE, at(60 * number)
        )
    with pytest.raises(AttemptsExhausted):
        await store.ledger.admit(signing_in, at=at(301))
    worst = await store.ledger.failures(FROM_HERE)
    assert worst is not None
    assert worst.count == 6
    unlock = AuditEvent("unlock", "operator:x", None, "done", "asked", NOW, {"of": "address"})
    assert await store.ledger.unlock(FROM_HERE, unlock), "an operator means both"
    await store.ledger.admit(signing_in, at=NOW)
    await store.ledger.admit(FROM_HERE, at=NOW)
