"""The plugs of enrolled people: their templates, their list, and the stand-in for ids of nobody."""

from dataclasses import dataclass, field
from typing import Protocol

from facekey.core.audit import AuditEvent
from facekey.core.consent import ConsentGiven
from facekey.core.ports.audit import Receipt
from facekey.core.types import Subject, SubjectId, Template


@dataclass(frozen=True, slots=True)
class Beside:
    """What is stored beside a new person's template, in the same transaction.

    Attributes:
        photos: to be kept; none, unless the operator wants them.
    """

    consent: ConsentGiven | None = None
    photos: tuple[bytes, ...] = field(default=(), repr=False)


NOTHING = Beside()


class Templates(Protocol):
    """Enrolled people. Each change is one transaction with its audit record: both or neither."""

    async def add(
        self, template: Template, event: AuditEvent, *, searched: int, beside: Beside = NOTHING
    ) -> Receipt:
        """Store a new person, unless somebody was added after the search that found no such face.

        Args:
            template: whom to store.
            event: what goes on record with them.
            searched: `Search.as_of` of that search.
            beside: what else is stored of them.

        Raises:
            SubjectExists: the id is taken; nothing was changed.
            GalleryMoved: somebody was added since; nothing was changed; search again.
            StoreUnavailable: nothing was changed.
        """
        ...

    async def get(self, subject_id: SubjectId) -> Template | None:
        """The person's template, or None, in about the same time.

        Raises:
            KeyUnavailable: it is there but can't be opened with the keys at hand.
            SealBroken: it was changed since it was sealed.
            StoreUnavailable: the database did not answer.
        """
        ...

    async def erase(self, subject_id: SubjectId, event: AuditEvent) -> Receipt:
        """Destroy the person's key and rows.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        ...


class Directory(Protocol):
    """The list of enrolled people, without their templates."""

    async def find(self, subject_id: SubjectId) -> Subject | None:
        """One person, or None."""
        ...

    async def page(self, *, after: SubjectId | None, limit: int) -> list[Subject]:
        """People in a fixed order, from the one after `after`."""
        ...

    async def count(self) -> int:
        """How many people are enrolled."""
        ...


class Decoy(Protocol):
    """A stand-in template for ids that don't exist."""

    def template(self, subject_id: SubjectId) -> Template:
        """A made-up person, the same for the same id, whom nobody resembles more than a stranger would."""
        ...
