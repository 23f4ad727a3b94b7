"""The plugs of privacy: consents, what is kept of a person, and whose time is over."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from facekey.core.attempts import Failures
from facekey.core.audit import AuditEvent, ChainedRecord
from facekey.core.consent import Consent, ConsentGiven, ConsentRule
from facekey.core.types import Subject, SubjectId, Template
from facekey.core.voice import VoiceTemplate


class Consents(Protocol):
    """What people agreed to. Each change is one transaction with its audit record."""

    async def of(self, subject_id: SubjectId) -> list[Consent]:
        """All of them, the oldest first, those that are over included.

        Raises:
            SubjectUnknown: there is nobody of that id.
        """
        ...

    async def give(self, subject_id: SubjectId, given: ConsentGiven, event: AuditEvent) -> Consent:
        """Keep another one.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        ...

    async def withdraw(self, subject_id: SubjectId, purpose: str | None, event: AuditEvent) -> int:
        """End those that hold, all or those for a purpose; give how many there were.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Everything that is kept of one person.

    Attributes:
        pseudonym: their name in the audit log.
        last_seen_on: the day of their last accepted attempt.
        template: the vectors that their photos became.
        learned: how often adaptation changed the template, and until when it can be undone.
        labels: groups they declared for bias monitoring.
        images: their photos, if those are kept.
        spoofs: what is kept of attempts to pass for them.
        voice: the vectors that their recordings became; None when they have no voice enrolled.
    """

    subject: Subject
    pseudonym: str
    last_seen_on: date | None
    consents: tuple[Consent, ...]
    failures: Failures | None
    template: Template = field(repr=False)
    template_version: int
    earlier_versions: tuple[int, ...]
    adapted_at: datetime | None
    labels: dict[str, str] = field(repr=False)
    images: tuple[bytes, ...] = field(repr=False)
    spoofs: tuple["SpoofKept", ...]
    records: tuple[ChainedRecord, ...] = field(repr=False)
    voice: VoiceTemplate | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SpoofKept:
    """That there is evidence of a suspected spoof in which somebody claimed to be this person.

    Attributes:
        sequence: of its audit record.
        photo: a photo of whoever it was is kept, too.
    """

    sequence: int
    at: datetime
    photo: bool


class PersonalRecords(Protocol):
    """Where everything of one person is put together."""

    async def collect(self, subject_id: SubjectId) -> PersonalData:
        """All that is kept of somebody, at one moment.

        Raises:
            SubjectUnknown: there is nobody of that id.
            KeyUnavailable, SealBroken: something of theirs can't be opened.
            StoreUnavailable: the store did not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Overdue:
    """Somebody whose time is over, and why: `unused` or `consent_lapsed`."""

    subject_id: SubjectId
    reason: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to when things may be kept; None keeps them.

    Attributes:
        rule: whether those without any consent may stay.
        unused_since: who was seen last before that day goes.
        lapsed_before: whose consent ended before goes.
        spoofs_before: evidence of suspected spoofs older than that goes.
        traces_before: counters of failures, used and ended tokens and sent messages older than that go.
    """

    rule: ConsentRule
    unused_since: date | None
    lapsed_before: datetime
    spoofs_before: datetime
    traces_before: datetime


@dataclass(frozen=True, slots=True)
class Traces:
    """What was removed that is no person. `voices`: of people whose consent to that lapsed."""

    attempts: int = 0
    refresh_tokens: int = 0
    messages: int = 0
    spoofs: int = 0
    voices: int = 0


class Retention(Protocol):
    """Finds what is kept longer than it may be."""

    async def overdue(self, limits: Limits) -> list[Overdue]:
        """Whose time is over; not more than some hundreds at once.

        Raises:
            KeyUnavailable, SealBroken: a row can't be opened.
            StoreUnavailable: the store did not answer.
        """
        ...

    async def clear(self, limits: Limits) -> Traces:
        """Remove old traces.

        Raises:
            StoreUnavailable: nothing was removed.
        """
        ...
