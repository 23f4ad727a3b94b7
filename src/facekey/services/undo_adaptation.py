"""Undo adaptation: back to the template before, or to the enrolment. And what there is to undo."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from statistics import median

from facekey.core.adaptation import AdaptationPolicy, Course
from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.errors import RequestInvalid
from facekey.core.ports.adaptation import Adaptations, Direction, EarlierVersions, Learned, Step
from facekey.core.ports.clocks import Clock
from facekey.core.types import SubjectId, Template
from facekey.services.adapt import learned_vectors

RECENT = 10  # scores that tell whether somebody begins to look different
FADING = 1.0  # decades above the threshold below which enrolling again is advised


class BackTo(StrEnum):
    """How far back."""

    PREVIOUS = "previous"
    ANCHOR = "anchor"


@dataclass(frozen=True, slots=True)
class Standing:
    """What adaptation knows and did of one person, without anything biometric.

    Attributes:
        version: of the template; 1 is the enrolment.
        learned: vectors beside those of the enrolment.
        earlier: versions that can be returned to.
        refreshed_at: when the template last changed.
        waiting: probes that wait for others to agree with them.
        bars: evidence the person must reach and the number of scores behind it, by the kind of
            attempt; empty until there are scores.
        threshold: the common one.
        enrol_again: the recent scores are so low that new photos are advised.
    """

    version: int
    learned: int
    earlier: tuple[int, ...]
    refreshed_at: datetime | None
    waiting: int
    bars: dict[str, tuple[float, int]]
    threshold: float
    enrol_again: bool


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undoing led to."""

    version: int
    learned: int


class UndoAdaptation:
    """Shows and takes back what was learned of a person. Works whether adaptation is on or off."""

    def __init__(
        self,
        *,
        adaptations: Adaptations,
        earlier: EarlierVersions,
        policy: AdaptationPolicy,
        clock: Clock,
    ) -> None:
        """Take the store and the rules."""
        self._adaptations = adaptations
        self._earlier = earlier
        self._policy = policy
        self._clock = clock

    async def standing(self, subject_id: SubjectId) -> Standing:
        """What there is.

        Raises:
            SubjectUnknown: there is nobody of that id.
            KeyUnavailable, SealBroken, StoreUnavailable: it can't be told.
        """
        learned = await self._adaptations.get(subject_id)
        scores, floor = learned.course.scores, self._policy.match_threshold
        counts = {under: sum(one.under == under for one in scores) for under in {one.under for one in scores}}
        recent = [score.evidence for score in scores[-RECENT:]]
        return Standing(
            version=learned.version,
            learned=learned_vectors(learned.template),
            earlier=learned.earlier,
            refreshed_at=learned.course.refreshed_at,
            waiting=len(learned.course.pending),
            bars={
                under: (self._policy.bar.bar(scores, under=under, floor=floor), count)
                for under, count in sorted(counts.items())
            },
            threshold=floor,
            enrol_again=len(recent) == RECENT and median(recent) < floor + FADING,
        )

    async def __call__(self, subject_id: SubjectId, back_to: BackTo, *, caller: Caller) -> Undone:
        """Go back, forget what was remembered, and record it in the same transaction.

        Raises:
            RequestInvalid: `nothing_to_undo`: the template is the enrolment, and nothing is remembered.
            SubjectUnknown: there is nobody of that id.
            TemplateMoved: it changed at the same moment.
            KeyUnavailable, SealBroken, StoreUnavailable: nothing was changed.
        """
        learned = await self._adaptations.get(subject_id)
        at = self._clock.now()
        direction, template = await self._destination(learned, back_to)
        details = {
            "version": learned.version + 1,
            "before": learned.version,
            "learned": learned_vectors(template),
        }
        event = AuditEvent(
            "undo_adaptation", caller.actor, subject_id, "undone", f"back_to_{back_to}", at, details
        )
        # The scores and probes go as well: whoever asks for this doesn't trust what was learned.
        course = Course(refreshed_at=at)
        await self._adaptations.put(learned, course, Step(direction, template, event), at=at)
        return Undone(learned.version + 1, learned_vectors(template))

    async def _destination(self, learned: Learned, back_to: BackTo) -> tuple[Direction, Template]:
        if not learned_vectors(learned.template) and not learned.course.scores and not learned.course.pending:
            raise RequestInvalid("nothing_to_undo", "adaptation has learned nothing of this user")
        if back_to is BackTo.PREVIOUS and learned.earlier:
            return Direction.BACK, await self._earlier.latest(learned)
        anchor = tuple(replace(one, adapted=None) for one in learned.template.references)
        return Direction.TO_ANCHOR, Template(learned.subject_id, anchor)
