import pytest

from facekey.api.service import Service
from facekey.core.calibration import confidence
from facekey.core.errors import RequestInvalid, SampleRejected
from facekey.core.types import Reason, SubjectId
from facekey.services.identify import MAX_TOP_K
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER, evidence, near
from tests.unit.services.deployed import IDENTIFY, Playback, person, recorded


@pytest.fixture
async def enrolled(service: Service, analyzer: Playback) -> Service:
    for number in range(1, 4):
        await service.register(SubjectId(f"user{number}"), analyzer.photos_of(person(number)), caller=CALLER)
    return service


async def test_the_right_person_is_named(enrolled: Service, analyzer: Playback, store: Store) -> None:
    answer = await enrolled.identify(
        analyzer.photo(evidence(near(person(2), 0.9, 7))), top_k=3, caller=CALLER
    )
    assert [candidate.subject_id for candidate in answer.found] == ["user2"]
    assert (answer.reason, answer.gallery_size) == (Reason.LIVE_MATCH, 3)
    record = (await recorded(store))[-1]
    assert (record["outcome"], record["reason"]) == ("accept", "live_match")
    assert "user2" not in str(record)


async def test_a_stranger_is_nobody(enrolled: Service, analyzer: Playback, store: Store) -> None:
    answer = await enrolled.identify(analyzer.photo(evidence(person(99))), top_k=3, caller=CALLER)
    assert (answer.found, answer.reason, answer.gallery_size) == ((), Reason.NO_MATCH, 3)
    record = (await recorded(store))[-1]
    assert (record["outcome"], record["subject"]) == ("reject", None)


async def test_the_line_rises_with_the_gallery(
    enrolled: Service, analyzer: Playback, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = analyzer.photo(evidence(near(person(2), 0.75, 7)))
    assert (await enrolled.identify(probe, top_k=1, caller=CALLER)).found
    monkeypatch.setattr(type(IDENTIFY), "threshold", lambda _policy, size: 4.0 + size)
    answer = await enrolled.identify(probe, top_k=1, caller=CALLER)
    assert (answer.found, answer.threshold) == ((), confidence(7.0))


@pytest.mark.parametrize(
    ("liveness", "reasons", "reason"),
    [(0.1, (), Reason.SPOOF_SUSPECTED), (0.9, (Reason.BLURRED,), Reason.BLURRED)],
)
async def test_a_photo_held_up_does_not_find_out_whose_it_is(
    enrolled: Service, analyzer: Playback, liveness: float, reasons: tuple[Reason, ...], reason: Reason
) -> None:
    shown = analyzer.photo(evidence(person(2), liveness=liveness, reasons=reasons))
    answer = await enrolled.identify(shown, top_k=3, caller=CALLER)
    assert (answer.found, answer.reason, answer.gallery_size) == ((), reason, 0)
    assert answer.liveness_score == liveness


async def test_no_face_is_an_answer_on_record(enrolled: Service, analyzer: Playback, store: Store) -> None:
    answer = await enrolled.identify(analyzer.photo(SampleRejected(Reason.NO_FACE)), top_k=3, caller=CALLER)
    assert (answer.found, answer.reason, answer.liveness_score) == ((), Reason.NO_FACE, None)
    assert (await recorded(store))[-1]["reason"] == "no_face"


@pytest.mark.parametrize("top_k", [0, -1, MAX_TOP_K + 1])
async def test_top_k_is_checked_first(service: Service, analyzer: Playback, top_k: int) -> None:
    with pytest.raises(RequestInvalid, match="top_k"):
        await service.identify(b"unread", top_k=top_k, caller=CALLER)
    assert not analyzer.seen
