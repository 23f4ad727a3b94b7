"""List people: who is enrolled, and how they stand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from facekey.core.attempts import Failures
from facekey.core.caller import Caller, Permission
from facekey.core.errors import SubjectUnknown
from facekey.core.ports.attempts import Locks
from facekey.core.ports.subjects import Directory
from facekey.core.types import Subject, SubjectId

BATCH = 200
LOOKED_AT = 2000
"""So many ids are opened for one search at most: they are stored sealed, and each costs its share."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is enrolled.

    Attributes:
        failures: None when nothing is counted against them, and for callers who may not lift it.
    """

    subject: Subject
    failures: Failures | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some of the enrolled people.

    Attributes:
        total: of all who are enrolled.
        next_after: the last who was looked at, if anybody may come after them.
    """

    people: tuple[Person, ...]
    total: int
    next_after: SubjectId | None


class ListPeople:
    """Shows people; to those who may lift attempt limits also how somebody stands with them."""

    def __init__(self, *, directory: Directory, locks: Locks) -> None:
        """Take where people and failures are listed."""
        self._directory = directory
        self._locks = locks

    async def __call__(
        self, *, after: SubjectId | None, limit: int, containing: str | None, caller: Caller
    ) -> PeoplePage:
        """Some people, in the fixed order of the directory.

        Args:
            after: begin with those after this one.
            limit: no more than this.
            containing: only those whose id contains this, large or small letters alike.
            caller: who asks.

        Raises:
            KeyUnavailable, SealBroken: somebody's row can't be opened.
            StoreUnavailable: the database did not answer.
        """
        if containing is None:
            found = await self._directory.page(after=after, limit=limit)
            last = found[-1].subject_id if len(found) == limit else None
        else:
            found, last = await self._search(containing.lower(), after, limit)
        people = await self._standing(found, caller)
        return PeoplePage(people, await self._directory.count(), last)

    async def one(self, subject_id: SubjectId, *, caller: Caller) -> Person:
        """One person.

        Raises:
            SubjectUnknown: there is nobody of that id.
            KeyUnavailable, SealBroken, StoreUnavailable: as for several.
        """
        subject = await self._directory.find(subject_id)
        if subject is None:
            raise SubjectUnknown(subject_id)
        (person,) = await self._standing([subject], caller)
        return person

    async def _search(
        self, wanted: str, after: SubjectId | None, limit: int
    ) -> tuple[list[Subject], SubjectId | None]:
        """Those who were found, and the last who was looked at; None at the end of the directory."""
        found: list[Subject] = []
        for _ in range(LOOKED_AT // BATCH):
            batch = await self._directory.page(after=after, limit=BATCH)
            for subject in batch:
                after = subject.subject_id
                if wanted in after.lower():
                    found.append(subject)
                    if len(found) == limit:
                        return found, after
            if len(batch) < BATCH:
                return found, None
        return found, after

    async def _standing(self, found: Sequence[Subject], caller: Caller) -> tuple[Person, ...]:
        if not caller.may(Permission.UNLOCK):
            return tuple(Person(replace(subject, last_seen_on=None), None) for subject in found)
        failures = await self._locks.failures_of([subject.subject_id for subject in found])
        return tuple(Person(subject, failures.get(subject.subject_id)) for subject in found)
