import pytest

from facekey.api.service import Service
from facekey.core.errors import SubjectUnknown
from facekey.core.types import Reason, SubjectId
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER, evidence
from tests.unit.services.deployed import NOW, Playback, person, recorded

ALICE = SubjectId("alice")


async def test_erased_is_unknown_and_not_found(service: Service, analyzer: Playback, store: Store) -> None:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    face = analyzer.photo(evidence(person(1)))
    assert (await service.identify(face, top_k=1, caller=CALLER)).found
    receipt = await service.erase(ALICE, caller=CALLER)
    assert (receipt.subject_id, receipt.erased_at, receipt.receipt.sequence) == (ALICE, NOW, 3)
    assert (await service.authenticate(ALICE, face, caller=CALLER)).reason is Reason.NO_MATCH
    answer = await service.identify(face, top_k=1, caller=CALLER)
    assert (answer.found, answer.gallery_size) == ((), 0)
    assert (await recorded(store))[2]["action"] == "erase"


async def test_nobody_cannot_be_erased(service: Service, store: Store) -> None:
    with pytest.raises(SubjectUnknown):
        await service.erase(ALICE, caller=CALLER)
    assert await recorded(store) == []
