"""Declared groups on both databases: consent, seals, and what reports read."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select, text, update

from facekey.core.audit import AuditEvent
from facekey.core.errors import ConsentMissing, SealBroken, SubjectUnknown
from facekey.core.labels import PURPOSE
from facekey.core.types import SubjectId
from facekey.store.sql.connection import Connection
from facekey.store.sql.labels import SqlLabels
from facekey.store.sql.tables import consents, subjects
from facekey.store.sql.times import written
from tests.contract.store.opened import Store, event, template

ALICE, BOB, NOBODY = SubjectId("alice"), SubjectId("bob"), SubjectId("nobody")
AT = datetime(2026, 5, 1, tzinfo=UTC)
DECLARED = {"age_band": "30_44", "gender": "woman"}


@pytest.fixture
async def labels(store: Store) -> SqlLabels:
    for number, name in enumerate((ALICE, BOB), start=1):
        await store.enrol(template(name, number), event("register", name))
    return SqlLabels(store.database, store.ring, store.audit)


async def consent(store: Store, name: SubjectId, **but: str | None) -> None:
    async def giving(connection: Connection) -> None:
        lookup = store.audit.names.lookup(name)
        uid = (
            await connection.execute(select(subjects.c.uid).where(subjects.c.lookup == lookup))
        ).scalar_one()
        values = {"purpose": PURPOSE, "given_at": written(AT - timedelta(days=1)), **but}
        await connection.execute(
            insert(consents).values(uid=f"{name} {len(but)}", subject_uid=uid, text_version="1", **values)
        )

    await store.database.write(giving)


def labelled(name: SubjectId, at: datetime = AT) -> AuditEvent:
    return AuditEvent("label", "test", name, "labelled", "requested", at, {})


async def test_labels_come_back_are_replaced_and_forgotten(labels: SqlLabels, store: Store) -> None:
    await consent(store, ALICE)
    assert await labels.get(ALICE) == {}
    await labels.put(ALICE, DECLARED, labelled(ALICE))
    assert await labels.get(ALICE) == DECLARED
    await labels.put(ALICE, {"gender": "man"}, labelled(ALICE))
    assert await labels.get(ALICE) == {"gender": "man"}
    await labels.delete(ALICE, labelled(ALICE))
    assert await labels.get(ALICE) == {}
    bodies = [record.body async for record in store.audit.records()]
    assert not any(word in body for body in bodies for word in ("woman", "30_44", "man"))
    for asked in (labels.get(NOBODY), labels.delete(NOBODY, labelled(NOBODY))):
        with pytest.raises(SubjectUnknown):
            await asked


@pytest.mark.parametrize(
    "but",
    [
        {"purpose": "authentication"},
        {"withdrawn_at": written(AT - timedelta(hours=1))},
        {"expires_at": written(AT)},
        {"given_at": written(AT + timedelta(seconds=1))},
    ],
    ids=["for something else", "withdrawn", "over", "in the future"],
)
async def test_without_a_consent_that_holds_nothing_is_kept_or_counted(
    labels: SqlLabels, store: Store, but: dict[str, str | None]
) -> None:
    await consent(store, ALICE, **but)
    await consent(store, BOB)
    with pytest.raises(ConsentMissing):
        await labels.put(ALICE, DECLARED, labelled(ALICE))
    await labels.put(BOB, DECLARED, labelled(BOB))
    assert [one.labels async for one in labels.people(at=AT, most=10)] == [DECLARED]

    async def ended(connection: Connection) -> None:
        await connection.execute(update(consents).values(withdrawn_at=written(AT)))

    await store.database.write(ended)
    assert [one async for one in labels.people(at=AT, most=10)] == []


async def test_labels_are_sealed_and_bound_to_their_person(labels: SqlLabels, store: Store) -> None:
    for name, value in ((ALICE, "woman"), (BOB, "man")):
        await consent(store, name)
        await labels.put(name, {"gender": value}, labelled(name))

    async def swapped(connection: Connection) -> None:
        blobs = (await connection.execute(text("SELECT sealed FROM labels"))).scalars().all()
        assert not any(b"woman" in bytes(blob) or b"man" in bytes(blob) for blob in blobs)
        await connection.execute(text("UPDATE labels SET sealed = :one"), {"one": bytes(blobs[0])})

    await store.database.write(swapped)
    opened = []
    for name in (ALICE, BOB):
        try:
            opened.append(await labels.get(name))
        except SealBroken:
            opened.append({})
    assert sorted(map(bool, opened)) == [False, True]


async def test_reports_read_people_in_pages(
    labels: SqlLabels, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facekey.store.sql.labels.PAGE", 1)
    for name in (ALICE, BOB):
        await consent(store, name)
        await labels.put(name, DECLARED, labelled(name))
    found = [one async for one in labels.people(at=AT, most=10)]
    assert {one.pseudonym for one in found} == {store.audit.names.pseudonym(name) for name in (ALICE, BOB)}
    assert {one.template.subject_id for one in found} == {ALICE, BOB}
    assert len([one async for one in labels.people(at=AT, most=1)]) == 1


async def test_reports_read_decisions_and_alarms_from_the_log(
    labels: SqlLabels, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facekey.store.sql.labels.RECORDS", 2)

    def decided(minute: int, name: SubjectId, reason: str, action: str = "authenticate") -> AuditEvent:
        return AuditEvent(action, "test", name, "x", reason, AT + timedelta(minutes=minute), {})

    alarm = {"attribute": "gender", "group": "woman", "measure": "fnmr"}
    for one in (
        decided(-60, ALICE, "live_match"),
        decided(0, ALICE, "spoof_suspected", "authenticate_stream"),
        decided(1, BOB, "live_match"),
        decided(2, ALICE, "no_match"),
        decided(3, ALICE, "live_match", "identify"),
        decided(4, ALICE, "live_match"),
        AuditEvent("bias_alarm", "system", None, "worse", "group_worse", AT, alarm),
    ):
        await store.audit.append(one)
    alice = store.audit.names.pseudonym(ALICE)
    seen = await labels.decisions(frozenset({alice}), since=AT, most=100)
    assert [(one.pseudonym, one.reason) for one in seen] == [
        (alice, "spoof_suspected"),
        (alice, "live_match"),
    ]
    assert [one.at for one in seen] == sorted(one.at for one in seen)
    assert len(await labels.decisions(frozenset({alice}), since=AT, most=2)) == 1
    assert await labels.decisions(frozenset({alice}), since=AT + timedelta(days=1), most=100) == []
    everything = await labels.decisions(frozenset({alice}), since=AT - timedelta(days=1), most=100)
    assert len(everything) == 3
    assert await labels.alarms(since=AT) == {("gender", "woman", "fnmr")}
    assert await labels.alarms(since=AT + timedelta(seconds=1)) == frozenset()
