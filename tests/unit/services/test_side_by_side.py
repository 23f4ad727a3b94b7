"""Many requests at once, and clients that go away in the middle."""

import asyncio

from facekey.api.service import Service
from facekey.core.types import Reason, SubjectId
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER, evidence
from tests.unit.services.deployed import Playback, person, recorded

ALICE = SubjectId("alice")


async def test_every_decision_has_its_place_in_one_chain(
    service: Service, analyzer: Playback, store: Store
) -> None:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    faces = [analyzer.photo(evidence(person(1 + number % 2))) for number in range(30)]
    decisions = await asyncio.gather(*(service.authenticate(ALICE, face, caller=CALLER) for face in faces))
    assert [decision.reason for decision in decisions] == [Reason.LIVE_MATCH, Reason.NO_MATCH] * 15
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
