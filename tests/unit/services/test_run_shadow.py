"""A network in shadow: what is counted, and that nothing of it reaches a decision."""

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest

from facekey.core.errors import FaceKeyError, ModelOutputInvalid, Overloaded
from facekey.core.ports.shadow import Agreement, Seen, ShadowCase
from facekey.core.types import Embedding, Floats, Reason, References, SubjectId, Template
from facekey.services.run_shadow import MOST_AT_ONCE, RunShadow
from tests.unit.core.made import CALIBRATION, MODEL, direction, near

THRESHOLD = 4.0
PERSON = direction(1)
LIKE, UNLIKE = near(PERSON, 0.8, 2), near(PERSON, 0.1, 3)


@dataclass
class Eye:
    """Sees what it is told to, when it is told to."""

    seen: Seen | Exception
    free: asyncio.Event = field(default_factory=asyncio.Event)
    model_id = MODEL

    async def see(self, image: bytes) -> Seen:
        await self.free.wait()
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen


@dataclass
class Counts:
    compared_: list[tuple[Agreement, bool, float | None]] = field(default_factory=list)
    failures: int = 0
    drops: int = 0

    def compared(self, agreement: Agreement, *, matched: bool, score: float | None) -> None:
        self.compared_.append((agreement, matched, score))

    def failed(self) -> None:
        self.failures += 1

    def dropped(self) -> None:
        self.drops += 1


def of(vector: Floats | None) -> Template:
    references = () if vector is None else (References(MODEL, vector[np.newaxis]),)
    return Template(SubjectId("somebody"), references)


def case(reason: Reason, enrolled: Floats | None = PERSON, stand_in: Floats | None = None) -> ShadowCase:
    return ShadowCase(b"picture", of(enrolled), of(stand_in), reason)


async def run(seen: Seen | Exception, *cases: ShadowCase, measured: bool = True) -> Counts:
    eye, counts = Eye(seen), Counts()
    eye.free.set()
    shadow = RunShadow(
        eye=eye, meter=counts, threshold=THRESHOLD, calibration=CALIBRATION if measured else None
    )
    for one in cases:
        shadow.watch(one)
    await shadow.settled()
    return counts


def saw(vector: Floats) -> Seen:
    return Seen(embedding=Embedding(vector, MODEL))


@pytest.mark.parametrize(
    ("reason", "vector", "agreement"),
    [
        (Reason.LIVE_MATCH, LIKE, Agreement.BOTH_YES),
        (Reason.LIVE_MATCH, UNLIKE, Agreement.ONLY_LIVE_YES),
        (Reason.NO_MATCH, UNLIKE, Agreement.BOTH_NO),
        (Reason.NO_MATCH, LIKE, Agreement.ONLY_SHADOW_YES),
    ],
)
async def test_it_agrees_or_not(reason: Reason, vector: Floats, agreement: Agreement) -> None:
    counts = await run(saw(vector), case(reason))
    ((found, matched, score),) = counts.compared_
    assert (found, matched) == (agreement, reason is Reason.LIVE_MATCH)
    assert score == pytest.approx(float(vector @ PERSON), abs=1e-5)


async def test_a_spoof_tells_nothing_of_whose_face_it_shows() -> None:
    counts = await run(saw(LIKE), case(Reason.SPOOF_SUSPECTED))
    assert counts == Counts()


async def test_who_is_enrolled_without_it_counts_as_unknown() -> None:
    counts = await run(saw(LIKE), case(Reason.LIVE_MATCH, enrolled=None))
    assert counts.compared_ == [(Agreement.UNKNOWN, True, None)]


async def test_figures_dont_tell_who_is_enrolled() -> None:
    """An unknown id, one enrolled without this network and one enrolled with it: all count alike."""
    unknown_id = case(Reason.NO_MATCH, enrolled=direction(7), stand_in=direction(7))
    without = case(Reason.NO_MATCH, enrolled=None, stand_in=direction(8))
    known = case(Reason.NO_MATCH, enrolled=direction(9), stand_in=direction(10))
    counts = await run(saw(direction(11)), unknown_id, without, known)
    assert [found for found, _, _ in counts.compared_] == [Agreement.BOTH_NO] * 3
    # Unmeasured there are no stand-ins, so nobody is compared who wasn't matched.
    counts = await run(saw(direction(11)), without, known, case(Reason.LIVE_MATCH), measured=False)
    assert [(found, score is None) for found, _, score in counts.compared_] == [
        (Agreement.UNKNOWN, True),
        (Agreement.UNKNOWN, True),
        (Agreement.UNKNOWN, False),
    ]


@pytest.mark.parametrize(
    ("reason", "score", "counted"),
    [
        (Reason.LIVE_MATCH, 5.0, [(Agreement.BOTH_YES, True, 5.0)]),
        (Reason.NO_MATCH, 1.0, [(Agreement.ONLY_LIVE_YES, True, 1.0)]),
        (Reason.SPOOF_SUSPECTED, 1.0, [(Agreement.BOTH_NO, False, 1.0)]),
        (Reason.SPOOF_SUSPECTED, 5.0, [(Agreement.ONLY_SHADOW_YES, False, 5.0)]),
        (Reason.FACE_TOO_SMALL, 1.0, []),
    ],
)
async def test_a_liveness_network_is_held_against_liveness(
    reason: Reason, score: float, counted: list[object]
) -> None:
    assert (await run(Seen(liveness=score), case(reason))).compared_ == counted


@pytest.mark.parametrize(
    ("error", "failures", "drops"),
    [
        (ModelOutputInvalid("made", "not finite"), 1, 0),
        (FaceKeyError("broken"), 1, 0),
        (ZeroDivisionError("a defect"), 1, 0),
        (Overloaded("others go first"), 0, 1),
    ],
)
async def test_what_fails_is_counted_and_nothing_else(error: Exception, failures: int, drops: int) -> None:
    counts = await run(error, case(Reason.LIVE_MATCH))
    assert (counts.failures, counts.drops, counts.compared_) == (failures, drops, [])


async def test_few_at_once_and_nobody_waits() -> None:
    eye, counts = Eye(saw(LIKE)), Counts()
    shadow = RunShadow(eye=eye, meter=counts, threshold=THRESHOLD, calibration=CALIBRATION)
    for _ in range(MOST_AT_ONCE + 3):
        shadow.watch(case(Reason.LIVE_MATCH))
    shadow.watch(ShadowCase(b"", of(PERSON), of(None), Reason.LIVE_MATCH))  # a stream without a frame
    assert (counts.drops, counts.compared_) == (3, [])
    eye.free.set()
    await shadow.settled()
    assert len(counts.compared_) == MOST_AT_ONCE
