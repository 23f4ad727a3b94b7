"""Voices: enrolled beside a face, compared after it, and gone with the person."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from facekey.api.service import Service, VoiceVerbs
from facekey.core.adaptation import AdaptationPolicy
from facekey.core.attempts import Claim
from facekey.core.consent import ConsentGiven, ConsentRule
from facekey.core.errors import (
    AttemptsExhausted,
    AudioRefused,
    ConsentMissing,
    RegistrationRefused,
    RequestInvalid,
    SampleRejected,
    SubjectUnknown,
)
from facekey.core.personal_export import export_of
from facekey.core.types import Outcome, Reason, SubjectId
from facekey.store.sql.connection import Connection
from facekey.store.sql.tables import voice_templates
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER, evidence, near
from tests.unit.services.deployed import (
    NOW,
    RETENTION,
    HandClock,
    Playback,
    person,
    recorded,
    retaining,
)
from tests.unit.services.voiced import Recorder, voice, with_voice

ALICE, BOB, NOBODY = SubjectId("alice"), SubjectId("bob"), SubjectId("nobody")
TO_VOICE = ConsentGiven("voice", "2026-01")
DOOR = ConsentGiven("door", "2026-01")
DAY = 86_400.0


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def served(store: Store, analyzer: Playback, recorder: Recorder, clock: HandClock) -> Service:
    """Alice is enrolled by face and voice, Bob by face alone."""
    service = with_voice(store, analyzer, recorder, clock=clock)
    for name, who in ((ALICE, 1), (BOB, 2)):
        await service.register(name, analyzer.photos_of(person(who)), caller=CALLER)
    await verbs(service).enrol(ALICE, recorder.several(voice(1)), caller=CALLER)
    return service


def verbs(service: Service) -> VoiceVerbs:
    assert service.voice is not None
    return service.voice


async def kept(store: Store) -> int:
    async def counting(connection: Connection) -> int:
        query = select(func.count()).select_from(voice_templates)
        return int((await connection.execute(query)).scalar_one())

    return await store.database.read(counting)


def face(analyzer: Playback, who: int, *, liveness: float = 0.95) -> bytes:
    return analyzer.photo(evidence(near(person(who), 0.9, 7), liveness=liveness))


async def last(store: Store) -> Mapping[str, object]:
    return (await recorded(store))[-1]


async def test_an_enrolment_is_on_record_without_a_name(served: Service, store: Store) -> None:
    record = await last(store)
    assert (record["action"], record["outcome"]) == ("enrol_voice", "enrolled")
    assert record["details"] == {"recordings": 3, "accepted": 3}
    assert "alice" not in json.dumps(record)
    assert await kept(store) == 1


async def test_face_and_voice_together(
    served: Service, analyzer: Playback, recorder: Recorder, store: Store
) -> None:
    decision = await served.authenticate(
        ALICE, face(analyzer, 1), caller=CALLER, recording=recorder.of(voice(1))
    )
    assert (decision.outcome, decision.reason) == (Outcome.ACCEPT, Reason.LIVE_MATCH)
    assert decision.voice is not None
    assert decision.voice.reason is Reason.VOICE_MATCH
    details = (await last(store))["details"]
    assert isinstance(details, dict)
    assert details["voice"] is True


async def test_a_voice_that_does_not_match_is_a_failed_attempt(
    served: Service, analyzer: Playback, recorder: Recorder, store: Store
) -> None:
    decision = await served.authenticate(
        ALICE, face(analyzer, 1), caller=CALLER, recording=recorder.of(voice(2))
    )
    assert (decision.outcome, decision.reason) == (Outcome.REJECT, Reason.VOICE_NO_MATCH)
    assert (await last(store))["reason"] == "voice_no_match"
    failures = await store.ledger.failures(Claim(ALICE, None))
    assert failures is not None
    assert failures.count == 1


async def test_who_has_no_voice_is_decided_by_the_face_alone(
    served: Service, analyzer: Playback, recorder: Recorder
) -> None:
    decision = await served.authenticate(
        BOB, face(analyzer, 2), caller=CALLER, recording=recorder.of(voice(7))
    )
    assert decision.outcome is Outcome.ACCEPT
    assert decision.voice is not None
    assert (decision.voice.reason, decision.voice.confidence) == (Reason.VOICE_NOT_ENROLLED, None)


async def test_who_is_refused_by_the_face_learns_nothing_of_voices(
    served: Service, analyzer: Playback, recorder: Recorder
) -> None:
    """Of somebody with a voice, somebody without and nobody: the same words, whatever was said."""
    elsewhere = replace(CALLER, address=None)
    told = [
        (
            await served.authenticate(
                name, face(analyzer, 9), caller=elsewhere, recording=recorder.of(voice(who))
            )
        ).voice
        for name in (ALICE, BOB, NOBODY)
        for who in (1, 5)
    ]
    assert len(set(told)) == 1
    assert told[0] is not None
    assert told[0].reason is Reason.VOICE_NOT_COMPARED


async def test_a_matching_voice_does_not_make_a_photo_live(
    served: Service, analyzer: Playback, recorder: Recorder
) -> None:
    shown = face(analyzer, 1, liveness=0.1)
    decision = await served.authenticate(ALICE, shown, caller=CALLER, recording=recorder.of(voice(1)))
    assert (decision.outcome, decision.reason) == (Outcome.REJECT, Reason.SPOOF_SUSPECTED)


async def test_a_recording_that_can_not_be_judged_is_taken_again(
    served: Service, analyzer: Playback, recorder: Recorder, store: Store
) -> None:
    silent = recorder.recording(SampleRejected(Reason.VOICE_SILENT))
    decision = await served.authenticate(ALICE, face(analyzer, 1), caller=CALLER, recording=silent)
    assert (decision.outcome, decision.reason, decision.confidence) == (
        Outcome.RETRY,
        Reason.VOICE_SILENT,
        None,
    )
    assert await store.ledger.failures(Claim(ALICE, None)) is None
    with pytest.raises(AudioRefused):
        await served.authenticate(ALICE, face(analyzer, 1), caller=CALLER, recording=b"text")


async def test_where_voice_is_off_a_recording_is_refused(service: Service, analyzer: Playback) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        await service.authenticate(ALICE, face(analyzer, 1), caller=CALLER, recording=b"any")
    assert refusal.value.code == "voice_off"
    assert service.voice is None


async def test_adaptation_learns_nothing_from_a_yes_that_the_voice_took_back(
    store: Store, analyzer: Playback, recorder: Recorder
) -> None:
    learning = AdaptationPolicy(match_threshold=4.0, from_images=True)
    service = with_voice(store, analyzer, recorder, adaptation=learning)
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    await verbs(service).enrol(ALICE, recorder.several(voice(1)), caller=CALLER)

    async def adapted() -> object:
        return export_of(await service.export(ALICE, caller=CALLER), vectors=True)["adaptation"]

    before = await adapted()
    await service.authenticate(ALICE, face(analyzer, 1), caller=CALLER, recording=recorder.of(voice(2)))
    assert await adapted() == before
    await service.authenticate(ALICE, face(analyzer, 1), caller=CALLER, recording=recorder.of(voice(1)))
    assert await adapted() != before


async def test_verifying_tells_a_match_and_lets_nobody_in(
    served: Service, recorder: Recorder, store: Store
) -> None:
    verify = verbs(served).verify
    assert (await verify(ALICE, recorder.of(voice(1)), caller=CALLER)).reason is Reason.VOICE_MATCH
    record = await last(store)
    assert (record["action"], record["outcome"], record["reason"]) == (
        "verify_voice",
        "accept",
        "voice_match",
    )
    assert (await verify(ALICE, recorder.of(voice(3)), caller=CALLER)).reason is Reason.VOICE_NO_MATCH
    assert (await served.list_people.one(ALICE, caller=CALLER)).subject.last_seen_on is None
    # A match takes back no failure: otherwise a recording would buy more guesses at the face.
    await verify(ALICE, recorder.of(voice(1)), caller=CALLER)
    failures = await store.ledger.failures(Claim(ALICE, None))
    assert failures is not None
    assert failures.count == 1


async def test_who_has_no_voice_is_answered_like_a_stranger(
    served: Service, recorder: Recorder, store: Store
) -> None:
    said = recorder.of(voice(4))
    stranger = await verbs(served).verify(ALICE, said, caller=CALLER)
    without = await verbs(served).verify(BOB, said, caller=CALLER)
    unknown = await verbs(served).verify(NOBODY, said, caller=CALLER)
    for one in (stranger, without, unknown):
        assert one.reason is Reason.VOICE_NO_MATCH
        assert one.confidence is not None
        assert one.confidence < one.threshold
    records = (await recorded(store))[-3:]
    assert [record["reason"] for record in records] == [
        "voice_no_match",
        "no_voice_enrolled",
        "no_voice_enrolled",
    ]
    assert len({tuple(sorted(record["details"])) for record in records}) == 1  # type: ignore[call-overload]
    assert (await verbs(served).verify(NOBODY, said, caller=CALLER)) == unknown


async def test_an_unusable_recording_is_no_failure(served: Service, recorder: Recorder, store: Store) -> None:
    short = recorder.recording(SampleRejected(Reason.VOICE_TOO_SHORT))
    found = await verbs(served).verify(ALICE, short, caller=CALLER)
    assert (found.reason, found.confidence) == (Reason.VOICE_TOO_SHORT, None)
    assert (await last(store))["outcome"] == "retry"
    with pytest.raises(AudioRefused):
        await verbs(served).verify(ALICE, b"text", caller=CALLER)


async def test_failed_voices_lock_like_failed_faces(served: Service, recorder: Recorder) -> None:
    for _ in range(5):
        await verbs(served).verify(ALICE, recorder.of(voice(3)), caller=CALLER)
    with pytest.raises(AttemptsExhausted):
        await verbs(served).verify(ALICE, recorder.of(voice(1)), caller=CALLER)


@pytest.mark.parametrize("count", [0, 2, 11])
async def test_an_enrolment_takes_three_to_ten(served: Service, recorder: Recorder, count: int) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        await verbs(served).enrol(BOB, recorder.several(voice(2), count), caller=CALLER)
    assert refusal.value.code == "recording_count_invalid"


async def test_what_makes_no_voice_is_refused_with_a_verdict_for_each(
    served: Service, recorder: Recorder, store: Store
) -> None:
    sent = [
        recorder.of(voice(2)),
        recorder.of(voice(2)),
        recorder.of(voice(2), telephone=True),
        recorder.recording(SampleRejected(Reason.VOICE_NOT_HEARD)),
        recorder.of(voice(5)),
    ]
    with pytest.raises(RegistrationRefused) as refusal:
        await verbs(served).enrol(BOB, sent, caller=CALLER)
    assert refusal.value.code == "voice_unfit"
    assert [one["reason"] for one in refusal.value.samples][2:] == [
        "voice_telephone",
        "voice_not_heard",
        "voice_no_match",
    ]
    record = await last(store)
    assert (record["action"], record["outcome"], record["reason"]) == (
        "enrol_voice",
        "refused",
        "voice_unfit",
    )
    assert await kept(store) == 1, "Alice's"


async def test_nobody_has_a_voice_without_a_face(served: Service, recorder: Recorder, store: Store) -> None:
    with pytest.raises(SubjectUnknown):
        await verbs(served).enrol(NOBODY, recorder.several(voice(3)), caller=CALLER)
    assert await kept(store) == 1


async def test_another_enrolment_takes_the_place_of_the_first(
    served: Service, recorder: Recorder, store: Store
) -> None:
    done = await verbs(served).enrol(ALICE, recorder.several(voice(6), 4), caller=CALLER)
    assert len(done.heard) == 4
    assert await kept(store) == 1
    verify = verbs(served).verify
    assert (await verify(ALICE, recorder.of(voice(6)), caller=CALLER)).reason is Reason.VOICE_MATCH
    assert (await verify(ALICE, recorder.of(voice(1)), caller=CALLER)).reason is Reason.VOICE_NO_MATCH


async def test_a_voice_is_forgotten_alone_or_with_the_person(
    served: Service, recorder: Recorder, store: Store
) -> None:
    assert await verbs(served).forget(ALICE, caller=CALLER) is True
    assert await verbs(served).forget(ALICE, caller=CALLER) is False
    assert (await last(store))["action"] == "forget_voice"
    assert (await verbs(served).verify(ALICE, recorder.of(voice(1)), caller=CALLER)).confidence is not None
    with pytest.raises(SubjectUnknown):
        await verbs(served).forget(NOBODY, caller=CALLER)
    await verbs(served).enrol(ALICE, recorder.several(voice(1)), caller=CALLER)
    await served.erase(ALICE, caller=CALLER)
    assert await kept(store) == 0


async def test_an_export_has_the_voice(served: Service) -> None:
    told = export_of(await served.export(ALICE, caller=CALLER), vectors=False)["voice"]
    assert told == {
        "enrolled_at": NOW.isoformat(),
        "model": "voice:000000000000",
        "vectors": 3,
        "dimensions": 64,
    }
    whole = export_of(await served.export(ALICE, caller=CALLER), vectors=True)["voice"]
    assert isinstance(whole, dict)
    assert isinstance(whole["values"], list)
    assert len(whole["values"]) == 3
    assert export_of(await served.export(BOB, caller=CALLER), vectors=True)["voice"] is None


async def test_a_consent_to_voice_is_one_of_its_own(
    served: Service, analyzer: Playback, recorder: Recorder, store: Store, clock: HandClock
) -> None:
    await served.consents.give(BOB, DOOR, caller=CALLER)
    until = replace(TO_VOICE, expires_at=NOW + timedelta(days=9))
    await verbs(served).enrol(BOB, recorder.several(voice(2)), caller=CALLER, consent=until)
    assert {one.given.purpose for one in await served.consents.of(BOB)} == {"door", "voice"}
    # Withdrawing the other leaves nobody to compare by face, whatever was agreed to for the voice.
    await served.consents.withdraw(BOB, "door", caller=CALLER)
    decision = await served.authenticate(BOB, face(analyzer, 2), caller=CALLER)
    assert decision.reason is Reason.NO_MATCH
    await served.consents.give(BOB, DOOR, caller=CALLER)
    clock.move(10 * DAY)
    decision = await served.authenticate(
        BOB, face(analyzer, 2), caller=CALLER, recording=recorder.of(voice(7))
    )
    assert decision.voice is not None
    assert decision.voice.reason is Reason.VOICE_NOT_ENROLLED, "the consent to it is over"
    assert await kept(store) == 2
    clock.move(31 * DAY)
    assert (await retaining(store, clock)()).traces.voices == 1
    assert await kept(store) == 1, "Alice was never asked and stays"


@pytest.mark.parametrize("purpose", ["voice", None])
async def test_a_withdrawn_consent_takes_the_voice_with_it(
    served: Service, recorder: Recorder, store: Store, purpose: str | None
) -> None:
    await verbs(served).enrol(ALICE, recorder.several(voice(1)), caller=CALLER, consent=TO_VOICE)
    await served.consents.withdraw(ALICE, "door", caller=CALLER)
    assert await kept(store) == 1
    await served.consents.withdraw(ALICE, purpose, caller=CALLER)
    assert await kept(store) == 0


async def test_where_consent_is_required_a_voice_takes_one(
    store: Store, analyzer: Playback, recorder: Recorder, clock: HandClock
) -> None:
    service = with_voice(store, analyzer, recorder, consent=ConsentRule.REQUIRED, clock=clock)
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER, consent=DOOR)
    with pytest.raises(ConsentMissing):
        await verbs(service).enrol(ALICE, recorder.several(voice(1)), caller=CALLER)
    over = replace(TO_VOICE, expires_at=NOW)
    with pytest.raises(RequestInvalid):
        await verbs(service).enrol(ALICE, recorder.several(voice(1)), caller=CALLER, consent=over)
    assert await kept(store) == 0
    assert [one.given.purpose for one in await service.consents.of(ALICE)] == ["door"], "nothing half-written"
    await verbs(service).enrol(ALICE, recorder.several(voice(1)), caller=CALLER, consent=TO_VOICE)
    assert await kept(store) == 1
    required = replace(RETENTION, rule=ConsentRule.REQUIRED)
    assert (await retaining(store, clock, required)()).traces.voices == 0


async def test_where_consent_became_required_voices_of_those_never_asked_go(
    served: Service, store: Store, clock: HandClock
) -> None:
    await served.consents.give(ALICE, DOOR, caller=CALLER)
    await served.consents.give(BOB, DOOR, caller=CALLER)
    required = replace(RETENTION, rule=ConsentRule.REQUIRED)
    assert (await retaining(store, clock, required)()).traces.voices == 0, "there is a time of grace"
    clock.move(31 * DAY)
    assert (await retaining(store, clock, required)()).traces.voices == 1
