"""The plugs of alerts: where messages wait, who carries them, and who knows what they may say."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from facekey.core.alerts import Alert, Message
from facekey.core.audit import ChainedRecord, SealedHead
from facekey.core.types import SubjectId


class Alarm(Protocol):
    """Takes alerts that have no audit record of their own."""

    async def tell(self, alert: Alert) -> None:
        """Keep an alert until it is sent.

        Raises:
            StoreUnavailable: it was not kept.
        """
        ...


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that one process has taken to send.

    Attributes:
        tries: this one included.
    """

    message: Message
    tries: int


class Outbox(Protocol):
    """Messages that wait to be sent, for all processes together."""

    async def claim(self, channel: str, *, at: datetime, lease_s: float) -> Claimed | None:
        """Take the next message that is due; None when none is.

        Nobody else gets it for the time of the lease; if it was neither sent nor failed by
        then, whoever asks next does.
        """
        ...

    async def sent(self, claimed: Claimed, *, at: datetime) -> None:
        """Note that it left."""
        ...

    async def failed(self, claimed: Claimed, why: str, *, at: datetime, wait_s: float | None) -> None:
        """Note that it could not be handed over. The others of its channel wait as long.

        Args:
            claimed: what was taken.
            why: in a few words, without addresses or secrets.
            at: now.
            wait_s: until the next try; None gives it up.
        """
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """One message of the outbox, for people who look."""

    channel: str
    message: Message
    created_at: datetime
    next_try_at: datetime
    tries: int
    sent_at: datetime | None
    failed_at: datetime | None
    last_error: str | None


class OutboxView(Protocol):
    """The outbox for operators."""

    async def newest(self, limit: int) -> list[Waiting]:
        """The newest messages, sent ones included."""
        ...

    async def retry(self, *, at: datetime) -> int:
        """Let what was given up be tried again; give how many."""
        ...


class Notifier(Protocol):
    """Carries messages over one channel."""

    async def send(self, message: Message) -> None:
        """Hand a message over.

        Raises:
            DeliveryFailed: it was not taken, or not known to be.
        """
        ...


class SubjectNames(Protocol):
    """Turns pseudonyms back, for those who run the deployment and have its keys."""

    async def name_of(self, subject: str) -> SubjectId | None:
        """The user id behind a pseudonym; None for erased and unknown people."""
        ...


@dataclass(frozen=True, slots=True)
class Tail:
    """The newest part of the audit log, all of one moment."""

    head: SealedHead | None
    records: tuple[ChainedRecord, ...]


class AuditTail(Protocol):
    """Reads the end of the audit log."""

    async def newest(self, count: int) -> Tail:
        """The last so many records, the oldest of them first."""
        ...

    async def since(self, sequence: int, *, most: int) -> Tail:
        """At most so many records from this one on."""
        ...
