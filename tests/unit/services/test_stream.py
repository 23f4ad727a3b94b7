"""A live session from its first frame to its decision, with frames that say what was prepared."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent
from facekey.core.challenge import Action, Binding
from facekey.core.consent import UNKNOWN_SUBJECT
from facekey.core.errors import (
    ImageRefused,
    Overloaded,
    RequestInvalid,
    SampleRejected,
    SealBroken,
    StoreUnavailable,
)
from facekey.core.faults import Fault
from facekey.core.types import Decision, FacePatch, Floats, Outcome, Reason, SubjectId
from facekey.services.judge_session import ABANDONED
from facekey.services.stream import KEPT_PATCHES_S, MOST_GLIMPSES, Stream, StreamPolicy, StreamSession
from facekey.services.stream_update import Step, Update
from tests.contract.store.opened import Store
from tests.unit.core.glimpsed import frame_hash, glimpse
from tests.unit.core.made import CALLER, near
from tests.unit.core.test_obedience import FRAME_S, SHOWN
from tests.unit.services.deployed import Playback, person, recorded, services
from tests.unit.services.staged import Stage

ALICE, NOBODY = SubjectId("alice"), SubjectId("nobody")


def looks(who: int) -> Floats:
    """How a person looks today."""
    return near(person(who), 0.9, 77 + who)


class Player:
    """Sits before the camera of one session."""

    def __init__(self, stream: Stream, stage: Stage, session: StreamSession, who: int) -> None:
        self.stream, self.stage, self.session = stream, stage, session
        self.face = looks(who)
        self.updates: list[Update] = []

    @classmethod
    async def sits_down(
        cls, stream: Stream, stage: Stage, user_id: SubjectId = ALICE, who: int = 1, session_id: str = "s"
    ) -> "Player":
        session = await stream.open(Binding("kiosk", session_id, user_id), caller=CALLER)
        return cls(stream, stage, session, who)

    async def send(
        self, image: bytes, *, number: int | None = None, challenge_id: str | None = None
    ) -> Update:
        self.stage.ticker.now_s += FRAME_S
        update = await self.session.frame(
            image, at_s=self.stage.ticker.now_s, number=number, challenge_id=challenge_id
        )
        self.updates.append(update)
        return update

    async def show(self, seconds: float, **what: object) -> Update:
        """Do this for a while, or until it is decided."""
        for _ in range(round(seconds / FRAME_S)):
            update = await self.send(self.stage.face(**{"face": self.face, **what}))
            if update.decision is not None:
                break
        return self.updates[-1]

    async def obeys(self) -> Decision:
        """Do all that is asked."""
        for _ in range(20):
            update = await self.show(0.6)
            if update.decision is None and self.asked:
                update = await self.show(0.6, **SHOWN[self.asked[-1]])
            if update.decision is not None:
                return update.decision
        raise AssertionError("never decided")

    @property
    def asked(self) -> list[Action]:
        return [update.prompt.action for update in self.updates if update.prompt is not None]


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def stream(store: Store, analyzer: Playback, stage: Stage) -> Stream:
    service = services(store, analyzer, stage)
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    return service.stream


async def last(store: Store) -> dict[str, object]:
    return dict((await recorded(store))[-1])


async def refused(player: Player, fault: Fault, reason: Reason, store: Store) -> None:
    """The session is over for this reason; the client was told less."""
    decision = player.updates[-1].decision
    assert decision is not None
    assert decision.reason is reason
    assert decision.outcome is not Outcome.ACCEPT
    assert (decision.confidence, decision.liveness_score, decision.similarities) == (None, None, {})
    record = await last(store)
    assert (record["action"], record["reason"]) == ("authenticate_stream", str(fault))
    assert player.session.over


async def test_who_does_what_is_asked_is_let_in(stream: Stream, stage: Stage, store: Store) -> None:
    player = await Player.sits_down(stream, stage)
    decision = await player.obeys()
    assert (decision.outcome, decision.reason) == (Outcome.ACCEPT, Reason.LIVE_MATCH)
    assert decision.liveness_score == 0.95
    assert player.asked == stage.actions
    assert player.updates[0].step is Step.PROGRESS
    record = await last(store)
    assert (record["outcome"], record["reason"]) == ("accept", "live_match")
    details = record["details"]
    assert isinstance(details, dict)
    assert (details["actions"], details["answered"]) == ("turn_left,blink", 2)
    assert "alice" not in str(record)
    assert "kiosk" not in str(record)
    (judged,) = stage.judged
    assert len(judged) == details["frames"], "liveness looks at all frames"
    assert await stream.single_use.take("challenge/" + player.updates[-2].step) is None


async def test_a_stranger_who_obeys_is_not(stream: Stream, stage: Stage) -> None:
    decision = await (await Player.sits_down(stream, stage, who=3)).obeys()
    assert (decision.outcome, decision.reason) == (Outcome.REJECT, Reason.NO_MATCH)


async def test_a_spoof_that_obeys_is_not(stream: Stream, stage: Stage) -> None:
    stage.scores = 0.1
    decision = await (await Player.sits_down(stream, stage)).obeys()
    assert (decision.outcome, decision.reason) == (Outcome.REJECT, Reason.SPOOF_SUSPECTED)
    assert decision.confidence is None


async def test_an_unknown_id_is_answered_like_a_stranger(stream: Stream, stage: Stage, store: Store) -> None:
    stranger = await (await Player.sits_down(stream, stage, who=3)).obeys()
    player = await Player.sits_down(stream, stage, user_id=NOBODY, who=3, session_id="t")
    unknown = await player.obeys()
    assert (unknown.outcome, unknown.reason) == (stranger.outcome, stranger.reason)
    assert unknown.similarities.keys() == stranger.similarities.keys()
    known_record, unknown_record = (await recorded(store))[-2:]
    assert unknown_record["reason"] == UNKNOWN_SUBJECT
    assert known_record["details"].keys() == unknown_record["details"].keys()  # type: ignore[attr-defined]


async def test_whoever_resembles_the_decoy_is_refused(stream: Stream, stage: Stage, store: Store) -> None:
    player = await Player.sits_down(stream, stage, user_id=NOBODY)
    player.face = store.decoy.template(NOBODY).references[0].centroid().vector
    decision = await player.obeys()
    assert decision.outcome is Outcome.REJECT
    assert decision.confidence is not None
    assert decision.confidence < decision.threshold


class TestRefusals:
    async def test_replayed_frames(self, stream: Stream, stage: Stage, store: Store) -> None:
        """What one session showed is refused in the next, also after another encoding."""
        first = await Player.sits_down(stream, stage)
        await first.show(1.4)
        shown = list(stage.prepared.values())
        second = await Player.sits_down(stream, stage, session_id="t")
        for number in range(2, len(shown)):
            assert not isinstance(shown[number], Exception)
            again = replace(shown[number], frame_hash=frame_hash(number, flipped=15))  # type: ignore[type-var]
            if (await second.send(stage.picture(again))).decision is not None:
                break
        await refused(second, Fault.REPLAYED, Reason.SPOOF_SUSPECTED, store)

    async def test_frames_that_come_round_again(self, stream: Stream, stage: Stage, store: Store) -> None:
        player = await Player.sits_down(stream, stage)
        images = [stage.face(face=player.face) for _ in range(20)]
        for image in [*images, *images]:
            if (await player.send(image)).decision is not None:
                break
        await refused(player, Fault.REPEATED, Reason.SPOOF_SUSPECTED, store)

    async def test_reordered_frames(self, stream: Stream, stage: Stage, store: Store) -> None:
        player = await Player.sits_down(stream, stage)
        for number in (0, 1, 5, 4):
            await player.send(stage.face(face=player.face), number=number)
        await refused(player, Fault.REORDERED, Reason.SPOOF_SUSPECTED, store)

    async def test_spliced_people(self, stream: Stream, stage: Stage, store: Store) -> None:
        """Mallory answers the first prompt and shows Alice's picture for the rest."""
        player = await Player.sits_down(stream, stage, who=3)
        await player.show(0.8)
        assert player.asked
        player.face = looks(1)
        await player.show(0.1)
        await refused(player, Fault.OTHER_FACE, Reason.SPOOF_SUSPECTED, store)

    async def test_a_face_that_jumps(self, stream: Stream, stage: Stage, store: Store) -> None:
        player = await Player.sits_down(stream, stage)
        await player.show(0.8)
        await player.show(0.1, x=350.0)
        await refused(player, Fault.FACE_JUMPED, Reason.SPOOF_SUSPECTED, store)

    async def test_a_face_that_goes_away(self, stream: Stream, stage: Stage, store: Store) -> None:
        player = await Player.sits_down(stream, stage)
        await player.show(0.8)
        stage.ticker.now_s += 3.0
        await player.show(0.1)
        await refused(player, Fault.FACE_LOST, Reason.FACE_LOST, store)

    async def test_time_that_goes_back(self, stream: Stream, stage: Stage, store: Store) -> None:
        player = await Player.sits_down(stream, stage)
        await player.show(0.3)
        stage.ticker.now_s -= 1.0
        await player.show(0.1)
        await refused(player, Fault.TIME_BACKWARDS, Reason.SPOOF_SUSPECTED, store)

    async def test_answering_too_fast(self, stream: Stream, stage: Stage, store: Store) -> None:
        player = await Player.sits_down(stream, stage)
        while not player.asked:
            await player.show(FRAME_S)
        await player.show(0.2, **SHOWN[player.asked[0]])
        await refused(player, Fault.TOO_FAST, Reason.CHALLENGE_FAILED, store)

    async def test_the_wrong_order(self, stream: Stream, stage: Stage, store: Store) -> None:
        stage.actions = [Action.SMILE, Action.TURN_LEFT, Action.NOD]
        player = await Player.sits_down(stream, stage)
        await player.show(0.8)
        for action in (Action.NOD, Action.TURN_LEFT):
            await player.show(0.5, **SHOWN[action])
            await player.show(0.5)
        await refused(player, Fault.WRONG_ACTION, Reason.CHALLENGE_FAILED, store)

    async def test_the_challenge_of_another_session(self, stream: Stream, stage: Stage, store: Store) -> None:
        other = await Player.sits_down(stream, stage, session_id="other")
        await other.show(0.8)
        prompts = [update.prompt for update in other.updates if update.prompt is not None]
        player = await Player.sits_down(stream, stage, who=1)
        await player.send(stage.face(face=player.face), challenge_id=prompts[0].challenge_id)
        await refused(player, Fault.FOREIGN_CHALLENGE, Reason.CHALLENGE_FAILED, store)

    async def test_a_challenge_that_was_used(self, stream: Stream, stage: Stage, store: Store) -> None:
        player = await Player.sits_down(stream, stage)
        await player.show(0.8)
        prompt = next(update.prompt for update in player.updates if update.prompt is not None)
        assert await stream.single_use.take(f"challenge/{prompt.challenge_id}") is not None
        await player.obeys()
        await refused(player, Fault.CHALLENGE_USED, Reason.CHALLENGE_EXPIRED, store)

    async def test_expired(self, stream: Stream, stage: Stage, store: Store) -> None:
        player = await Player.sits_down(stream, stage)
        await player.show(0.8)
        assert player.session.left_s() == pytest.approx(20.0, abs=1.0)
        await player.show(21.0)
        await refused(player, Fault.EXPIRED, Reason.CHALLENGE_EXPIRED, store)

    async def test_expired_between_two_looks(self, stream: Stream, stage: Stage, store: Store) -> None:
        """The frame came in time and was looked at too late."""
        player = await Player.sits_down(stream, stage)
        await player.show(0.8)
        assert player.session._obedience is not None
        stage.prepared[b"late"] = glimpse(0.0, face=player.face, picture=7777)
        player.session._obedience._first_asked_s = stage.ticker.now_s - 20.0 + FRAME_S
        update = await player.session.frame(b"late", at_s=stage.ticker.now_s + 2 * FRAME_S)
        player.updates.append(update)
        await refused(player, Fault.EXPIRED, Reason.CHALLENGE_EXPIRED, store)

    async def test_a_session_without_frames_expires(self, stream: Stream, stage: Stage, store: Store) -> None:
        player = await Player.sits_down(stream, stage)
        stage.ticker.now_s += 60.0
        assert player.session.left_s() <= 0
        player.updates.append(await player.session.expire())
        await refused(player, Fault.EXPIRED, Reason.CHALLENGE_EXPIRED, store)


async def test_a_session_id_is_good_once(stream: Stream, stage: Stage) -> None:
    await Player.sits_down(stream, stage)
    for user_id in (ALICE, NOBODY):
        with pytest.raises(RequestInvalid, match="used before") as caught:
            await Player.sits_down(stream, stage, user_id=user_id)
        assert caught.value.code == "session_used"


async def test_whoever_steps_in_before_anything_was_asked_begins_anew(stream: Stream, stage: Stage) -> None:
    player = await Player.sits_down(stream, stage, who=3)
    await player.show(0.3)
    player.face = looks(1)
    decision = await player.obeys()
    assert decision.outcome is Outcome.ACCEPT
    (judged,) = stage.judged
    assert all(one.evidence.embeddings[0].vector is player.face for one in judged)


async def test_what_cannot_be_judged_is_guidance(stream: Stream, stage: Stage, store: Store) -> None:
    player = await Player.sits_down(stream, stage)
    before = len(await recorded(store))
    for reason, step in (
        (Reason.NO_FACE, Step.NO_FACE),
        (Reason.MULTIPLE_FACES, Step.MULTIPLE_FACES),
        (Reason.TOO_DARK, Step.GUIDANCE),
    ):
        update = await player.send(stage.picture(SampleRejected(reason)))
        assert (update.step, update.reason) == (step, reason)
    assert len(await recorded(store)) == before
    await player.show(1.0)
    assert (await player.show(0.6, yaw_deg=25.0)).step is Step.GUIDANCE, "asks for a resting face"


async def test_frames_nobody_looked_at_are_counted(stream: Stream, stage: Stage) -> None:
    player = await Player.sits_down(stream, stage)
    image = stage.face(face=player.face)
    await player.send(image)
    assert (await player.send(image)).step is Step.DROPPED, "the camera gave the same frame twice"
    assert (await player.send(stage.picture(Overloaded("full")))).step is Step.DROPPED
    player.session.drop(3)
    assert player.session.dropped == 5


async def test_a_frame_that_is_no_picture_changes_nothing(stream: Stream, stage: Stage) -> None:
    player = await Player.sits_down(stream, stage)
    await player.show(0.3)
    with pytest.raises(ImageRefused):
        await player.send(b"not prepared")
    assert (await player.obeys()).outcome is Outcome.ACCEPT


async def test_who_goes_away_after_the_prompt_is_on_record(
    stream: Stream, stage: Stage, store: Store
) -> None:
    player = await Player.sits_down(stream, stage)
    before = len(await recorded(store))
    await player.session.abandon()
    assert len(await recorded(store)) == before, "nothing was asked yet"
    player = await Player.sits_down(stream, stage, session_id="t")
    await player.show(0.8)
    await player.session.abandon()
    assert (await last(store))["reason"] == ABANDONED
    await player.session.abandon()
    assert len(await recorded(store)) == before + 1


async def test_the_passive_mode_watches_long_enough(store: Store, analyzer: Playback) -> None:
    stage = Stage(actions=[], policy=StreamPolicy(actions=0, passive_frames=24, passive_s=3.0))
    service = services(store, analyzer, stage)
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    player = await Player.sits_down(service.stream, stage)
    update = await player.show(2.9)
    assert update.decision is None
    assert 0.9 < update.progress <= 1.0
    update = await player.show(0.5)
    assert update.decision is not None
    assert update.decision.outcome is Outcome.ACCEPT
    assert player.asked == []


async def test_a_session_keeps_a_bounded_number_of_frames(stream: Stream, stage: Stage) -> None:
    player = await Player.sits_down(stream, stage)
    patch = FacePatch(frame_hash(1), frame_hash(2))  # type: ignore[arg-type]
    await player.show(0.1)
    keep = player.session._keep
    for place in range(MOST_GLIMPSES + 50):
        keep(replace(glimpse(place * FRAME_S, picture=1), patch=patch))
    kept = player.session._glimpses
    assert len(kept) == MOST_GLIMPSES
    with_patch = [one for one in kept if one.patch is not None]
    assert len(with_patch) == pytest.approx(KEPT_PATCHES_S / FRAME_S, abs=1)


async def test_a_decision_that_is_not_on_record_is_not_given(
    stream: Stream, stage: Stage, store: Store
) -> None:
    player = await Player.sits_down(stream, stage)
    await store.database.write(
        lambda connection: connection.execute(
            text("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        )
    )
    with pytest.raises(StoreUnavailable):
        await player.obeys()
    assert player.session.over
    assert all(update.decision is None for update in player.updates)


async def test_a_template_that_was_tampered_with_is_not_a_no_match(
    stream: Stream, stage: Stage, store: Store
) -> None:
    await store.database.write(
        lambda connection: connection.execute(text("UPDATE templates SET sealed = zeroblob(200)"))
    )
    with pytest.raises(SealBroken):
        await (await Player.sits_down(stream, stage)).obeys()


async def test_a_frame_without_a_hash_is_not_taken_for_new(stream: Stream, stage: Stage) -> None:
    player = await Player.sits_down(stream, stage)
    with pytest.raises(ValueError, match="told from a replay"):
        await player.send(stage.picture(replace(glimpse(0.0), frame_hash=None)))


async def test_the_wall_clock_may_jump(
    stream: Stream, stage: Stage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Durations come from a clock that nobody sets; only the record shows the time of day."""
    now = stream.clock.now()
    moments = iter([now.replace(year=year) for year in (1999,) * 3 + (2040,) * 3])  # opened, judged, recorded
    monkeypatch.setattr(stream.clock, "now", lambda: next(moments))
    events: list[AuditEvent] = []
    whole = stream.ledger.settle

    async def watched(event: AuditEvent, claim: Claim, result: Result) -> object:
        events.append(event)
        return await whole(event, claim, result)

    monkeypatch.setattr(stream.ledger, "settle", watched)
    for session_id in ("a", "b"):
        player = await Player.sits_down(stream, stage, session_id=session_id)
        assert (await player.obeys()).outcome is Outcome.ACCEPT
    assert [event.at.year for event in events] == [1999, 2040]


async def test_a_machine_that_slept_finds_its_sessions_expired(
    stream: Stream, stage: Stage, store: Store
) -> None:
    player = await Player.sits_down(stream, stage)
    await player.show(0.8)
    stage.ticker.now_s += 3600.0
    await player.show(0.1)
    await refused(player, Fault.EXPIRED, Reason.CHALLENGE_EXPIRED, store)


@pytest.mark.parametrize(
    "limits", [{"passive_frames": 0}, {"passive_s": 0.0}, {"session_s": -1.0}, {"single_use_s": float("nan")}]
)
def test_a_policy_that_judges_nothing_is_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="positive"):
        StreamPolicy(**limits)  # type: ignore[arg-type]
