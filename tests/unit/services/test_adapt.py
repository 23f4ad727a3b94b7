"""Learning behind real decisions on a real store: refreshes, bars, undoing, and what goes wrong."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import text

from facekey.api.service import Service
from facekey.core.adaptation import AdaptationPolicy, Course, LiveAttempt
from facekey.core.caller import Caller, Role
from facekey.core.errors import RequestInvalid, SealBroken, SubjectUnknown
from facekey.core.personal_bar import Score
from facekey.core.types import Floats, Outcome, Reason, SubjectId
from facekey.services.adapt import Adapt
from facekey.services.undo_adaptation import BackTo
from facekey.store.sql.adaptation import SqlAdaptations
from tests.contract.store.opened import Store
from tests.unit.core.learned import attempt
from tests.unit.core.made import CALLER, MODEL, evidence, near
from tests.unit.services.deployed import MATCHER, NOW, HandClock, Playback, person, recorded, services
from tests.unit.services.staged import Stage
from tests.unit.services.test_stream import Player

ALICE, NOBODY = SubjectId("alice"), SubjectId("nobody")
POLICY = AdaptationPolicy(match_threshold=4.0, from_images=True)
DAY_S = 86_400.0
OPERATOR = Caller("operator:1", Role.OPERATOR)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def adapting(store: Store, analyzer: Playback, stage: Stage, clock: HandClock) -> Service:
    service = services(store, analyzer, stage, clock=clock, adaptation=POLICY)
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    return service


@pytest.fixture
def adaptations(store: Store) -> SqlAdaptations:
    return SqlAdaptations(store.database, store.ring, store.audit)


def today(seed: int) -> Floats:
    return near(person(1), 0.93, 4000 + seed)


async def days(service: Service, analyzer: Playback, clock: HandClock, *seeds: int) -> None:
    for seed in seeds:
        clock.move(DAY_S)
        decision = await service.authenticate(ALICE, analyzer.photo(evidence(today(seed))), caller=CALLER)
        assert decision.outcome is Outcome.ACCEPT


async def test_a_month_of_logins_refreshes_the_template_and_each_is_on_record(
    adapting: Service, analyzer: Playback, clock: HandClock, store: Store
) -> None:
    enrolled = await store.templates.get(ALICE)
    assert enrolled is not None
    await days(adapting, analyzer, clock, 1, 2, 3)
    after = await store.templates.get(ALICE)
    assert after is not None
    np.testing.assert_array_equal(after.references[0].vectors, enrolled.references[0].vectors)
    assert after.references[0].adapted is not None
    login, refresh = (await recorded(store))[-2:]
    assert (login["action"], refresh["action"]) == ("authenticate", "adapt")
    details = refresh["details"]
    assert isinstance(details, dict)
    assert (details["version"], details["before"], details["learned"]) == (2, 1, 1)
    assert refresh["subject"] == login["subject"]
    await days(adapting, analyzer, clock, 4, 5, 6, 7, 8, 9)
    standing = await adapting.undo_adaptation.standing(ALICE)
    assert (standing.version, standing.learned, standing.earlier) == (4, 2, (1, 2, 3))
    assert (await adapting.identify(analyzer.photo(evidence(today(1))), top_k=1, caller=CALLER)).found


async def test_a_live_session_teaches_and_a_photo_does_not_unless_that_was_chosen(
    store: Store, analyzer: Playback, stage: Stage, clock: HandClock
) -> None:
    service = services(store, analyzer, stage, clock=clock, adaptation=replace(POLICY, from_images=False))
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    await days(service, analyzer, clock, 1)
    assert (await service.undo_adaptation.standing(ALICE)).waiting == 0
    player = await Player.sits_down(service.stream, stage)
    assert (await player.obeys()).outcome is Outcome.ACCEPT
    standing = await service.undo_adaptation.standing(ALICE)
    assert standing.waiting == 1
    assert list(standing.bars) == [f"image,{MODEL}", f"stream,{MODEL}"]


async def test_without_adaptation_nothing_is_learned_and_what_was_learned_does_not_count(
    adapting: Service, service: Service, analyzer: Playback, clock: HandClock, store: Store
) -> None:
    await days(adapting, analyzer, clock, 1, 2, 3)
    probe = analyzer.photo(evidence(today(4)))
    before = (await service.undo_adaptation.standing(ALICE)).bars
    decision = await service.authenticate(ALICE, probe, caller=CALLER)
    stored = await store.templates.get(ALICE)
    assert stored is not None
    assert decision.similarities["fusion"] == pytest.approx(
        MATCHER.compare(evidence(today(4)).embeddings, stored).confidence
    )
    assert (await service.undo_adaptation.standing(ALICE)).bars == before


async def put_scores(adaptations: SqlAdaptations, *values: float) -> None:
    learned = await adaptations.get(ALICE)
    course = Course(scores=tuple(Score(f"image,{MODEL}", value) for value in values))
    await adaptations.put(learned, course, None, at=NOW)


async def test_whoever_always_matches_strongly_must_go_on_doing_so(
    adapting: Service, analyzer: Playback, adaptations: SqlAdaptations, store: Store
) -> None:
    await put_scores(adaptations, *[7.0] * 30)
    weak = analyzer.photo(evidence(near(person(1), 0.72, 3)))
    decision = await adapting.authenticate(ALICE, weak, caller=CALLER)
    record = (await recorded(store))[-1]
    details = record["details"]
    assert isinstance(details, dict)
    assert details["match_evidence"] > 4.0
    assert details["bar"] == 6.0
    assert (decision.outcome, decision.reason, record["reason"]) == (
        Outcome.REJECT,
        Reason.NO_MATCH,
        "no_match",
    )
    # Nothing in the answer tells of a bar: the id might not exist.
    assert decision.threshold == pytest.approx(0.65)
    assert decision.confidence is not None
    assert decision.confidence < decision.threshold
    # It counts as a score all the same, so that the bar can follow its person down.
    standing = await adapting.undo_adaptation.standing(ALICE)
    assert standing.bars[f"image,{MODEL}"][1] == 31


async def test_unknown_ids_are_asked_and_answered_as_known_ones(
    adapting: Service, analyzer: Playback, store: Store
) -> None:
    probe = analyzer.photo(evidence(person(2)))
    known = await adapting.authenticate(ALICE, probe, caller=CALLER)
    unknown = await adapting.authenticate(NOBODY, probe, caller=CALLER)
    assert (unknown.outcome, unknown.reason) == (known.outcome, known.reason)
    first, second = (await recorded(store))[-2:]
    assert first["details"].keys() == second["details"].keys()  # type: ignore[attr-defined]


async def test_a_spoof_is_not_learned_from(
    adapting: Service, analyzer: Playback, adaptations: SqlAdaptations
) -> None:
    spoof, blurred = evidence(today(1), liveness=0.2), evidence(today(1), reasons=(Reason.BLURRED,))
    for shown in (spoof, blurred):
        await adapting.authenticate(ALICE, analyzer.photo(shown), caller=CALLER)
    assert (await adaptations.get(ALICE)).course == Course()


async def test_undoing_goes_back_step_by_step_or_all_the_way(
    adapting: Service, analyzer: Playback, clock: HandClock, store: Store
) -> None:
    undo = adapting.undo_adaptation
    with pytest.raises(RequestInvalid, match="nothing"):
        await undo(ALICE, BackTo.PREVIOUS, caller=OPERATOR)
    await days(adapting, analyzer, clock, *range(1, 10))
    learned = [await store.templates.get(ALICE)]
    undone = await undo(ALICE, BackTo.PREVIOUS, caller=OPERATOR)
    assert (undone.version, undone.learned) == (5, 2)
    assert (await undo.standing(ALICE)).earlier == (1, 2)
    record = (await recorded(store))[-1]
    assert (record["action"], record["actor"], record["reason"]) == (
        "undo_adaptation",
        "operator:1",
        "back_to_previous",
    )
    assert (await undo.standing(ALICE)).bars == {}
    # The next refresh waits its time.
    await days(adapting, analyzer, clock, 20)
    undone = await undo(ALICE, BackTo.ANCHOR, caller=OPERATOR)
    assert (undone.version, undone.learned, (await undo.standing(ALICE)).earlier) == (6, 0, ())
    back = await store.templates.get(ALICE)
    assert back is not None
    assert learned[0] is not None
    np.testing.assert_array_equal(back.references[0].vectors, learned[0].references[0].vectors)
    assert back.references[0].adapted is None
    await days(adapting, analyzer, clock, 21)
    undone = await undo(ALICE, BackTo.PREVIOUS, caller=OPERATOR)  # nothing before: the scores go
    assert undone.learned == 0


async def test_nobody_has_nothing_to_show(adapting: Service) -> None:
    with pytest.raises(SubjectUnknown):
        await adapting.undo_adaptation.standing(NOBODY)


@pytest.mark.parametrize(("value", "advised"), [(4.5, True), (6.0, False)])
async def test_new_photos_are_advised_when_somebody_looks_different(
    adapting: Service, adaptations: SqlAdaptations, value: float, advised: bool
) -> None:
    await put_scores(adaptations, *[7.0] * 30, *[value] * 10)
    assert (await adapting.undo_adaptation.standing(ALICE)).enrol_again is advised


async def test_what_cannot_be_learned_does_not_fail_the_decision(
    adapting: Service, analyzer: Playback, store: Store
) -> None:
    async def full(connection: object) -> None:
        await connection.execute(  # type: ignore[attr-defined]
            text(
                "CREATE TRIGGER full BEFORE INSERT ON adaptation BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        )

    await store.database.write(full)
    decision = await adapting.authenticate(ALICE, analyzer.photo(evidence(today(1))), caller=CALLER)
    assert decision.outcome is Outcome.ACCEPT
    assert (await adapting.undo_adaptation.standing(ALICE)).bars == {}


async def test_what_was_remembered_and_changed_by_hand_is_an_error_and_no_match_neither(
    adapting: Service, analyzer: Playback, store: Store
) -> None:
    await adapting.authenticate(ALICE, analyzer.photo(evidence(today(1))), caller=CALLER)

    async def tampered(connection: object) -> None:
        await connection.execute(  # type: ignore[attr-defined]
            text("UPDATE adaptation SET sealed = zeroblob(60)")
        )

    await store.database.write(tampered)
    with pytest.raises(SealBroken):
        await adapting.authenticate(ALICE, analyzer.photo(evidence(today(2))), caller=CALLER)


async def one_attempt(store: Store) -> LiveAttempt:
    stored = await store.templates.get(ALICE)
    assert stored is not None
    return attempt(stored, today(1))


async def test_learning_fails_silently_and_only_where_it_may(
    adapting: Service, store: Store, adaptations: SqlAdaptations, capsys: pytest.CaptureFixture[str]
) -> None:
    adapt = Adapt(adaptations=adaptations, matcher=MATCHER, policy=POLICY)
    made = await one_attempt(store)
    await adapt.learn(replace(made, evidence=3.9))
    assert (await adaptations.get(ALICE)).mark is None  # nothing was worth writing
    await adapt.learn(replace(made, subject_id=NOBODY))  # erased meanwhile
    await adapt.learn(made)

    async def tampered(connection: object) -> None:
        await connection.execute(text("UPDATE adaptation SET sealed = zeroblob(60)"))  # type: ignore[attr-defined]

    await store.database.write(tampered)
    await adapt.learn(made)
    told = capsys.readouterr()  # where the log goes is up to what ran before
    assert "nothing_learned" in told.out + told.err
