"""Alerts in the database: kept with what they tell of, folded, claimed by one at a time."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from facekey.core.alerts import SEVERAL, Alert, AlertKind, AlertPolicy
from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent, pseudonym
from facekey.core.errors import AttemptsExhausted, AuditBroken, StoreUnavailable
from facekey.core.ports.alerts import Claimed
from facekey.core.types import SubjectId
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.audit_tail import SqlAuditTail
from facekey.store.sql.connection import Connection
from facekey.store.sql.ledger import SqlLedger
from facekey.store.sql.outbox import SqlOutbox
from facekey.store.sql.tables import outbox
from tests.contract.store.opened import ATTEMPTS, Store, event, template

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVERY = timedelta(minutes=10)
LEASE_S = 60.0


def box(store: Store, *channels: str) -> SqlOutbox:
    return SqlOutbox(
        store.database,
        channels=channels or ("email",),
        policy=AlertPolicy(every=EVERY, people=3),
        pseudonym_key=store.keys.pseudonyms,
    )


def log(store: Store, *channels: str) -> SqlAuditLog:
    return SqlAuditLog(store.database, pseudonym_key=store.keys.pseudonyms, follower=box(store, *channels))


def spoof(user_id: str = "alice", after_s: float = 0.0) -> AuditEvent:
    at = AT + timedelta(seconds=after_s)
    return AuditEvent(
        "authenticate", "test", SubjectId(user_id), "reject", "spoof_suspected", at, {"liveness": 0.01}
    )


async def taken(store: Store, after_s: float = 0.0, channel: str = "email") -> Claimed | None:
    at = AT + timedelta(seconds=after_s)
    return await box(store).claim(channel, at=at, lease_s=LEASE_S)


async def sent(store: Store, after_s: float = 0.0) -> list[tuple[int, str | None]]:
    """Send all that is due; the counts, and whom they are about."""
    found = []
    while (claimed := await taken(store, after_s)) is not None:
        await box(store).sent(claimed, at=AT + timedelta(seconds=after_s))
        found.append((claimed.message.count, claimed.message.subject))
    return found


async def test_a_spoof_is_told_by_every_channel_and_under_a_pseudonym(store: Store) -> None:
    await log(store, "email", "webhook").append(spoof())
    who = pseudonym(SubjectId("alice"), store.keys.pseudonyms)
    uids = set()
    for channel in ("email", "webhook"):
        claimed = await taken(store, channel=channel)
        assert claimed is not None
        assert (claimed.message.kind, claimed.message.subject, claimed.tries) == (AlertKind.SPOOF, who, 1)
        uids.add(claimed.message.uid)
    assert len(uids) == 2
    rows = await store.database.read(_rows)
    assert "alice" not in str(rows)
    assert "0.01" not in str(rows), "scores stay in the log"


async def test_an_ordinary_record_is_no_alert(store: Store) -> None:
    await log(store).append(event("register", "alice", at=AT))
    assert await taken(store, 3600) is None


async def test_what_is_rolled_back_is_not_told(store: Store) -> None:
    follower = log(store)

    async def failing(connection: Connection) -> None:
        await follower.append_within(connection, spoof())
        raise AuditBroken(1, "not to be")

    with pytest.raises(AuditBroken):
        await store.database.write(failing)
    assert await taken(store) is None
    assert [record async for record in follower.records()] == []


async def test_no_record_without_its_alert(store: Store) -> None:
    async def without(connection: Connection) -> None:
        await connection.execute(text("ALTER TABLE outbox RENAME TO elsewhere"))

    await store.database.write(without)
    with pytest.raises(StoreUnavailable):
        await log(store).append(spoof())
    assert [record async for record in store.audit.records()] == []


async def test_a_flood_is_two_messages(store: Store) -> None:
    await log(store).append(spoof())
    assert [count for count, _ in await sent(store)] == [1], "the first leaves at once"
    for second in range(1, 38):
        await log(store).append(spoof(after_s=second))
    assert await sent(store, 60) == [], "the others wait"
    assert [count for count, _ in await sent(store, 599)] == []
    assert [count for count, _ in await sent(store, 601)] == [37]
    await log(store).append(spoof(after_s=4000))
    assert [count for count, _ in await sent(store, 4000)] == [1], "after a pause, at once again"


async def test_others_are_not_kept_waiting_until_there_are_many(store: Store) -> None:
    for number in range(20):
        await log(store).append(spoof(f"user{number}"))
    first = await sent(store)
    assert sorted(count for count, _ in first) == [1, 1, 1, 17], "three people, and all others"
    assert len({who for _, who in first}) == 4
    assert SEVERAL in {who for _, who in first}
    for number in range(20):
        await log(store).append(spoof(f"user{number}", 10))
    assert await sent(store, 60) == []
    assert sum(count for count, _ in await sent(store, 700)) == 20


async def test_what_waited_while_nobody_sent_leaves_as_one(store: Store) -> None:
    for hour in range(5):
        await log(store).append(spoof(after_s=3600 * hour))
    assert [count for count, _ in await sent(store, 5 * 3600)] == [5]


async def test_one_replica_at_a_time(store: Store, neighbour: Store) -> None:
    for number in range(3):
        await log(store).append(spoof(f"user{number}"))
    claims = await asyncio.gather(*(taken(one) for one in (store, neighbour) * 4))
    uids = [claimed.message.uid for claimed in claims if claimed is not None]
    assert len(uids) == len(set(uids)) == 3


async def test_who_dies_while_sending_leaves_it_to_the_next(store: Store, neighbour: Store) -> None:
    await log(store).append(spoof())
    first = await taken(store)
    assert first is not None
    assert await taken(neighbour, LEASE_S - 1) is None
    second = await taken(neighbour, LEASE_S)
    assert second is not None
    assert (second.message, second.tries) == (first.message, 2)


async def test_a_channel_that_fails_waits_as_a_whole(store: Store) -> None:
    for number in range(2):
        await log(store, "email", "webhook").append(spoof(f"user{number}"))
    claimed = await taken(store)
    assert claimed is not None
    await box(store).failed(claimed, "no\nanswer " + 300 * "x", at=AT, wait_s=30.0)
    assert await taken(store, 29) is None
    assert await taken(store, 29, channel="webhook") is not None, "the other goes on"
    again = await taken(store, 30)
    assert again is not None
    assert again.message.uid != claimed.message.uid, "first what was tried least"
    waiting = next(one for one in await box(store).newest(10) if one.last_error is not None)
    assert waiting.last_error is not None
    assert waiting.last_error.startswith("no answer xxx")
    assert len(waiting.last_error) == 200


async def test_what_is_given_up_stays_to_be_seen_and_can_be_tried_again(store: Store) -> None:
    await log(store).append(spoof())
    claimed = await taken(store)
    assert claimed is not None
    await box(store).failed(claimed, "no answer", at=AT, wait_s=None)
    assert await taken(store, 1e6) is None
    (waiting,) = await box(store).newest(10)
    assert (waiting.failed_at, waiting.last_error, waiting.tries) == (AT, "no answer", 1)
    assert await box(store).retry(at=AT) == 1
    assert await box(store).retry(at=AT) == 0
    again = await taken(store)
    assert again is not None
    assert again.message == claimed.message


async def test_an_alert_without_a_record(store: Store) -> None:
    await box(store).tell(Alert(AlertKind.AUDIT_BROKEN, AT, "system", None, {"record": "7"}))
    claimed = await taken(store)
    assert claimed is not None
    assert (claimed.message.kind, dict(claimed.message.facts)) == (AlertKind.AUDIT_BROKEN, {"record": "7"})


async def test_a_lock_out_is_told(store: Store) -> None:
    ledger = SqlLedger(store.database, log(store), ATTEMPTS, pseudonym_key=store.keys.pseudonyms)
    claim = Claim(SubjectId("alice"), None)
    refused = replace(spoof(), reason="no_match", details={})
    at = AT
    for _ in range(ATTEMPTS.locked_at):
        await ledger.settle(replace(refused, at=at), claim, Result.FAILURE)
        at += timedelta(hours=2)
    with pytest.raises(AttemptsExhausted):
        await ledger.settle(replace(refused, at=at), claim, Result.FAILURE)
    claimed = await box(store).claim("email", at=at, lease_s=LEASE_S)
    assert claimed is not None
    assert claimed.message.kind is AlertKind.LOCK_OUT
    assert claimed.message.facts["of"] == "user"
    assert claimed.message.subject == pseudonym(SubjectId("alice"), store.keys.pseudonyms)


async def test_nothing_of_an_erased_person_stays(store: Store) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    await log(store).append(spoof())
    await sent(store)
    await log(store).append(spoof(after_s=1))
    await log(store).append(spoof("bob", after_s=1))
    await store.templates.erase(SubjectId("alice"), event("erase", "alice"))
    (left,) = await box(store).newest(10)
    assert left.message.subject == pseudonym(SubjectId("bob"), store.keys.pseudonyms)


async def test_the_tail_of_the_log(store: Store) -> None:
    tail = SqlAuditTail(store.database)
    assert (await tail.newest(5)).records == ()
    for number in range(7):
        await store.audit.append(event(f"n{number}", "alice"))
    newest, since = await tail.newest(3), await tail.since(3, most=2)
    assert [record.sequence for record in newest.records] == [5, 6, 7]
    assert [record.sequence for record in since.records] == [3, 4]
    assert newest.head == since.head
    assert newest.head is not None
    assert newest.head.head.digest == newest.records[-1].digest


async def _rows(connection: Connection) -> list[object]:
    return [tuple(row) for row in await connection.execute(select(outbox))]
