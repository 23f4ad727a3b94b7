"""The plugs of a network in shadow: who is told of decisions, who sees for it, who keeps count."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from facekey.core.types import Embedding, ModelId, Reason, Template


class Agreement(StrEnum):
    """What a network in shadow would have said, beside what was decided."""

    BOTH_YES = "both_yes"
    BOTH_NO = "both_no"
    ONLY_LIVE_YES = "only_live_yes"
    """The networks that decide said yes, the one in shadow would have said no."""
    ONLY_SHADOW_YES = "only_shadow_yes"
    UNKNOWN = "unknown"
    """Nothing of the person is by the network in shadow, or it is not measured."""


@dataclass(frozen=True, slots=True)
class ShadowCase:
    """A decision on record, as a network in shadow is shown it.

    Attributes:
        image: the encoded picture that was judged; of a stream, its last frame.
        template: what it was compared with: a person's, or the stand-in of an unknown id.
        stand_in: that of the same id. By it the network in shadow judges who was not matched and
            of whom it has nothing: else its figures would tell who is enrolled.
        reason: what those that decide said of the face, a voice left aside.
    """

    image: bytes = field(repr=False)
    template: Template = field(repr=False)
    stand_in: Template = field(repr=False)
    reason: Reason

    @property
    def matched(self) -> bool | None:
        """Whether the face was the person's; None where a spoof kept that out of every figure."""
        return {Reason.LIVE_MATCH: True, Reason.NO_MATCH: False}.get(self.reason)

    @property
    def live(self) -> bool | None:
        """Whether the face was live; None where that was not the question."""
        return False if self.reason is Reason.SPOOF_SUSPECTED else None if self.matched is None else True


class Shadow(Protocol):
    """Told of decisions after they are on record."""

    def watch(self, case: ShadowCase) -> None:
        """Compare, later or never. It never waits and never fails."""
        ...


@dataclass(frozen=True, slots=True)
class Seen:
    """What a network in shadow made of a picture: one of the two.

    Attributes:
        embedding: of a recognition network.
        liveness: of a liveness network, 0..1.
    """

    embedding: Embedding | None = field(default=None, repr=False)
    liveness: float | None = None


class ShadowEye(Protocol):
    """The network in shadow."""

    @property
    def model_id(self) -> ModelId:
        """Its name, with what it writes on references."""
        ...

    async def see(self, image: bytes) -> Seen:
        """What it makes of a picture.

        Raises:
            ImageRefused, SampleRejected: there is no face in it that can be read.
            Overloaded: others are waiting; this one is left out.
            ModelError: it can't say.
        """
        ...


class ShadowMeter(Protocol):
    """Keeps count. It costs microseconds and never fails."""

    def compared(self, agreement: Agreement, *, matched: bool, score: float | None) -> None:
        """A decision was compared.

        Args:
            agreement: of the two.
            matched: the live networks said yes.
            score: cosine of a recognition network, -1..1, or liveness, 0..1; None when nothing
                of the person is by the network.
        """
        ...

    def failed(self) -> None:
        """It could make nothing of a picture that was decided on."""
        ...

    def dropped(self) -> None:
        """A decision was not compared: the service had better things to do."""
        ...


class Unshadowed:
    """Implements `Shadow` where no network runs beside the others."""

    def watch(self, case: ShadowCase) -> None:
        """Compare nothing."""


UNSHADOWED = Unshadowed()
