"""The plugs of vision: the networks that the pipeline asks, and the pipeline as services see it."""

from collections.abc import Sequence
from typing import Protocol

from facekey.core.types import (
    Assessed,
    Crop,
    Detection,
    Embedding,
    Evidence,
    FaceMesh,
    Frame,
    Glimpse,
    IdentityLayout,
    Lids,
    Liveness,
    ModelId,
)


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


class EyeReader(Protocol):
    """Looks at the eyes of a face."""

    def lids(self, frame: Frame, mesh: FaceMesh) -> Lids:
        """How far they are open."""
        ...


class Embedder(Protocol):
    """Turns aligned faces into identity vectors."""

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together, stored with every template."""
        ...

    @property
    def crop_px(self) -> int:
        """Side of the square crop it wants."""
        ...

    @property
    def layout(self) -> IdentityLayout:
        """Where in the crop it wants the five points."""
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


class SequenceNetwork(Protocol):
    """Tells a live person from a moved picture by what happens over several frames."""

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together."""
        ...

    def score(self, glimpses: Sequence[Glimpse]) -> float | None:
        """The calibrated probability, 0..1, that the person is live.

        Args:
            glimpses: of one person, in the order of their times.

        Returns:
            None when the frames don't tell, such as too few of them or none that moves. That
            is no reason to call anything live.
        """
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


class Assessor(Protocol):
    """The first half of vision: is there a face that can be judged? The costly networks don't run."""

    async def assess(self, image: bytes) -> Assessed:
        """Say how well the face of a picture can be judged.

        Raises:
            ImageRefused: the bytes can't be read safely.
            SampleRejected: there is no face in it that can be judged.
            Overloaded: too many pictures are waiting already.
        """
        ...


class Watcher(Protocol):
    """The whole of vision for a stream of frames."""

    async def glimpse(self, image: bytes, *, at_s: float) -> Glimpse:
        """Say all that one frame says.

        Raises:
            ImageRefused: the bytes can't be read safely.
            SampleRejected: there is no face in it that can be judged.
            Overloaded: too many pictures are waiting already.
        """
        ...

    async def liveness(self, glimpses: Sequence[Glimpse]) -> Liveness:
        """One score from what every frame says and from what happens between them.

        Args:
            glimpses: of one person, at least one, in the order of their times.
        """
        ...
