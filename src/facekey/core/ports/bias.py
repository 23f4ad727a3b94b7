"""The plugs of bias monitoring."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from facekey.core.audit import AuditEvent
from facekey.core.types import SubjectId, Template

Labels = Mapping[str, str]
"""What a person declared: a value for each attribute."""


class LabelStore(Protocol):
    """Where declared groups are kept, sealed with each person's own key."""

    async def put(self, subject_id: SubjectId, labels: Labels, event: AuditEvent) -> None:
        """Replace a person's labels.

        Raises:
            SubjectUnknown: there is nobody of that id.
            ConsentMissing: the person hasn't consented to bias monitoring, or no longer.
            StoreUnavailable: nothing was changed.
        """
        ...

    async def get(self, subject_id: SubjectId) -> Labels:
        """A person's labels.

        Raises:
            SubjectUnknown: there is nobody of that id.
            KeyUnavailable, SealBroken, StoreUnavailable: they can't be told.
        """
        ...

    async def delete(self, subject_id: SubjectId, event: AuditEvent) -> None:
        """Forget a person's labels.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Labelled:
    """Somebody who declared groups and consents to bias monitoring.

    Attributes:
        pseudonym: their name in the audit log.
    """

    labels: Labels
    template: Template
    pseudonym: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One decision on a claim, as the audit log has it."""

    pseudonym: str
    at: datetime
    reason: str


class LabelledPeople(Protocol):
    """What operation knows of people who declared groups."""

    def people(self, *, at: datetime, most: int) -> AsyncIterator[Labelled]:
        """Those whose consent holds at this time, in a fixed order that is that of no property."""
        ...

    async def decisions(self, pseudonyms: frozenset[str], *, since: datetime, most: int) -> Sequence[Seen]:
        """Their accepted and spoof-suspected attempts, the oldest first; of at most so many records."""
        ...

    async def alarms(self, *, since: datetime) -> frozenset[tuple[str, str, str]]:
        """Attribute, group and rate of each alarm on record since then."""
        ...
