"""Alerts: what operators are told of without asking, and what such a message says.

A message says when, how often, to whom (by pseudonym) and on whose behalf; never a face, a
vector, or a score that would help somebody climb. Many alerts of one kind about one person
become one message with a count, so that a flood of attempts is no flood of mails.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.errors import AuditBroken
from facekey.core.faults import PUBLIC
from facekey.core.types import Reason, SubjectId

MAX_FACT = 80
SEVERAL = "several"
"""Stands for what differs between the alerts of one message."""

SPOOFS = frozenset(
    {str(Reason.SPOOF_SUSPECTED)}
    | {str(fault) for fault, told in PUBLIC.items() if told is Reason.SPOOF_SUSPECTED}
)
NEAR, LOW = 0.5, 0.1  # bands of the liveness score: wide, so that nobody can climb by them


class AlertKind(StrEnum):
    """What happened."""

    SPOOF = "spoof"
    LOCK_OUT = "lock_out"
    AUDIT_BROKEN = "audit_broken"
    BIAS_ALARM = "bias_alarm"
    TOKEN_REUSED = "token_reused"  # noqa: S105 # nosec B105
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind is told.

    Attributes:
        one: the headline of one; plural and count are put to it.
        advice: what to do.
    """

    one: str
    many: str
    advice: str


WORDS: Mapping[AlertKind, Wording] = {
    AlertKind.SPOOF: Wording(
        "spoof attempt refused",
        "spoof attempts refused",
        "Somebody held a picture, a screen or a replay in front of the camera. Nobody was let in. Look "
        "at the audit log for who asked; many attempts on one person are worth a call to them.",
    ),
    AlertKind.LOCK_OUT: Wording(
        "lock-out after too many failures",
        "lock-outs after too many failures",
        "Nobody gets through until an operator lifts it: facekey accounts unlock. Find out first who tried.",
    ),
    AlertKind.AUDIT_BROKEN: Wording(
        "break found in the audit log",
        "findings of a break in the audit log",
        "A record was changed, removed or put in. Keep the database as it is, run facekey audit verify, and "
        "compare with the checkpoints that are kept elsewhere.",
    ),
    AlertKind.BIAS_ALARM: Wording(
        "group of people is served worse than the others",
        "alarms on groups of people who are served worse than the others",
        "Look at facekey bias report before you change a threshold.",
    ),
    AlertKind.TOKEN_REUSED: Wording(
        "refresh token used twice",
        "refresh tokens used twice",
        "Two have it, and one of them stole it. The sign-in was ended. Let the operator change the "
        "password and look at the machine.",
    ),
    AlertKind.TEST: Wording("test message", "test messages", "Alerts reach you. There is nothing to do."),
}


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that happened.

    Attributes:
        actor: on whose behalf, as on record.
        subject: the pseudonym of the person it is about; None when it is about nobody.
        facts: a few words more, each one line.
    """

    kind: AlertKind
    at: datetime
    actor: str
    subject: str | None
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """What leaves for the operators: one or more alerts of one kind about one person.

    Attributes:
        uid: the same whenever the same message is sent again.
        subject: a pseudonym, None, or `SEVERAL`.
        name: of the person; filled in when it is sent and nowhere kept.
    """

    uid: str
    kind: AlertKind
    count: int
    first_at: datetime
    last_at: datetime
    actor: str
    subject: str | None
    facts: Mapping[str, str]
    name: SubjectId | None = field(default=None, repr=False)

    @property
    def title(self) -> str:
        """The headline, in one line."""
        words = WORDS[self.kind]
        if self.count == 1:
            return f"1 {words.one}"
        return f"{self.count} {words.many} in {_lasted(self.last_at - self.first_at)}"

    @property
    def advice(self) -> str:
        """What to do."""
        return WORDS[self.kind].advice


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """How often a message leaves.

    Attributes:
        every: at most one of a kind about one person in this time.
        people: about so many people each; all others share one message.
    """

    every: timedelta = timedelta(minutes=10)
    people: int = 5


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a message that could not be handed over is tried again; these numbers keep trying for a day.

    Attributes:
        first_s: the wait after the first failure; each further one is twice as long.
        tries: after so many it is given up.
        jitter: share of a wait by which it is made longer or shorter, so that replicas don't march in step.
    """

    first_s: float = 5.0
    longest_s: float = 900.0
    tries: int = 100
    jitter: float = 0.2

    def wait_s(self, tries: int, chance: float) -> float | None:
        """Seconds until the next try; None when there is none.

        Args:
            tries: that failed so far, at least one.
            chance: a random number, 0..1.
        """
        if tries >= self.tries:
            return None
        doublings = min(tries - 1, 32)  # beyond, the longest wait is reached whatever the first
        wait = min(self.first_s * 2.0**doublings, self.longest_s)
        return wait * (1 + self.jitter * (2 * chance - 1))


def alert_of(event: AuditEvent, subject: str | None) -> Alert | None:
    """What operators are to be told of an event; None for almost all of them.

    Args:
        event: that is being put on record.
        subject: the pseudonym of its person.
    """
    told = event.details.get("told")  # a spoof that claims an unknown id is on record as such
    if event.reason in SPOOFS or told in SPOOFS:
        caught_by = event.reason if event.reason in SPOOFS else told
        facts: dict[str, AuditValue] = {"request": event.action, "caught_by": caught_by}
        return _alert(AlertKind.SPOOF, event, subject, facts | _liveness(event))
    if event.action == "lock_out":
        return _alert(AlertKind.LOCK_OUT, event, subject, _chosen(event, "of", "failures"))
    if event.action == "bias_alarm":
        return _alert(
            AlertKind.BIAS_ALARM, event, None, _chosen(event, "attribute", "group", "measure", "ratio")
        )
    if event.reason == "refresh_token_reused":
        return _alert(AlertKind.TOKEN_REUSED, event, None, {})
    return None


def audit_broken(error: AuditBroken, at: datetime) -> Alert:
    """The alert that the audit chain doesn't add up."""
    return Alert(AlertKind.AUDIT_BROKEN, at, "system", None, {"record": str(error.sequence)})


def message_of(alert: Alert, uid: str) -> Message:
    """A new message."""
    return Message(uid, alert.kind, 1, alert.at, alert.at, alert.actor, alert.subject, alert.facts)


def folded(message: Message, alert: Alert) -> Message:
    """A message that tells of one more."""
    return merged(message, message_of(alert, message.uid))


def merged(message: Message, other: Message) -> Message:
    """One message that tells of all that both tell of; what differs between them is `SEVERAL`."""
    facts = {
        name: value if other.facts.get(name) == value else SEVERAL for name, value in message.facts.items()
    }
    return replace(
        message,
        count=message.count + other.count,
        first_at=min(message.first_at, other.first_at),
        last_at=max(message.last_at, other.last_at),
        actor=message.actor if message.actor == other.actor else SEVERAL,
        facts=facts,
    )


def one_line(text: str, most: int) -> str:
    """Text that can't end a line, hide, or turn the direction of what is beside it.

    Control and format characters, line and paragraph separators and whatever isn't assigned
    become spaces; what is too long is cut.
    """
    harmless = "".join(
        " " if unicodedata.category(one)[0] == "C" or one in "\u2028\u2029" else one for one in text
    )
    return harmless if len(harmless) <= most else harmless[: most - 1] + "…"


def _alert(kind: AlertKind, event: AuditEvent, subject: str | None, facts: Mapping[str, AuditValue]) -> Alert:
    written = {name: one_line(str(value), MAX_FACT) for name, value in facts.items()}
    return Alert(kind, event.at, one_line(event.actor, MAX_FACT), subject, written)


def _chosen(event: AuditEvent, *names: str) -> dict[str, AuditValue]:
    return {name: event.details[name] for name in names if name in event.details}


def _liveness(event: AuditEvent) -> dict[str, AuditValue]:
    """The band of the score; absent where none was measured."""
    score = event.details.get("liveness")
    if not isinstance(score, float):
        return {}
    band = "very low" if score < LOW else "low" if score < NEAR else "near the threshold"
    return {"liveness": band}


def _lasted(time: timedelta) -> str:
    """A duration for people."""
    seconds = max(int(time.total_seconds()), 1)
    if seconds == 1:
        return "1 second"
    if seconds < 120:
        return f"{seconds} seconds"
    if seconds < 2 * 3600:
        return f"{round(seconds / 60)} minutes"
    return f"{round(seconds / 3600)} hours"
