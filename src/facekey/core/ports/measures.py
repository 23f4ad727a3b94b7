"""The plugs of measuring: how long things take and what is decided, for those who run the service."""

from dataclasses import dataclass
from typing import Protocol

from facekey.core.types import Decision


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision as it is counted: no person, no caller, nothing that was shown.

    Attributes:
        action: as in the audit log, such as `authenticate`.
        reason: the one that the client was told. The log knows more: an id that isn't enrolled
            must not be told from a stranger by a counter.
        confidence: of the comparison, 0..1; None when nothing was compared.
        liveness: 0..1; None without a face.
        quality: of the capture, 0..1; None without a face.
    """

    action: str
    outcome: str
    reason: str
    confidence: float | None = None
    liveness: float | None = None
    quality: float | None = None

    @classmethod
    def of(cls, action: str, decision: Decision) -> "Decided":
        """What is counted of a decision about a claim."""
        quality = None if decision.quality is None else decision.quality.overall
        return cls(
            action,
            decision.outcome,
            decision.reason,
            decision.confidence,
            decision.liveness_score,
            quality,
        )


class StoreMeter(Protocol):
    """Keeps count of what stores are asked. Costs microseconds and never fails."""

    def asked(self, store: str, operation: str, seconds: float, *, failed: bool) -> None:
        """A store answered, or didn't.

        Args:
            store: `database` or `redis`.
            operation: `read`, `write` or `call`.
            seconds: from the question to the answer, the wait for a connection included.
            failed: there was no answer that could be used.
        """
        ...


class LockOutMeter(Protocol):
    """Keeps count of those whom failures keep out."""

    def locked_out(self, who: str) -> None:
        """Somebody has to wait now, or is locked.

        Args:
            who: what the failures were counted under: `user`, `address`, `sign_in` or `operator`.
        """
        ...


class Meter(Protocol):
    """Keeps count. It is called from several threads, costs microseconds and never fails."""

    def took(self, stage: str, seconds: float) -> None:
        """A stage ended, well or not."""
        ...

    def decided(self, decided: Decided) -> None:
        """A decision is on record."""
        ...


class Unmeasured:
    """Implements `Meter`, `StoreMeter` and `LockOutMeter` for whoever wants no figures."""

    def asked(self, store: str, operation: str, seconds: float, *, failed: bool) -> None:
        """Forget it."""

    def locked_out(self, who: str) -> None:
        """Forget it."""

    def took(self, stage: str, seconds: float) -> None:
        """Forget it."""

    def decided(self, decided: Decided) -> None:
        """Forget it."""


UNMEASURED = Unmeasured()
