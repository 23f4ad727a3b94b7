"""Find a name: from a pseudonym of the audit log to the user id, for those who run the deployment."""

import hmac

from facekey.core.audit import pseudonym
from facekey.core.ports.subjects import Directory
from facekey.core.types import SubjectId

PAGE = 500


class FindName:
    """Implements `core.ports.alerts.SubjectNames`, by trying everybody: pseudonyms can't be turned back."""

    def __init__(self, *, directory: Directory, pseudonym_key: bytes) -> None:
        """Take the key under which people appear in the log."""
        self._directory = directory
        self._key = pseudonym_key

    async def name_of(self, subject: str) -> SubjectId | None:
        """The user id behind a pseudonym; None for erased and unknown people.

        Raises:
            Unavailable: it can't be known now.
        """
        after: SubjectId | None = None
        while people := await self._directory.page(after=after, limit=PAGE):
            for person in people:
                if hmac.compare_digest(pseudonym(person.subject_id, self._key), subject):
                    return person.subject_id
            after = people[-1].subject_id
        return None
