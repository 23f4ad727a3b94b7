"""The plug of measuring: how long stages take and what is decided, for those who run the service."""

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


class Meter(Protocol):
    """Keeps count. It is called from several threads, costs microseconds and never fails."""

    def took(self, stage: str, seconds: float) -> None:
        """A stage ended, well or not."""
        ...

    def decided(self, decided: Decided) -> None:
        """A decision is on record."""
        ...


class Unmeasured:
    """Implements `Meter` for whoever wants no figures."""

    def took(self, stage: str, seconds: float) -> None:
        """Forget it."""

    def decided(self, decided: Decided) -> None:
        """Forget it."""


UNMEASURED = Unmeasured()
