"""Who is enrolled and how they stand, listed and searched, on both kinds of database."""

from datetime import UTC, date, datetime, timedelta

import pytest

from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller, Role
from facekey.core.errors import SubjectUnknown
from facekey.core.types import SubjectId
from facekey.services import list_people
from facekey.services.list_people import ListPeople, PeoplePage
from tests.contract.store.opened import Store, event, template
from tests.unit.core.made import CALLER

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SHOP = Caller("api_key:1", Role.SERVICE)
NAMES = ["anna", "Hannah", "bob", "joanna.k", "zoe", "ANNABEL", "x"]


@pytest.fixture
async def people(store: Store) -> ListPeople:
    for number, name in enumerate(NAMES):
        await store.enrol(template(name, number), event("register", name))
    return ListPeople(directory=store.directory, locks=store.ledger)


async def attempts(store: Store, name: str, result: Result, count: int = 1) -> None:
    for _ in range(count):
        outcome = "accept" if result is Result.SUCCESS else "reject"
        happened = AuditEvent("authenticate", "test", SubjectId(name), outcome, "test", NOW, {})
        await store.ledger.settle(happened, Claim(SubjectId(name), None), result)


def names(page: PeoplePage) -> list[str]:
    return [person.subject.subject_id for person in page.people]


async def test_how_everybody_stands(store: Store, people: ListPeople) -> None:
    await attempts(store, "anna", Result.SUCCESS)
    await attempts(store, "bob", Result.FAILURE, 5)
    await attempts(store, "zoe", Result.FAILURE)
    await attempts(store, "nobody", Result.FAILURE, 3)
    page = await people(after=None, limit=100, containing=None, caller=CALLER)
    assert (sorted(names(page)), page.total, page.next_after) == (sorted(NAMES), len(NAMES), None)
    standing = {person.subject.subject_id: person for person in page.people}
    assert standing[SubjectId("anna")].subject.last_seen_on == date(2026, 3, 4)
    assert standing[SubjectId("anna")].failures is None
    bob, zoe = standing[SubjectId("bob")].failures, standing[SubjectId("zoe")].failures
    assert bob is not None
    assert (bob.count, bob.wait_until, bob.locked_at) == (5, NOW + timedelta(seconds=30), None)
    assert zoe is not None
    assert (zoe.count, zoe.wait_until) == (1, None)
    assert sum(person.failures is not None for person in page.people) == 2
    assert await people.one(SubjectId("bob"), caller=CALLER) == standing[SubjectId("bob")]


async def test_who_is_locked(store: Store, people: ListPeople) -> None:
    moment = NOW
    for _ in range(50):
        happened = AuditEvent("authenticate", "test", SubjectId("bob"), "reject", "test", moment, {})
        await store.ledger.settle(happened, Claim(SubjectId("bob"), None), Result.FAILURE)
        moment += timedelta(hours=2)
    failures = (await people.one(SubjectId("bob"), caller=CALLER)).failures
    assert failures is not None
    assert (failures.count, failures.locked_at) == (50, moment - timedelta(hours=2))


async def test_an_application_is_not_told_how_somebody_stands(store: Store, people: ListPeople) -> None:
    await attempts(store, "bob", Result.SUCCESS)
    await attempts(store, "bob", Result.FAILURE, 2)
    person = await people.one(SubjectId("bob"), caller=SHOP)
    assert (person.subject.subject_id, person.subject.samples) == ("bob", 3)
    assert (person.subject.last_seen_on, person.failures) == (None, None)


async def test_nobody_is_unknown(people: ListPeople) -> None:
    with pytest.raises(SubjectUnknown):
        await people.one(SubjectId("nobody"), caller=CALLER)


async def test_pages_go_on_where_the_last_one_ended(people: ListPeople) -> None:
    first = await people(after=None, limit=4, containing=None, caller=CALLER)
    rest = await people(after=first.next_after, limit=4, containing=None, caller=CALLER)
    assert (len(first.people), first.next_after) == (4, names(first)[-1])
    assert rest.next_after is None
    assert sorted(names(first) + names(rest)) == sorted(NAMES)


@pytest.mark.parametrize(
    ("containing", "found"),
    [
        ("ann", {"anna", "Hannah", "joanna.k", "ANNABEL"}),
        ("ANNA", {"anna", "Hannah", "joanna.k", "ANNABEL"}),
        (".", {"joanna.k"}),
        ("x", {"x"}),
        ("%", set()),
        ("nobody", set()),
    ],
)
async def test_a_part_of_an_id_finds_everybody_who_has_it(
    people: ListPeople, containing: str, found: set[str]
) -> None:
    page = await people(after=None, limit=100, containing=containing, caller=CALLER)
    assert (set(names(page)), page.total, page.next_after) == (found, len(NAMES), None)


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize(("batch", "looked_at"), [(2, 4), (7, 7), (200, 2000), (1, 1)])
async def test_a_search_looks_at_so_many_and_says_how_to_go_on(
    people: ListPeople, monkeypatch: pytest.MonkeyPatch, limit: int, batch: int, looked_at: int
) -> None:
    monkeypatch.setattr(list_people, "BATCH", batch)
    monkeypatch.setattr(list_people, "LOOKED_AT", looked_at)
    found: list[str] = []
    after: SubjectId | None = None
    for _ in range(20):
        page = await people(after=after, limit=limit, containing="ann", caller=CALLER)
        assert len(page.people) <= limit
        found += names(page)
        after = page.next_after
        if after is None:
            break
    assert after is None
    assert sorted(found) == sorted(["anna", "Hannah", "joanna.k", "ANNABEL"]), "each of them once"
