"""Evidence of suspected spoofs on every database: sealed, bounded, gone with the person."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from facekey.core.consent import ConsentRule
from facekey.core.errors import SealBroken
from facekey.core.ports.privacy import Limits
from facekey.core.spoofs import MOST_OF_A_PERSON, Drawn, SpoofCase
from facekey.core.types import SubjectId
from facekey.store.sql.retention import SqlRetention
from facekey.store.sql.spoofs import SqlSpoofs
from facekey.store.sql.tables import spoof_evidence
from tests.contract.store.opened import Store, event, template

ALICE = SubjectId("alice")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
DRAWN = Drawn(b"what it looked like", b"the photo itself")


def case(sequence: int, subject_id: SubjectId = ALICE, enrolment: str | None = None) -> SpoofCase:
    return SpoofCase(sequence, subject_id, NOW + timedelta(days=sequence), b"picture", enrolment=enrolment)


@pytest.fixture
async def spoofs(store: Store) -> SqlSpoofs:
    for seed, name in enumerate(("alice", "bob")):
        await store.enrol(template(name, seed), event("register", name))
    return SqlSpoofs(store.database, store.ring, store.audit.names, ConsentRule.OPTIONAL)


@pytest.mark.parametrize("drawn", [DRAWN, Drawn(b"depth", None), Drawn(None, b"photo")])
async def test_what_is_kept_is_found(spoofs: SqlSpoofs, store: Store, drawn: Drawn) -> None:
    assert await spoofs.add(case(7), drawn)
    found = await spoofs.find(7)
    assert found is not None
    assert (found.sequence, found.subject_id, found.at, found.drawn) == (7, ALICE, case(7).at, drawn)
    assert await spoofs.kept([6, 7, 8]) == {7}
    assert await spoofs.kept([]) == frozenset()
    assert await spoofs.find(8) is None
    (row,) = await store.database.read(lambda connection: connection.execute(select(spoof_evidence)))
    assert not [part for part in (drawn.depth, drawn.photo) if part and part in bytes(row.depth or b"")]


async def test_of_whom_nothing_is_kept(spoofs: SqlSpoofs, store: Store) -> None:
    template_of_alice = await store.templates.get(ALICE)
    assert template_of_alice is not None
    assert not await spoofs.add(case(1, SubjectId("nobody")), DRAWN)
    assert not await spoofs.add(case(1, enrolment="another"), DRAWN)
    assert await spoofs.add(case(1, enrolment=template_of_alice.enrolment), DRAWN)
    strict = SqlSpoofs(store.database, store.ring, store.audit.names, ConsentRule.REQUIRED)
    assert not await strict.add(case(2), DRAWN)


async def test_the_newest_of_each_person_stay(spoofs: SqlSpoofs) -> None:
    await spoofs.add(case(1, SubjectId("bob")), DRAWN)
    for sequence in range(2, MOST_OF_A_PERSON + 5):
        await spoofs.add(case(sequence), DRAWN)
    kept = await spoofs.kept(range(100))
    assert kept == {1, *range(5, MOST_OF_A_PERSON + 5)}


@pytest.mark.parametrize("column", ["depth", "photo"])
async def test_what_is_moved_does_not_open(spoofs: SqlSpoofs, store: Store, column: str) -> None:
    for sequence in (1, 2):
        await spoofs.add(case(sequence), DRAWN)
    rows = await store.database.read(lambda connection: connection.execute(select(spoof_evidence)))
    other = next(getattr(row, column) for row in rows if row.sequence == 2)
    moved = update(spoof_evidence).where(spoof_evidence.c.sequence == 1).values(**{column: other})
    await store.database.write(lambda connection: connection.execute(moved))
    with pytest.raises(SealBroken):
        await spoofs.find(1)


async def test_it_goes_with_the_person(spoofs: SqlSpoofs, store: Store) -> None:
    await spoofs.add(case(1), DRAWN)
    await spoofs.add(case(2, SubjectId("bob")), DRAWN)
    await store.templates.erase(ALICE, event("erase", "alice"))
    assert await spoofs.kept([1, 2]) == {2}
    assert await spoofs.find(1) is None


async def test_it_goes_in_time(spoofs: SqlSpoofs, store: Store) -> None:
    for sequence in (1, 2, 3):
        await spoofs.add(case(sequence), DRAWN)
    limits = Limits(ConsentRule.OPTIONAL, None, NOW, case(3).at, NOW)
    assert (await SqlRetention(store.database, store.ring).clear(limits)).spoofs == 2
    assert await spoofs.kept([1, 2, 3]) == {3}
