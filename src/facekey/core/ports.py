"""The plugs: what the inside asks of the outside, one to three methods each.

A port belongs to who calls it and is as small as that caller needs. `wiring.py` alone
knows what is plugged in.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from facekey.core.types import (
    Crop,
    Detection,
    Embedding,
    Evidence,
    FaceMesh,
    Frame,
    ModelId,
)


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The time, aware, UTC."""
        ...


class Detector(Protocol):
    """Finds faces."""

    def detect(self, frame: Frame) -> list[Detection]:
        """All faces of the frame, best score first; an empty list when there is none."""
        ...


class Landmarker(Protocol):
    """Lays a mesh over a face."""

    def mesh(self, frame: Frame, detection: Detection) -> FaceMesh:
        """The mesh of this one face."""
        ...


class Embedder(Protocol):
    """Turns aligned faces into identity vectors."""

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together, stored with every template."""
        ...

    @property
    def crop_px(self) -> int:
        """Side of the square identity crop it wants."""
        ...

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        """One embedding for each crop, in order."""
        ...


class LivenessNetwork(Protocol):
    """Tells a live face from a picture of one."""

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together."""
        ...

    @property
    def crop_px(self) -> int:
        """Side of the square context crop it wants."""
        ...

    def score(self, crops: Sequence[Crop]) -> list[float]:
        """For each crop the calibrated probability, 0..1, that the face is live."""
        ...


class Analyzer(Protocol):
    """The whole of vision, as services see it."""

    async def analyze(self, image: bytes) -> Evidence:
        """Say all that one picture says.

        Raises:
            ImageRefused: the bytes can't be read safely.
            SampleRejected: there is no face in it that can be judged.
            Overloaded: too many pictures are waiting already.
        """
        ...
