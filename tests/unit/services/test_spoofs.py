"""What is kept of suspected spoofs: of whom, for how long, and who has it after an erasure: nobody."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import structlog

from facekey.api.service import Service
from facekey.core.consent import ConsentGiven
from facekey.core.errors import FaceKeyError, ImageRefused, Overloaded, SpoofUnknown
from facekey.core.faults import PUBLIC, Fault
from facekey.core.personal_export import export_of
from facekey.core.ports.spoofs import UNWITNESSED
from facekey.core.spoofs import SPOOF_REASONS, Drawn, SpoofCase
from facekey.core.types import Reason, SubjectId
from facekey.services.keep_evidence import MOST_AT_ONCE, KeepEvidence
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER, evidence, near
from tests.unit.services.deployed import HandClock, Playback, person, recorded, services, spoofs_of
from tests.unit.services.staged import Stage
from tests.unit.services.test_stream import Player

ALICE, BOB, NOBODY = SubjectId("alice"), SubjectId("bob"), SubjectId("nobody")


@dataclass
class Artist:
    """Implements `core.ports.spoofs.SpoofArtist`: what it draws can be told from the picture."""

    seen: list[bytes] = field(default_factory=list)
    fails: Exception | None = None
    blind: bool = False
    may: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may.set()

    async def draw(self, image: bytes) -> Drawn:
        self.seen.append(image)
        await self.may.wait()
        if self.fails is not None:
            raise self.fails
        return Drawn(None if self.blind else b"depth of " + image, None)


@pytest.fixture
def artist() -> Artist:
    return Artist()


@pytest.fixture
def keep(store: Store, artist: Artist) -> KeepEvidence:
    return KeepEvidence(artist=artist, store=spoofs_of(store))


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def service(store: Store, analyzer: Playback, clock: HandClock, keep: KeepEvidence) -> Service:
    made = services(store, analyzer, clock=clock, witness=keep)
    await made.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    return made


def spoof(analyzer: Playback) -> bytes:
    return analyzer.photo(evidence(near(person(1), 0.9, 77), liveness=0.1, picture=len(analyzer.prepared)))


async def last_of(store: Store, action: str) -> int:
    numbers = [number for number, one in enumerate(await recorded(store), 1) if one["action"] == action]
    return numbers[-1]


async def test_an_operator_sees_what_was_kept(
    service: Service, analyzer: Playback, keep: KeepEvidence, store: Store
) -> None:
    shown = spoof(analyzer)
    decision = await service.authenticate(ALICE, shown, caller=CALLER)
    assert decision.reason is Reason.SPOOF_SUSPECTED
    await keep.settled()
    ((record, kept),) = await service.read_spoofs.page(before=None, limit=10, caller=CALLER)
    assert (record.sequence, kept) == (2, True)
    found = await service.read_spoofs.show(2, caller=CALLER)
    assert found.evidence is not None
    assert (found.subject_id, found.evidence.drawn) == (ALICE, Drawn(b"depth of " + shown, None))
    looked = (await recorded(store))[-1]
    assert (looked["action"], looked["outcome"]) == ("read_spoof", "shown")
    assert looked["details"] == {"sequence": 2, "evidence": True}
    assert looked["subject"] == (await recorded(store))[1]["subject"]


async def test_only_suspected_spoofs_leave_anything(
    service: Service, analyzer: Playback, keep: KeepEvidence, artist: Artist
) -> None:
    for said in (evidence(near(person(1), 0.9, 77)), evidence(near(person(2), 0.9, 78))):
        await service.authenticate(ALICE, analyzer.photo(said), caller=CALLER)
    await keep.settled()
    assert artist.seen == []
    assert await service.read_spoofs.page(before=None, limit=10, caller=CALLER) == []


async def test_of_nobody_nothing_is_kept_and_it_is_the_same_work(
    service: Service, analyzer: Playback, keep: KeepEvidence, artist: Artist
) -> None:
    await service.authenticate(NOBODY, spoof(analyzer), caller=CALLER)
    await keep.settled()
    assert len(artist.seen) == 1
    assert await spoofs_of_all(service) == {}


async def spoofs_of_all(service: Service) -> dict[int, bool]:
    found = await service.read_spoofs.page(before=None, limit=100, caller=CALLER)
    return {record.sequence: kept for record, kept in found}


async def test_whose_consent_lapsed_leaves_nothing(
    service: Service, analyzer: Playback, keep: KeepEvidence, clock: HandClock, store: Store
) -> None:
    given = ConsentGiven("door", "1", clock.now() + timedelta(days=1))
    await service.register(BOB, analyzer.photos_of(person(2)), caller=CALLER, consent=given)
    clock.move(2 * 86_400)
    shown = analyzer.photo(evidence(near(person(2), 0.9, 79), liveness=0.1))
    await service.authenticate(BOB, shown, caller=CALLER)
    await keep.settled()
    assert await spoofs_of(store).kept(range(10)) == frozenset()


@pytest.mark.parametrize(
    "fails", [ImageRefused("image_corrupt", "it can't be read"), Overloaded("full"), ValueError("a defect")]
)
async def test_what_cannot_be_drawn_changes_no_answer(
    service: Service, analyzer: Playback, keep: KeepEvidence, artist: Artist, fails: Exception
) -> None:
    artist.fails = fails
    with structlog.testing.capture_logs() as told:
        decision = await service.authenticate(ALICE, spoof(analyzer), caller=CALLER)
        await keep.settled()
    assert decision.reason is Reason.SPOOF_SUSPECTED
    expected = "spoof_evidence_left_out" if isinstance(fails, FaceKeyError) else "defect"
    assert [line["event"] for line in told] == [expected]
    assert await spoofs_of_all(service) == {2: False}


async def test_a_picture_without_a_face_leaves_nothing(
    service: Service, analyzer: Playback, keep: KeepEvidence, artist: Artist
) -> None:
    artist.blind = True
    await service.authenticate(ALICE, spoof(analyzer), caller=CALLER)
    await keep.settled()
    assert await spoofs_of_all(service) == {2: False}


async def test_many_at_once_are_left_out(
    service: Service, analyzer: Playback, keep: KeepEvidence, artist: Artist, clock: HandClock
) -> None:
    artist.may.clear()
    with structlog.testing.capture_logs() as told:
        for number in range(MOST_AT_ONCE + 2):
            keep.keep(SpoofCase(100 + number, ALICE, clock.now(), b"picture"))
        keep.keep(SpoofCase(1, ALICE, clock.now(), b""))
        await asyncio.sleep(0)
    assert [line["sequence"] for line in told] == [100 + MOST_AT_ONCE, 101 + MOST_AT_ONCE]
    assert len(artist.seen) == MOST_AT_ONCE
    artist.may.set()
    await keep.settled()


async def test_an_erasure_takes_it_along(service: Service, analyzer: Playback, keep: KeepEvidence) -> None:
    await service.authenticate(ALICE, spoof(analyzer), caller=CALLER)
    await keep.settled()
    told = export_of(await service.export(ALICE, caller=CALLER), vectors=False)
    assert told["suspected_spoofs"] == [
        {"audit_sequence": 2, "taken_at": "2026-01-02T03:04:05+00:00", "photo": False}
    ]
    await service.erase(ALICE, caller=CALLER)
    assert await spoofs_of_all(service) == {2: False}
    found = await service.read_spoofs.show(2, caller=CALLER)
    assert (found.evidence, found.subject_id) == (None, None)


async def test_who_is_still_enrolled_has_a_name_without_evidence(
    service: Service, analyzer: Playback, keep: KeepEvidence, clock: HandClock
) -> None:
    await service.authenticate(ALICE, spoof(analyzer), caller=CALLER)
    await keep.settled()
    clock.move(31 * 86_400)
    assert (await service.retain()).traces.spoofs == 1
    found = await service.read_spoofs.show(2, caller=CALLER)
    assert (found.evidence, found.subject_id) == (None, ALICE)
    await service.identify(spoof(analyzer), top_k=1, caller=CALLER)
    of_nobody = max(await spoofs_of_all(service))
    assert (await service.read_spoofs.show(of_nobody, caller=CALLER)).subject_id is None


@pytest.mark.parametrize("sequence", [1, 99])
async def test_other_records_are_no_spoofs(service: Service, sequence: int, store: Store) -> None:
    with pytest.raises(SpoofUnknown):
        await service.read_spoofs.show(sequence, caller=CALLER)
    assert len(await recorded(store)) == 1


@pytest.mark.parametrize("scores", [0.95, 0.1])
async def test_streams_leave_their_last_frame(  # noqa: PLR0917 - fixtures
    store: Store, analyzer: Playback, keep: KeepEvidence, artist: Artist, service: Service, scores: float
) -> None:
    stage = Stage(scores=scores)
    live = services(store, analyzer, stage, witness=keep).stream
    player = await Player.sits_down(live, stage)
    decision = await player.obeys()
    await keep.settled()
    sequence = await last_of(store, "authenticate_stream")
    suspected = decision.reason is Reason.SPOOF_SUSPECTED
    assert suspected is (scores < 0.5)
    assert await spoofs_of(store).kept([sequence]) == ({sequence} if suspected else set())
    assert len(artist.seen) == int(suspected)


async def test_a_stream_that_is_no_stream_is_a_spoof_too(
    store: Store, analyzer: Playback, keep: KeepEvidence, service: Service
) -> None:
    stage = Stage()
    player = await Player.sits_down(services(store, analyzer, stage, witness=keep).stream, stage)
    await player.send(stage.face(face=player.face), number=5)
    update = await player.send(stage.face(face=player.face), number=4)
    assert update.decision is not None
    await keep.settled()
    sequence = await last_of(store, "authenticate_stream")
    assert (await recorded(store))[sequence - 1]["reason"] == Fault.REORDERED
    assert await spoofs_of_all(service) == {sequence: True}


def test_every_reason_that_is_told_as_a_spoof_is_one() -> None:
    suspected = {str(fault) for fault, told in PUBLIC.items() if told is Reason.SPOOF_SUSPECTED}
    assert set(SPOOF_REASONS) == suspected | {"spoof_suspected"}
    assert "face_lost" not in SPOOF_REASONS


async def test_where_none_is_wanted_none_is_kept(store: Store, clock: HandClock) -> None:
    UNWITNESSED.keep(SpoofCase(1, ALICE, clock.now(), b"picture"))
    assert await spoofs_of(store).kept([1]) == frozenset()
