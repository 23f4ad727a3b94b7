"""Many requests at once, and clients that go away in the middle."""

import asyncio
from collections.abc import Sequence

import pytest

from facekey.api.service import Service
from facekey.core.errors import EnrolmentGone
from facekey.core.ports.gallery import Search
from facekey.core.types import Embedding, Reason, SubjectId, Template
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER, evidence
from tests.unit.services.deployed import Playback, person, recorded

ALICE = SubjectId("alice")


async def test_every_decision_has_its_place_in_one_chain(
    service: Service, analyzer: Playback, store: Store
) -> None:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    # Fewer strangers than cost a wait, in whatever order they are settled.
    stranger = [number % 10 == 9 for number in range(30)]
    faces = [analyzer.photo(evidence(person(1 + other))) for other in stranger]
    decisions = await asyncio.gather(*(service.authenticate(ALICE, face, caller=CALLER) for face in faces))
    assert [decision.reason for decision in decisions] == [
        Reason.NO_MATCH if other else Reason.LIVE_MATCH for other in stranger
    ]
    assert len(await recorded(store)) == 31


async def test_who_goes_away_harms_nobody_else(service: Service, analyzer: Playback, store: Store) -> None:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    face = analyzer.photo(evidence(person(1)))
    for moment in range(12):
        leaving = [
            asyncio.create_task(service.authenticate(ALICE, face, caller=CALLER)),
            asyncio.create_task(service.identify(face, top_k=1, caller=CALLER)),
            asyncio.create_task(
                service.register(
                    SubjectId(f"b{moment}"), analyzer.photos_of(person(10 + moment)), caller=CALLER
                )
            ),
        ]
        await asyncio.sleep(moment * 0.002)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        assert (await service.authenticate(ALICE, face, caller=CALLER)).reason is Reason.LIVE_MATCH
    people = await store.directory.count()
    enrolled = sum(record["outcome"] == "enrolled" for record in await recorded(store))
    assert enrolled == people, "each person has a record, and each record its person"
    assert (await service.identify(face, top_k=1, caller=CALLER)).gallery_size == people


@pytest.mark.parametrize("meanwhile", ["erased", "enrolled anew"])
async def test_who_is_erased_while_they_are_compared_is_not_let_in(
    service: Service, analyzer: Playback, store: Store, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    whole = store.templates.get

    async def overtaken(subject_id: SubjectId) -> Template | None:
        found = await whole(subject_id)
        await service.erase(ALICE, caller=CALLER)
        if meanwhile == "enrolled anew":
            await service.register(ALICE, analyzer.photos_of(person(2)), caller=CALLER)
        return found

    monkeypatch.setattr(store.templates, "get", overtaken)
    face = analyzer.photo(evidence(person(1)))
    with pytest.raises(EnrolmentGone):
        await service.authenticate(ALICE, face, caller=CALLER)
    monkeypatch.setattr(store.templates, "get", whole)
    assert (await service.authenticate(ALICE, face, caller=CALLER)).reason is Reason.NO_MATCH
    accepted = [record for record in await recorded(store) if record["outcome"] == "accept"]
    assert accepted == [], "what was withheld is no decision"


async def test_who_is_erased_while_they_are_searched_is_not_named(
    service: Service, analyzer: Playback, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    whole = store.gallery.search

    async def overtaken(probe: Sequence[Embedding], *, top_k: int) -> Search:
        found = await whole(probe, top_k=top_k)
        await service.erase(ALICE, caller=CALLER)
        return found

    monkeypatch.setattr(store.gallery, "search", overtaken)
    face = analyzer.photo(evidence(person(1)))
    with pytest.raises(EnrolmentGone):
        await service.identify(face, top_k=1, caller=CALLER)
    monkeypatch.setattr(store.gallery, "search", whole)
    assert not (await service.identify(face, top_k=1, caller=CALLER)).found
