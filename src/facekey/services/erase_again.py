"""Erase again: after a backup was restored, those go who were erased since it was made."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from facekey.core.caller import Caller
from facekey.core.ports.subjects import Directory
from facekey.core.types import Subject, SubjectId
from facekey.services.erase import Erase

PAGE = 500
REASON = "restored"


class EraseAgain:
    """Finds and erases people whom a backup brought back."""

    def __init__(
        self, *, directory: Directory, erase: Erase, pseudonym_of: Callable[[SubjectId], str]
    ) -> None:
        """Take who is there, who erases, and how people are called in the log."""
        self._directory = directory
        self._erase = erase
        self._pseudonym_of = pseudonym_of

    async def find(self, erased: Mapping[str, datetime]) -> list[Subject]:
        """Those who are enrolled although they were erased after they enrolled.

        Args:
            erased: by pseudonym, when. Whoever enrolled anew after that stays.

        Raises:
            Unavailable: it can't be known now.
        """
        back: list[Subject] = []
        after: SubjectId | None = None
        while people := await self._directory.page(after=after, limit=PAGE):
            for person in people:
                at = erased.get(self._pseudonym_of(person.subject_id))
                if at is not None and person.enrolled_at <= at:
                    back.append(person)
            after = people[-1].subject_id
        return back

    async def __call__(self, people: Sequence[Subject], *, caller: Caller) -> int:
        """Erase them, each on record; give how many.

        Raises:
            StoreUnavailable: those before are erased.
        """
        for person in people:
            await self._erase(person.subject_id, caller=caller, reason=REASON)
        return len(people)
