import asyncio

import pytest
from sqlalchemy import text

from facekey.api.service import Service
from facekey.core.errors import (
    FaceAlreadyEnrolled,
    GalleryMoved,
    RegistrationRefused,
    RequestInvalid,
    SampleRejected,
    StoreUnavailable,
    SubjectExists,
)
from facekey.core.types import Reason, SubjectId
from facekey.services.register import SEARCHES
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER, direction, evidence
from tests.unit.services.deployed import Playback, person, recorded

ALICE, BOB = SubjectId("alice"), SubjectId("bob")


async def test_five_photos_make_a_person(service: Service, analyzer: Playback, store: Store) -> None:
    done = await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    assert done.subject_id == ALICE
    assert [sample.fault for sample in done.samples] == [None] * 5
    (record,) = await recorded(store)
    assert (record["action"], record["outcome"]) == ("register", "enrolled")
    assert record["details"] == {"samples": 5, "accepted": 5}
    assert done.receipt.sequence == 1


async def test_photos_that_cannot_be_judged_are_left_out(service: Service, analyzer: Playback) -> None:
    images = [
        *analyzer.photos_of(person(1), 4),
        analyzer.photo(SampleRejected(Reason.NO_FACE)),
        analyzer.photo(evidence(direction(1), liveness=0.1, picture=501)),
        analyzer.photo(evidence(direction(1), reasons=(Reason.BLURRED,), picture=502)),
    ]
    done = await service.register(ALICE, images, caller=CALLER)
    assert [sample.fault for sample in done.samples[4:]] == [
        Reason.NO_FACE,
        Reason.SPOOF_SUSPECTED,
        Reason.BLURRED,
    ]


@pytest.mark.parametrize("count", [0, 4, 11])
async def test_the_number_of_photos_is_checked_first(
    service: Service, analyzer: Playback, count: int
) -> None:
    with pytest.raises(RequestInvalid, match="5 to 10"):
        await service.register(ALICE, analyzer.photos_of(person(1), count), caller=CALLER)
    assert not analyzer.seen


async def test_an_id_that_is_taken_costs_no_work(service: Service, analyzer: Playback) -> None:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    analyzer.seen.clear()
    with pytest.raises(SubjectExists):
        await service.register(ALICE, analyzer.photos_of(person(2)), caller=CALLER)
    assert not analyzer.seen


async def test_a_refusal_is_on_record_and_stores_nobody(
    service: Service, analyzer: Playback, store: Store
) -> None:
    mixed = [*analyzer.photos_of(person(1), 3), *analyzer.photos_of(person(2), 2)]
    with pytest.raises(RegistrationRefused) as refused:
        await service.register(ALICE, mixed, caller=CALLER)
    assert refused.value.code == "different_people"
    (record,) = await recorded(store)
    assert (record["outcome"], record["reason"]) == ("refused", "different_people")
    assert await store.directory.count() == 0


async def test_a_face_has_one_id(service: Service, analyzer: Playback, store: Store) -> None:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    with pytest.raises(FaceAlreadyEnrolled) as refused:
        await service.register(BOB, analyzer.photos_of(person(1)), caller=CALLER)
    assert "alice" not in str(refused.value)
    assert len(refused.value.samples) == 5
    assert (await recorded(store))[-1]["reason"] == "face_already_enrolled"
    await service.register(BOB, analyzer.photos_of(person(2)), caller=CALLER)


async def test_a_face_has_one_id_also_when_registrations_meet(
    service: Service, analyzer: Playback, store: Store
) -> None:
    outcomes = await asyncio.gather(
        *(
            service.register(SubjectId(f"id{n}"), analyzer.photos_of(person(1)), caller=CALLER)
            for n in range(4)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, FaceAlreadyEnrolled) for outcome in outcomes) == 3
    assert await store.directory.count() == 1
    assert sorted(str(record["outcome"]) for record in await recorded(store)) == [
        "enrolled",
        *["refused"] * 3,
    ]


async def test_different_faces_that_meet_are_all_enrolled(
    service: Service, analyzer: Playback, store: Store
) -> None:
    await asyncio.gather(
        *(
            service.register(SubjectId(f"id{n}"), analyzer.photos_of(person(n)), caller=CALLER)
            for n in range(4)
        )
    )
    assert await store.directory.count() == 4


async def test_a_registration_that_always_comes_second_is_put_off(
    service: Service, analyzer: Playback, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def always_later(*_: object, searched: int, beside: object) -> None:
        tried.append(searched)
        raise GalleryMoved("somebody else was enrolled")

    monkeypatch.setattr(store.templates, "add", always_later)
    with pytest.raises(GalleryMoved):
        await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    assert len(tried) == SEARCHES


async def test_a_person_without_a_record_is_not_enrolled(
    service: Service, analyzer: Playback, store: Store
) -> None:
    await store.database.write(
        lambda connection: connection.execute(
            text("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        )
    )
    with pytest.raises(StoreUnavailable):
        await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    assert await store.directory.count() == 0
    assert (await store.gallery.search([], top_k=1)).gallery_size == 0
