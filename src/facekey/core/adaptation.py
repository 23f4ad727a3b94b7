"""What may be learned of a person from their own attempts, and what it may change.

A template keeps the photos of the enrolment, the anchor, for good. Beside them it can hold
a few vectors that were learned. Two things protect it from an impostor who feeds it:

(1) Nobody is accepted whom the anchor alone would not accept at the common threshold
(`AuthenticatePolicy.decide_learned`). What is learned can refuse more, never less, unless
the deployment chose to allow a fraction of a decade (`AdaptationPolicy.drift`).

(2) A probe is learned only after an accepted, live, sharp attempt that matches the anchor,
never what was learned before, far above the threshold, with no network against it; only as one of
several on as many days that agree with each other; and only if the template as a whole
stays close to the anchor and still knows its photos.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from facekey.core.matching import Match, Matcher
from facekey.core.personal_bar import BarPolicy, Score
from facekey.core.types import Embedding, Floats, ModelId, References, SubjectId, Template


class Held(StrEnum):
    """Why an attempt taught the template nothing (yet)."""

    NOT_ACCEPTED = "not_accepted"
    NO_CHALLENGE = "no_challenge"
    LIVENESS_WEAK = "liveness_weak"
    QUALITY_WEAK = "quality_weak"
    MATCH_WEAK = "match_weak"
    NETWORK_MISSING = "network_missing"
    TOO_SOON = "too_soon"
    SAME_DAY = "same_day"
    SAME_PICTURE = "same_picture"
    DISAGREES = "disagrees"
    WAITING = "waiting"
    TURNED_TOO_FAR = "turned_too_far"
    ANCHOR_LOST = "anchor_lost"
    ANCHOR_TOO_SMALL = "anchor_too_small"


@dataclass(frozen=True, slots=True)
class AdaptationPolicy:
    """When something is learned.

    Attributes:
        match_threshold: the common one, in decades of false match rate.
        drift: decades below the threshold to which the anchor's evidence may fall while the
            learned template reaches it. 0: nobody passes who would not without adaptation.
        stronger_by: decades above the threshold that a probe must match the anchor.
        least_alone: decades that each network by itself must give: what one was fooled by, the
            others must at least not deny.
        liveness_share: how far between its threshold and 1 the liveness must be.
        least_quality: of the capture, 0..1.
        from_images: learn from single pictures too, not only from answered challenges.
        days: how many attempts, each of another day (UTC), make one vector.
        waits: for how long a probe waits for others.
        apart: time between two refreshes.
        most_adapted: vectors that are kept; never more than half as many as photos.
        least_cosine: between the mean of the anchor and that of all; what turns further is refused.
        same_picture: cosine from which two probes are one capture shown twice.
        beside: networks in shadow. They are in templates, take no part in decisions, and learn nothing.

    Raises:
        ValueError: the limits would let a single attempt, or a weak one, change a template.
    """

    match_threshold: float
    drift: float = 0.0
    stronger_by: float = 2.0
    least_alone: float = 2.0
    liveness_share: float = 0.5
    least_quality: float = 0.6
    from_images: bool = False
    days: int = 3
    waits: timedelta = timedelta(days=30)
    apart: timedelta = timedelta(hours=24)
    most_adapted: int = 3
    least_cosine: float = 0.98
    same_picture: float = 0.99
    bar: BarPolicy = field(default_factory=BarPolicy)
    beside: frozenset[ModelId] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what would take the protection away; NaN is refused too."""
        if not (0.0 <= self.drift <= 0.5 and self.stronger_by >= 1.0 and self.days >= 2):
            raise ValueError("adaptation takes at most half a decade of drift, a decade more, two days")
        if not (0.9 <= self.least_cosine <= 1.0 and 0.0 <= self.liveness_share < 1.0):
            raise ValueError("an adapted template stays close to its anchor, and liveness is a share")


@dataclass(frozen=True, slots=True)
class LiveAttempt:
    """One attempt that was live and could be judged, after its decision.

    Attributes:
        under: how it was taken; `circumstances` makes it.
        evidence: of the match with the current template, as it was decided.
        anchor_evidence: of the match with the photos of the enrolment, as it was decided.
        embeddings: of the clearest capture.
        challenged: the person did what was asked of them.
    """

    subject_id: SubjectId
    under: str
    evidence: float
    anchor_evidence: float
    embeddings: tuple[Embedding, ...] = field(repr=False)
    liveness: float
    liveness_threshold: float
    quality: float
    challenged: bool
    accepted: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """A probe that waits for others to agree with it."""

    at: datetime
    embeddings: tuple[Embedding, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Course:
    """What is remembered of a person's attempts.

    Attributes:
        scores: for the bar of their own.
        pending: of different days, the oldest first.
        refreshed_at: when the template last changed.
    """

    scores: tuple[Score, ...] = ()
    pending: tuple[Pending, ...] = ()
    refreshed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an attempt led to.

    Attributes:
        course: to remember.
        held: why the template stays; None when it changes.
        template: the refreshed one; None when it stays.
        turn: cosine between the means of anchor and refreshed template, the smallest of all networks.
    """

    course: Course
    held: Held | None
    template: Template | None = None
    turn: float | None = None


def circumstances(how: str, match: Match) -> str:
    """How an attempt was taken and by which networks: only such scores are compared."""
    return ",".join((how, *sorted(match.by_network)))


def learn(
    template: Template, course: Course, attempt: LiveAttempt, *, matcher: Matcher, policy: AdaptationPolicy
) -> Lesson:
    """Take an attempt into account.

    (1) remember its score, (2) is it strong enough to wait as a probe? (3) do enough of
    them agree? (4) would the refreshed template still be the person of the enrolment?
    """
    # (1) Whatever the common threshold accepts counts, refused by the person's own bar or not.
    would_pass = (
        attempt.anchor_evidence >= policy.match_threshold - policy.drift
        and attempt.evidence >= policy.match_threshold
    )
    if would_pass:
        score = Score(attempt.under, attempt.evidence)
        course = replace(course, scores=policy.bar.remember(course.scores, score))
    # (2)
    held = unfit(template, attempt, matcher=matcher, policy=policy) or _too_early(course, attempt, policy)
    if held is not None:
        return Lesson(course, held)
    # (3)
    course, held = _gather(course, attempt, matcher=matcher, policy=policy)
    if held is not None:
        return Lesson(course, held)
    # (4) What was gathered is used up, whatever comes of it: otherwise it would be tried daily.
    probe = _most_like_the_others(course.pending, matcher)
    course = replace(course, pending=())
    refreshed = _with(template, probe, policy)
    turn = _turn(refreshed)
    held = _objection(template, refreshed, turn, matcher=matcher, policy=policy)
    if held is not None:
        return Lesson(course, held, turn=turn)
    return Lesson(replace(course, refreshed_at=attempt.at), None, refreshed, turn)


def unfit(
    template: Template, attempt: LiveAttempt, *, matcher: Matcher, policy: AdaptationPolicy
) -> Held | None:
    """Why nothing is learned from this attempt, whatever was before it."""
    line = attempt.liveness_threshold + policy.liveness_share * (1.0 - attempt.liveness_threshold)
    conditions = (
        (attempt.accepted, Held.NOT_ACCEPTED),
        (attempt.challenged or policy.from_images, Held.NO_CHALLENGE),
        (attempt.liveness >= line, Held.LIVENESS_WEAK),
        (attempt.quality >= policy.least_quality, Held.QUALITY_WEAK),
        (min(len(one.vectors) for one in template.references) >= 2, Held.ANCHOR_TOO_SMALL),
    )
    held = next((reason for met, reason in conditions if not met), None)
    return _match_objection(template, attempt, matcher, policy) if held is None else held


def _match_objection(
    template: Template, attempt: LiveAttempt, matcher: Matcher, policy: AdaptationPolicy
) -> Held | None:
    # The anchor alone: compared with what was learned, each step could lead a little further away.
    match = matcher.compare(attempt.embeddings, template)
    enrolled = {one.model for one in template.references} - policy.beside
    if set(match.by_network) != enrolled or not enrolled.issuperset(matcher.models):
        return Held.NETWORK_MISSING
    together = match.evidence >= policy.match_threshold + policy.stronger_by
    alone = min(match.by_network.values()) >= policy.least_alone
    return None if together and alone else Held.MATCH_WEAK


def _too_early(course: Course, attempt: LiveAttempt, policy: AdaptationPolicy) -> Held | None:
    if course.refreshed_at is not None and attempt.at < course.refreshed_at + policy.apart:
        return Held.TOO_SOON
    if any(_day(pending.at) >= _day(attempt.at) for pending in course.pending):
        return Held.SAME_DAY
    return None


def _gather(
    course: Course, attempt: LiveAttempt, *, matcher: Matcher, policy: AdaptationPolicy
) -> tuple[Course, Held | None]:
    new = Pending(attempt.at, attempt.embeddings)
    fresh = tuple(other for other in course.pending if attempt.at - other.at <= policy.waits)
    course = replace(course, pending=fresh)
    for other in course.pending:
        if _closest(new, other) >= policy.same_picture:
            return course, Held.SAME_PICTURE
    alike = (_agreement(new, other, matcher) for other in course.pending)
    if not all(evidence >= policy.match_threshold for evidence in alike):
        # Somebody else was among them, or the camera; who it was can't be told, so none is kept.
        return replace(course, pending=(new,)), Held.DISAGREES
    course = replace(course, pending=(*course.pending, new))
    return course, Held.WAITING if len(course.pending) < policy.days else None


def _most_like_the_others(pending: Sequence[Pending], matcher: Matcher) -> Pending:
    """A real capture, not a mean of several: thresholds are measured on templates of captures."""
    return max(
        pending,
        key=lambda one: sum(_agreement(one, other, matcher) for other in pending if other is not one),
    )


def _with(template: Template, probe: Pending, policy: AdaptationPolicy) -> Template:
    vectors = {embedding.model: embedding.vector for embedding in probe.embeddings}
    return Template(
        template.subject_id,
        tuple(
            one if one.model in policy.beside else _grown(one, vectors[one.model], policy)
            for one in template.references
        ),
    )


def _grown(references: References, vector: Floats, policy: AdaptationPolicy) -> References:
    # The anchor keeps at least two thirds of the say.
    most = min(policy.most_adapted, len(references.vectors) // 2)
    before = [] if references.adapted is None else list(references.adapted)
    return replace(references, adapted=np.stack([*before, vector][-most:]))


def _objection(
    before: Template, refreshed: Template, turn: float, *, matcher: Matcher, policy: AdaptationPolicy
) -> Held | None:
    if not turn >= policy.least_cosine:
        return Held.TURNED_TOO_FAR
    for place in range(min(len(one.vectors) for one in before.references)):
        photo = tuple(Embedding(one.vectors[place], one.model) for one in before.references)
        # Without the photo itself, which would vouch for itself.
        knew = matcher.compare(photo, _without(before, place)).evidence
        knows = matcher.compare(photo, _without(refreshed, place).current()).evidence
        if knew >= policy.match_threshold > knows:
            return Held.ANCHOR_LOST
    return None


def _without(template: Template, place: int) -> Template:
    return Template(
        template.subject_id,
        tuple(replace(one, vectors=np.delete(one.vectors, place, axis=0)) for one in template.references),
    )


def _turn(template: Template) -> float:
    return min(float(one.centroid().vector @ one.current().centroid().vector) for one in template.references)


def _agreement(left: Pending, right: Pending, matcher: Matcher) -> float:
    """Evidence that two probes are one person."""
    return matcher.compare_probes(left.embeddings, right.embeddings).evidence


def _closest(left: Pending, right: Pending) -> float:
    vectors = {embedding.model: embedding.vector for embedding in right.embeddings}
    return max(float(one.vector @ vectors[one.model]) for one in left.embeddings if one.model in vectors)


def _day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
