"""Acquire: what the product makes of one picture, with and without its gates.

Every picture goes through the pipeline that decides in the service. What that sends back
(blurred, turned away, ...) is recorded with its reason, and then looked at once more by
the detector and the recognition networks alone, so that a report can tell how well faces
are recognised from how many pictures are never compared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from facekey.core.errors import ImageRefused, ModelOutputInvalid, SampleRejected
from facekey.core.ports.vision import Detector, Embedder
from facekey.core.types import Box, Detection, Floats, Frame, ModelId, Reason
from facekey.evaluation.wrong import unusable
from facekey.vision.align import FIVE_POINTS, TEMPLATE_PX
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits
from facekey.vision.networks import embed_face
from facekey.vision.pipeline import Pipeline
from facekey.vision.subject import SubjectPolicy, choose_subject

MOST_PROMINENT = SubjectPolicy(dominance=1.0)
"""Takes the most prominent face also where the product would ask for another picture."""

UNREADABLE = "unreadable"
ALIGNED = ModelId("aligned:0")


@dataclass(frozen=True, slots=True)
class Capture:
    """One picture, as the networks saw it.

    Attributes:
        vectors: (D,) float32 of norm 1 for each recognition network; none where no face was found.
        sent_back: why the product would ask for another picture; None where it would judge this
            one. That several faces stand out alike is not among the reasons, see `crowded`.
        crowded: several faces stand out alike. Data sets name one person a picture all the same,
            so the most prominent is taken, and how often that happens is told apart.
        liveness: the score of the picture; None where it was sent back or nobody asked.
    """

    vectors: Mapping[ModelId, Floats] = field(repr=False)
    sent_back: str | None = None
    crowded: bool = False
    liveness: float | None = None

    @property
    def found(self) -> bool:
        """There was a face to compare, whatever the gates say of it."""
        return bool(self.vectors)

    @property
    def judged(self) -> bool:
        """The product would compare it."""
        return self.found and self.sent_back is None


class Acquirer(Protocol):
    """Turns the bytes of a picture into what is known of it."""

    @property
    def state(self) -> str:
        """Changes with everything that could change what comes out."""
        ...

    def acquire(self, image: bytes) -> Capture:
        """Look at one picture; a picture without a face is a finding, no error."""
        ...


@dataclass(frozen=True, slots=True)
class Recognition:
    """Detector and recognition networks, without the gates of quality and liveness."""

    detector: Detector
    embedders: tuple[Embedder, ...]

    def vectors(self, image: bytes) -> dict[ModelId, Floats]:
        """Of the most prominent face; none where there is no face."""
        frame = decode(image, DecodeLimits())
        faces = self.detector.detect(frame)
        if not faces:
            return {}
        return embed(frame, choose_subject(faces, frame.size, MOST_PROMINENT), self.embedders)


class FaceAcquirer:
    """Implements `Acquirer` with the product's pipeline, and its detector and networks behind it."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        most_prominent: Callable[[], Pipeline],
        recognition: Callable[[], Recognition],
        state: str,
    ) -> None:
        """Take the parts; most pictures need only the first.

        Args:
            pipeline: the product's.
            most_prominent: gives the same with `MOST_PROMINENT`, for pictures of several people.
            recognition: gives what recognises without the gates, for pictures that they send back.
            state: changes with any of them.
        """
        self._pipeline = pipeline
        self._most_prominent = most_prominent
        self._recognition = recognition
        self._state = state

    @property
    def state(self) -> str:
        """Changes with everything that could change what comes out."""
        return self._state

    def acquire(self, image: bytes) -> Capture:
        """Look at one picture; a picture without a face is a finding, no error."""
        crowded = False
        try:
            try:
                evidence = self._pipeline.analyze(image)
            except SampleRejected as refusal:
                if refusal.reason is not Reason.MULTIPLE_FACES:
                    raise
                crowded = True
                evidence = self._most_prominent().analyze(image)
        except ImageRefused:
            return Capture({}, UNREADABLE)
        except SampleRejected as refusal:
            return Capture(self._recognition().vectors(image), str(refusal.reason), crowded)
        vectors = {embedding.model: embedding.vector for embedding in evidence.embeddings}
        return Capture(vectors, None, crowded, evidence.liveness.score)


class AlignedAcquirer:
    """Implements `Acquirer` for crops of 112 px that were aligned before: nothing is detected or judged."""

    def __init__(self, *, recognition: Callable[[], Recognition], state: str) -> None:
        """Take what gives the recognition networks; `state` changes with any of them."""
        self._recognition = recognition
        self._state = f"aligned-{state}"

    @property
    def state(self) -> str:
        """Changes with everything that could change what comes out."""
        return self._state

    def acquire(self, image: bytes) -> Capture:
        """Embed one crop.

        Raises:
            RequestInvalid: it is no picture of 112 by 112 pixels.
        """
        try:
            frame = decode(image, DecodeLimits())
        except ImageRefused as refusal:
            raise unusable(f"a picture of the pack can't be read: {refusal}") from refusal
        if frame.size != (TEMPLATE_PX, TEMPLATE_PX):
            height, width = frame.size
            raise unusable(
                f"the pictures of a pack are aligned crops of {TEMPLATE_PX} by {TEMPLATE_PX} pixels; one "
                f"is {width} by {height}. For whole photos use a list of pairs (`facekey evaluate pairs`)"
            )
        whole = Detection(Box(0.0, 0.0, TEMPLATE_PX, TEMPLATE_PX), FIVE_POINTS, 1.0, ALIGNED)
        return Capture(embed(frame, whole, self._recognition().embedders))


def embed(frame: Frame, face: Detection, embedders: Sequence[Embedder]) -> dict[ModelId, Floats]:
    """Ask every recognition network about one face: a vector of each, or none."""
    try:
        return {one.model: one.vector for one in embed_face(frame, face, embedders)}
    except (ModelOutputInvalid, ValueError):
        return {}  # five landmarks on one point, or a crop of nothing: no face that could be compared


def stacked(captures: Sequence[Capture]) -> dict[ModelId, Floats]:
    """The vectors of captures with a face, (N, D) float32 for each network.

    Raises:
        ValueError: a capture has no face, or there is none.
    """
    if not captures or not all(capture.found for capture in captures):
        raise ValueError("only captures with a face can be stacked")
    return {
        model: np.stack([capture.vectors[model] for capture in captures]) for model in captures[0].vectors
    }
