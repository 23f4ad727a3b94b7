import pytest
from sqlalchemy import text

from facekey.api.service import Service
from facekey.core.consent import UNKNOWN_SUBJECT
from facekey.core.errors import ImageRefused, SampleRejected, SealBroken, StoreUnavailable
from facekey.core.types import Evidence, Floats, Outcome, Reason, SubjectId
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER, evidence, near
from tests.unit.services.deployed import Playback, person, recorded

ALICE, NOBODY = SubjectId("alice"), SubjectId("nobody")


def looks_like(centre: Floats, *, liveness: float = 0.95) -> Evidence:
    return evidence(near(centre, 0.9, 77), liveness=liveness)


@pytest.fixture
async def enrolled(service: Service, analyzer: Playback) -> Service:
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    return service


async def test_the_person_is_let_in_and_it_is_on_record(
    enrolled: Service, analyzer: Playback, store: Store
) -> None:
    decision = await enrolled.authenticate(ALICE, analyzer.photo(looks_like(person(1))), caller=CALLER)
    assert (decision.outcome, decision.reason) == (Outcome.ACCEPT, Reason.LIVE_MATCH)
    record = (await recorded(store))[-1]
    assert (record["action"], record["outcome"], record["reason"]) == ("authenticate", "accept", "live_match")
    assert record["at"] == "2026-01-02T03:04:05.000+00:00"
    assert "alice" not in str(record)


async def test_a_stranger_is_not(enrolled: Service, analyzer: Playback) -> None:
    decision = await enrolled.authenticate(ALICE, analyzer.photo(looks_like(person(2))), caller=CALLER)
    assert (decision.outcome, decision.reason) == (Outcome.REJECT, Reason.NO_MATCH)


async def test_a_picture_of_the_person_is_not(enrolled: Service, analyzer: Playback) -> None:
    shown = analyzer.photo(looks_like(person(1), liveness=0.1))
    decision = await enrolled.authenticate(ALICE, shown, caller=CALLER)
    assert (decision.outcome, decision.reason) == (Outcome.REJECT, Reason.SPOOF_SUSPECTED)
    assert decision.confidence is None


async def test_an_unknown_id_is_answered_like_a_stranger(
    enrolled: Service, analyzer: Playback, store: Store
) -> None:
    probe = analyzer.photo(looks_like(person(2)))
    stranger = await enrolled.authenticate(ALICE, probe, caller=CALLER)
    unknown = await enrolled.authenticate(NOBODY, probe, caller=CALLER)
    assert (unknown.outcome, unknown.reason) == (stranger.outcome, stranger.reason)
    assert unknown.similarities.keys() == stranger.similarities.keys()
    assert (unknown.threshold, unknown.quality) == (stranger.threshold, stranger.quality)
    assert await enrolled.authenticate(NOBODY, probe, caller=CALLER) == unknown
    known_record, unknown_record = (await recorded(store))[-3:-1]
    assert known_record["reason"] == Reason.NO_MATCH
    assert unknown_record["reason"] == UNKNOWN_SUBJECT
    assert known_record["details"].keys() == unknown_record["details"].keys()  # type: ignore[attr-defined]


async def test_whoever_resembles_the_decoy_is_refused_below_the_threshold(
    enrolled: Service, analyzer: Playback, store: Store
) -> None:
    decoy = store.decoy.template(NOBODY).references[0].centroid().vector
    decision = await enrolled.authenticate(NOBODY, analyzer.photo(evidence(decoy)), caller=CALLER)
    assert (decision.outcome, decision.reason) == (Outcome.REJECT, Reason.NO_MATCH)
    assert decision.confidence is not None
    assert decision.confidence < decision.threshold


async def test_known_and_unknown_ids_ask_for_the_same_decoy_work(
    enrolled: Service, analyzer: Playback, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[SubjectId] = []
    whole = store.decoy.template

    def watched(subject_id: SubjectId) -> object:
        made.append(subject_id)
        return whole(subject_id)

    monkeypatch.setattr(store.decoy, "template", watched)
    for user_id in (ALICE, NOBODY):
        await enrolled.authenticate(user_id, analyzer.photo(looks_like(person(2))), caller=CALLER)
    assert made == [ALICE, NOBODY]


async def test_a_face_that_cannot_be_judged_is_on_record_too(
    enrolled: Service, analyzer: Playback, store: Store
) -> None:
    decision = await enrolled.authenticate(
        ALICE, analyzer.photo(SampleRejected(Reason.NO_FACE)), caller=CALLER
    )
    assert (decision.outcome, decision.reason, decision.confidence) == (Outcome.RETRY, Reason.NO_FACE, None)
    record = (await recorded(store))[-1]
    assert (record["outcome"], record["reason"], record["details"]) == ("retry", "no_face", {})


async def test_a_picture_that_cannot_be_read_decides_nothing(enrolled: Service, store: Store) -> None:
    before = await recorded(store)
    with pytest.raises(ImageRefused):
        await enrolled.authenticate(ALICE, b"not prepared", caller=CALLER)
    assert await recorded(store) == before


async def test_a_decision_that_is_not_on_record_is_not_given(
    enrolled: Service, analyzer: Playback, store: Store
) -> None:
    await store.database.write(
        lambda connection: connection.execute(
            text("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        )
    )
    for said in (looks_like(person(1)), SampleRejected(Reason.NO_FACE)):
        with pytest.raises(StoreUnavailable):
            await enrolled.authenticate(ALICE, analyzer.photo(said), caller=CALLER)


async def test_a_template_that_was_tampered_with_is_not_a_no_match(
    enrolled: Service, analyzer: Playback, store: Store
) -> None:
    await store.database.write(
        lambda connection: connection.execute(text("UPDATE templates SET sealed = zeroblob(200)"))
    )
    with pytest.raises(SealBroken):
        await enrolled.authenticate(ALICE, analyzer.photo(looks_like(person(1))), caller=CALLER)
