"""Templates that change, on both databases: transactions, versions, seals, and what is left behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text

from facekey.core.adaptation import Course, Pending
from facekey.core.errors import SealBroken, SubjectUnknown, TemplateMoved
from facekey.core.personal_bar import Score
from facekey.core.ports.adaptation import Direction, Step
from facekey.core.types import Embedding, SubjectId, Template
from facekey.store.course_format import pack_course, unpack_course
from facekey.store.sql.adaptation import MOST_EARLIER, SqlAdaptations
from facekey.store.sql.connection import Connection
from tests.contract.store.opened import Store, event, template
from tests.unit.core.made import MODEL, direction

ALICE, BOB = SubjectId("alice"), SubjectId("bob")
AT = datetime(2026, 1, 1, tzinfo=UTC)
COURSE = Course(
    (Score("stream,made", 5.25), Score("image,made", 4.5)),
    (Pending(AT, (Embedding(direction(1), MODEL),)), Pending(AT, (Embedding(direction(2), MODEL),))),
    AT - timedelta(days=2),
)


@pytest.fixture
async def adaptations(store: Store) -> SqlAdaptations:
    await store.enrol(template("alice", 1), event("register", "alice"))
    return SqlAdaptations(store.database, store.ring, store.audit)


def grown(before: Template, *seeds: int) -> Template:
    learned = np.stack([direction(seed) for seed in seeds])
    return Template(before.subject_id, tuple(replace(one, adapted=learned) for one in before.references))


async def refresh(adaptations: SqlAdaptations, *seeds: int, course: Course = COURSE) -> None:
    learned = await adaptations.get(ALICE)
    step = Step(Direction.ON, grown(learned.template, *seeds), event("adapt", "alice"))
    await adaptations.put(learned, course, step, at=AT)


def same(left: Course, right: Course) -> bool:
    return pack_course(left) == pack_course(right)


async def test_what_is_remembered_comes_back_and_is_nobody_elses(adaptations: SqlAdaptations) -> None:
    assert await adaptations.course(ALICE) == Course()
    assert await adaptations.course(BOB) == Course()
    await adaptations.put(await adaptations.get(ALICE), COURSE, None, at=AT)
    assert same(await adaptations.course(ALICE), COURSE)
    learned = await adaptations.get(ALICE)
    assert same(learned.course, COURSE)
    assert (learned.version, learned.earlier) == (1, ())
    with pytest.raises(SubjectUnknown):
        await adaptations.get(BOB)


async def test_a_refresh_is_one_step_and_goes_with_its_record(
    adaptations: SqlAdaptations, store: Store
) -> None:
    await refresh(adaptations, 7)
    learned = await adaptations.get(ALICE)
    assert (learned.version, learned.earlier) == (2, (1,))
    stored = await store.templates.get(ALICE)
    assert stored is not None
    assert stored.references[0].adapted is not None
    np.testing.assert_array_equal(stored.references[0].adapted, direction(7)[np.newaxis])
    assert (await adaptations.latest(learned)).references[0].adapted is None
    actions = [record.body async for record in store.audit.records()]
    assert '"action":"adapt"' in actions[-1]
    assert same(await adaptations.course(ALICE), COURSE)


async def test_of_two_at_the_same_moment_one_is_kept(adaptations: SqlAdaptations, store: Store) -> None:
    learned = await adaptations.get(ALICE)
    await adaptations.put(learned, COURSE, None, at=AT)
    with pytest.raises(TemplateMoved):  # both found nothing
        await adaptations.put(learned, Course(), None, at=AT)
    learned = await adaptations.get(ALICE)
    await refresh(adaptations, 7)
    step = Step(Direction.ON, grown(learned.template, 8), event("adapt", "alice"))
    records = len([record async for record in store.audit.records()])
    with pytest.raises(TemplateMoved):
        await adaptations.put(learned, Course(), step, at=AT)
    with pytest.raises(TemplateMoved):
        await adaptations.latest(learned)
    current = await adaptations.get(ALICE)
    assert len([record async for record in store.audit.records()]) == records
    await adaptations.put(current, Course(), None, at=AT)
    with pytest.raises(TemplateMoved):  # another version of what is remembered
        await adaptations.put(current, COURSE, None, at=AT)


async def test_an_erased_person_leaves_nothing(adaptations: SqlAdaptations, store: Store) -> None:
    await refresh(adaptations, 7)
    learned = await adaptations.get(ALICE)
    await store.templates.erase(ALICE, event("erase", "alice"))

    async def left(connection: Connection) -> int:
        counted = text("SELECT (SELECT count(*) FROM adaptation) + (SELECT count(*) FROM template_history)")
        return int((await connection.execute(counted)).scalar_one())

    assert await store.database.read(left) == 0
    with pytest.raises(TemplateMoved):
        await adaptations.put(learned, Course(), None, at=AT)
    with pytest.raises(TemplateMoved):
        await adaptations.latest(learned)


async def test_going_back_destroys_what_is_undone(adaptations: SqlAdaptations) -> None:
    for seed in range(MOST_EARLIER + 2):
        await refresh(adaptations, seed)
    learned = await adaptations.get(ALICE)
    assert learned.earlier == tuple(range(3, 3 + MOST_EARLIER))
    before = await adaptations.latest(learned)
    back = Step(Direction.BACK, before, event("undo_adaptation", "alice"))
    await adaptations.put(learned, Course(), back, at=AT)
    learned = await adaptations.get(ALICE)
    assert (learned.version, learned.earlier) == (9, tuple(range(3, 2 + MOST_EARLIER)))
    anchor = Template(ALICE, tuple(replace(one, adapted=None) for one in learned.template.references))
    home = Step(Direction.TO_ANCHOR, anchor, event("undo_adaptation", "alice"))
    await adaptations.put(learned, Course(), home, at=AT)
    learned = await adaptations.get(ALICE)
    assert (learned.version, learned.earlier, learned.template.references[0].adapted) == (10, (), None)
    with pytest.raises(TemplateMoved):
        await adaptations.latest(learned)


@pytest.mark.parametrize(
    "by_hand",
    [
        "UPDATE subjects SET template_version = 1",
        "UPDATE templates SET sealed = (SELECT sealed FROM template_history)",
        "UPDATE adaptation SET sealed = :old",
    ],
    ids=["an older version", "the template before", "what was remembered before"],
)
async def test_what_was_there_before_does_not_open_when_put_back_by_hand(
    adaptations: SqlAdaptations, store: Store, by_hand: str
) -> None:
    await adaptations.put(await adaptations.get(ALICE), Course(), None, at=AT)
    old = (await adaptations.get(ALICE)).mark
    await refresh(adaptations, 7)

    async def replayed(connection: Connection) -> None:
        await connection.execute(text(by_hand), {"old": old} if ":old" in by_hand else {})

    await store.database.write(replayed)
    with pytest.raises(SealBroken):
        await adaptations.get(ALICE)


async def test_galleries_search_the_enrolment_whatever_was_learned(
    adaptations: SqlAdaptations, store: Store, neighbour: Store
) -> None:
    probe = (Embedding(direction(7), MODEL),)
    before = (await store.gallery.search(probe, top_k=1)).candidates[0].match.evidence
    await refresh(adaptations, 7, 7)
    for gallery in (store.gallery, neighbour.gallery):
        assert (await gallery.search(probe, top_k=1)).candidates[0].match.evidence == pytest.approx(before)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x05\0\0\0hello",
        pack_course(COURSE)[:-4],
        pack_course(COURSE).replace(b'"format":1', b'"format":2'),
        b"\x02\0\0\0[]",
        b"\x0c\0\0\0" + b'{"format":1}',
    ],
    ids=["empty", "no json", "cut", "format 2", "a list", "no scores"],
)
def test_other_bytes_are_no_course(data: bytes) -> None:
    with pytest.raises(SealBroken):
        unpack_course(data)
