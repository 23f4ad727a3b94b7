"""The plugs of one-to-many comparison."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from facekey.core.audit import AuditEvent
from facekey.core.matching import Match
from facekey.core.types import Embedding, SubjectId


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled person who looks like the probe."""

    subject_id: SubjectId
    match: Match
    consent_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What a search of the gallery gave.

    Attributes:
        candidates: best first.
        gallery_size: how many people were compared with.
        as_of: the moment of the gallery that was searched; grows with every change of it.
    """

    candidates: tuple[Candidate, ...]
    gallery_size: int
    as_of: int


class Gallery(Protocol):
    """Everybody at once, for one-to-many comparison."""

    async def search(self, probe: Sequence[Embedding], *, top_k: int) -> Search:
        """The enrolled people most like the probe; sees every change committed before the call."""
        ...


class RenewableIndex(Protocol):
    """An index outside of the process, whose vectors can be revoked."""

    async def rebuild(self, *, new_key: bool, event: AuditEvent, report: Callable[[int, int], None]) -> int:
        """Empty it and fill it from the sealed templates; give the number of people.

        Args:
            new_key: turn them by a new key; what the old one turned compares with nothing then.
            event: goes on record in the transaction that empties.
            report: takes the number of changes that are in the index, and of all there were.

        Raises:
            KeyUnavailable, SealBroken: a template can't be opened.
            StoreUnavailable: the store did not answer.
        """
        ...
