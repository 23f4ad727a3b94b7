"""Attempt limits: a few failures are free, then each costs a longer wait, and in the end it takes a person.

NIST SP 800-63B-4, 3.2.2 and 3.2.3, asks for a limit on consecutive failed attempts, and for
biometrics a wait that grows. Counted are the claimed user, known or not, and the address that
the attempts come from: one stops guessing at one person, the other trying one face on everybody.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from facekey.core.errors import AttemptsExhausted
from facekey.core.types import SubjectId


class Result(StrEnum):
    """What an attempt means for the counters."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEITHER = "neither"
    """Nothing was compared, as with a blurred photo: no step towards getting in."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an attempt is counted under.

    Attributes:
        subject_id: whom somebody claims to be; None when they claim nobody.
        address: where the attempt comes from; None when it isn't known.
        enrolment: of the template that was compared; None when nobody was.
        operator: the name that somebody tries to sign in with, with a password.
    """

    subject_id: SubjectId | None
    address: str | None
    operator: str | None = None
    enrolment: str | None = None


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures of one user or one address.

    Attributes:
        count: in a row, for a user; more than successes, for an address.
        wait_until: when the next attempt may come; None when it may come now.
        locked_at: since when only an operator can lift it.
    """

    count: int
    last_at: datetime
    wait_until: datetime | None = None
    locked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttemptPolicy:
    """How many failures cost what.

    Attributes:
        waits_from: the failure that is the first to cost a wait; those before it are free.
        first_wait_s: what it costs; each further failure doubles it.
        longest_wait_s: where doubling ends.
        locked_at: with so many failures nothing helps but an operator.
        forgotten_s: a quiet time after which failures that led to no lock are forgotten.

    Raises:
        ValueError: the numbers would never limit anything.
    """

    waits_from: int = 5
    first_wait_s: float = 30.0
    longest_wait_s: float = 3600.0
    locked_at: int = 50
    forgotten_s: float = 86_400.0

    def __post_init__(self) -> None:
        """Refuse limits that limit nothing."""
        waits = 0 < self.first_wait_s <= self.longest_wait_s <= self.forgotten_s
        if not (1 <= self.waits_from < self.locked_at and waits):
            raise ValueError("attempt limits must start above 0, and a lock must come after the first wait")

    def admit(self, failures: Failures | None, now: datetime) -> None:
        """Let an attempt through.

        Raises:
            AttemptsExhausted: not now; says when.
        """
        if failures is None:
            return
        if failures.locked_at is not None:
            raise AttemptsExhausted(locked=True, retry_after_s=self.longest_wait_s)
        if failures.wait_until is not None and now < failures.wait_until:
            left_s = (failures.wait_until - now).total_seconds()
            raise AttemptsExhausted(locked=False, retry_after_s=left_s)

    def failed(self, failures: Failures | None, now: datetime) -> Failures:
        """The counter after one more failure."""
        count = 1 if failures is None or self._forgotten(failures, now) else failures.count + 1
        if count >= self.locked_at:
            return Failures(count, now, None, now)
        if count < self.waits_from:
            return Failures(count, now)
        # The exponent is bounded: with many failures the power would be larger than a float.
        wait_s = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(count - self.waits_from, 62))
        return Failures(count, now, now + timedelta(seconds=wait_s))

    def succeeded(self, failures: Failures | None, *, shared: bool) -> Failures | None:
        """The counter after a success; None when there is nothing left to count.

        Args:
            failures: the counter before; not locked, or the attempt would not have been admitted.
            shared: whether others are counted here too, as behind one address. There a
                success takes back one failure only: whoever has one face that is let in
                could otherwise try everybody else's.
        """
        if failures is None or not shared or failures.count <= 1:
            return None
        return Failures(failures.count - 1, failures.last_at)

    def _forgotten(self, failures: Failures, now: datetime) -> bool:
        quiet = (now - failures.last_at).total_seconds() >= self.forgotten_s
        return quiet and failures.locked_at is None
