"""Adapt: learn from attempts that were live and strong, after they were decided.

Nothing here can fail a decision: what can't be learned now is told to the log, and the
next attempt teaches the same. Galleries needn't hear of it: they search the enrolments.
"""

import structlog

from facekey.core.adaptation import AdaptationPolicy, Lesson, LiveAttempt, learn
from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.errors import FaceKeyError, SubjectUnknown, TemplateMoved
from facekey.core.matching import Matcher
from facekey.core.ports.adaptation import Adaptations, Direction, Learned, Step
from facekey.core.types import SubjectId, Template

ACTOR = "system"
REFRESHED, CONFIRMED = "refreshed", "confirmed_on_several_days"

log = structlog.get_logger(__name__)


class Adapt:
    """Implements `core.ports.adaptation.Learning`."""

    def __init__(self, *, adaptations: Adaptations, matcher: Matcher, policy: AdaptationPolicy) -> None:
        """Take the store, the comparison and the rules."""
        self._adaptations = adaptations
        self._matcher = matcher
        self._policy = policy

    async def bar(self, subject_id: SubjectId, under: str) -> float:
        """Evidence that this person must reach; the common threshold for an unknown id.

        Raises:
            KeyUnavailable, SealBroken, StoreUnavailable: it is not known.
        """
        course = await self._adaptations.course(subject_id)
        return self._policy.bar.bar(course.scores, under=under, floor=self._policy.match_threshold)

    async def learn(self, attempt: LiveAttempt) -> None:
        """Take an attempt into account, after its decision is on record."""
        if not attempt.evidence >= self._policy.match_threshold:
            return  # neither a score nor a probe: nothing would be written
        try:
            learned = await self._adaptations.get(attempt.subject_id)
            lesson = learn(
                learned.template, learned.course, attempt, matcher=self._matcher, policy=self._policy
            )
            step = _step(learned, lesson, attempt)
            await self._adaptations.put(learned, lesson.course, step, at=attempt.at)
        except (SubjectUnknown, TemplateMoved):
            return  # erased, or another attempt of the same moment was learned from
        except FaceKeyError as error:
            log.warning("nothing_learned", error=type(error).__name__, cause=str(error))


def _step(learned: Learned, lesson: Lesson, attempt: LiveAttempt) -> Step | None:
    if lesson.template is None or lesson.turn is None:
        return None
    details: dict[str, AuditValue] = {
        "version": learned.version + 1,
        "before": learned.version,
        "learned": learned_vectors(lesson.template),
        "anchor_cosine": round(lesson.turn, 4),
        "match_evidence": round(attempt.evidence, 4),
        "anchor_evidence": round(attempt.anchor_evidence, 4),
        "liveness": round(attempt.liveness, 4),
        "quality": round(attempt.quality, 4),
    }
    event = AuditEvent("adapt", ACTOR, attempt.subject_id, REFRESHED, CONFIRMED, attempt.at, details)
    return Step(Direction.ON, lesson.template, event)


def learned_vectors(template: Template) -> int:
    """How many vectors a template holds beside its anchor."""
    return max(0 if one.adapted is None else len(one.adapted) for one in template.references)
