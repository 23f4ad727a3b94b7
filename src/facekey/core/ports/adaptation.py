"""The plugs of adaptation."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from facekey.core.adaptation import Course, LiveAttempt
from facekey.core.audit import AuditEvent
from facekey.core.types import SubjectId, Template


@dataclass(frozen=True, slots=True)
class Learned:
    """What is stored of a person, at one moment.

    Attributes:
        version: of the template; grows with each change and never comes back.
        earlier: versions that can be returned to, the oldest first.
        mark: of exactly this state; writing on top of another one is refused.
    """

    subject_id: SubjectId
    version: int
    template: Template
    course: Course
    earlier: tuple[int, ...]
    mark: bytes | None = field(repr=False)


class Direction(StrEnum):
    """What becomes of the versions before."""

    ON = "on"
    """The template as it was is kept and can be returned to."""
    BACK = "back"
    """The one before it takes its place, and what is replaced is destroyed."""
    TO_ANCHOR = "to_anchor"
    """The enrolment takes its place, and all else is destroyed."""


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a template. It is one transaction with its audit record: both or neither."""

    direction: Direction
    template: Template
    event: AuditEvent


class Adaptations(Protocol):
    """Where templates that change are kept, and what they change by."""

    async def course(self, subject_id: SubjectId) -> Course:
        """What is remembered of a person's attempts; empty, in the same time, for an unknown id.

        Raises:
            KeyUnavailable, SealBroken: it can't be opened.
            StoreUnavailable: the store did not answer.
        """
        ...

    async def get(self, subject_id: SubjectId) -> Learned:
        """All that is stored of a person.

        Raises:
            SubjectUnknown: there is nobody of that id.
            KeyUnavailable, SealBroken, StoreUnavailable: as for `course`.
        """
        ...

    async def put(self, learned: Learned, course: Course, step: Step | None, *, at: datetime) -> None:
        """Replace what is remembered and, with a step, the template.

        Raises:
            TemplateMoved: it was changed or erased since it was read; nothing is written.
            StoreUnavailable: nothing is written.
        """
        ...


class EarlierVersions(Protocol):
    """What adaptation replaced."""

    async def latest(self, learned: Learned) -> Template:
        """The template before this one.

        Raises:
            TemplateMoved: there is none (any more).
            KeyUnavailable, SealBroken, StoreUnavailable: as for `Adaptations`.
        """
        ...


class Learning(Protocol):
    """What decisions ask of adaptation."""

    async def bar(self, subject_id: SubjectId, under: str) -> float:
        """Evidence that this person must reach; the common threshold for an unknown id.

        Raises:
            KeyUnavailable, SealBroken, StoreUnavailable: it is not known.
        """
        ...

    async def learn(self, attempt: LiveAttempt) -> None:
        """Take an attempt into account, after its decision is on record. Never fails it."""
        ...
