"""Attempts with chosen strength, for tests of what is learned from them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from facekey.core.adaptation import AdaptationPolicy, Course, Lesson, LiveAttempt, circumstances, learn
from facekey.core.matching import Matcher
from facekey.core.types import Embedding, Floats, References, SubjectId, Template
from tests.unit.core.made import CALIBRATION, MODEL, direction, near

ALICE = SubjectId("alice")
MATCHER = Matcher({MODEL: CALIBRATION})
POLICY = AdaptationPolicy(match_threshold=4.0)
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
FACE = direction(1)


def enrolled(photos: int = 5, centre: Floats = FACE) -> Template:
    vectors = np.stack([near(centre, 0.9, 50 + number) for number in range(photos)])
    return Template(ALICE, (References(MODEL, vectors),))


def attempt(template: Template, vector: Floats, *, day: float = 0.0, **but: object) -> LiveAttempt:
    """An accepted, challenged, live one."""
    probe = (Embedding(vector, MODEL),)
    anchor, current = MATCHER.compare(probe, template), MATCHER.compare(probe, template.current())
    made = LiveAttempt(
        ALICE,
        circumstances("stream", current),
        current.evidence,
        anchor.evidence,
        probe,
        liveness=0.95,
        liveness_threshold=0.5,
        quality=0.8,
        challenged=True,
        accepted=True,
        at=START + timedelta(days=day),
    )
    return replace(made, **but)  # type: ignore[arg-type]


def look(seed: int, cosine: float = 0.93) -> Floats:
    """How the person looks one day."""
    return near(FACE, cosine, 900 + seed)


def taught(template: Template, *vectors: Floats, course: Course | None = None) -> Lesson:
    """One attempt a day."""
    course = course or Course()
    lesson = Lesson(course, None)
    for day, vector in enumerate(vectors):
        lesson = learn(template, course, attempt(template, vector, day=day), matcher=MATCHER, policy=POLICY)
        course, template = lesson.course, lesson.template or template
    return lesson
