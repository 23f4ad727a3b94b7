"""A network in shadow: it looks at pictures that others decided on, and at those of enrolments."""

from collections.abc import Callable, Sequence
from functools import partial

import structlog

from facekey.core.errors import ModelError, Overloaded
from facekey.core.ports.shadow import Seen
from facekey.core.ports.vision import Detector, Embedder, LivenessNetwork
from facekey.core.types import Crop, Detection, Embedding, Frame, IdentityLayout, ModelId
from facekey.vision.align import context_crop
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits
from facekey.vision.networks import embed_face
from facekey.vision.pool import Workers
from facekey.vision.subject import SubjectPolicy, choose_subject

log = structlog.get_logger(__name__)


Look = Callable[[Frame, Detection], Seen]
"""What one network makes of one face."""


def recognising(embedder: Embedder) -> Look:
    """What a recognition network makes of a face."""

    def look(frame: Frame, face: Detection) -> Seen:
        (embedding,) = embed_face(frame, face, [embedder])
        return Seen(embedding=embedding)

    return look


def judging(network: LivenessNetwork) -> Look:
    """What a liveness network makes of a face."""

    def look(frame: Frame, face: Detection) -> Seen:
        (score,) = network.score([context_crop(frame, face, crop_px=network.crop_px)])
        return Seen(liveness=score)

    return look


class ShadowNetwork:
    """Finds the face again and shows it to one network. Holds no state; safe to share between threads."""

    def __init__(
        self,
        look: Look,
        *,
        model_id: ModelId,
        detector: Detector,
        limits: DecodeLimits | None = None,
        subject: SubjectPolicy | None = None,
    ) -> None:
        """Take the network, and what finds the face for those that decide."""
        self._look = look
        self._model_id = model_id
        self._detector = detector
        self._limits = limits or DecodeLimits()
        self._subject = subject or SubjectPolicy()

    @property
    def model_id(self) -> ModelId:
        """The network's name."""
        return self._model_id

    def see(self, image: bytes) -> Seen:
        """What the network makes of a picture.

        Raises:
            ImageRefused, SampleRejected: there is no face in it that can be read.
            ModelOutputInvalid: the network gave something that can't be right.
        """
        frame = decode(image, self._limits)
        return self._look(frame, choose_subject(self._detector.detect(frame), frame.size, self._subject))


class ShadowPool:
    """Implements `core.ports.shadow.ShadowEye` on a thread of its own, while nobody waits for an answer."""

    def __init__(self, network: ShadowNetwork, workers: Workers, *, busy: Callable[[], bool]) -> None:
        """Take the network and who does its work.

        Args:
            network: what sees.
            workers: not those that decide.
            busy: whether those that decide have work.
        """
        self._network = network
        self._workers = workers
        self._busy = busy

    @property
    def model_id(self) -> ModelId:
        """The network's name."""
        return self._network.model_id

    async def see(self, image: bytes) -> Seen:
        """What the network makes of a picture; raises what `core.ports.shadow.ShadowEye` raises."""
        return await self._workers.run(partial(self._see, image))

    def _see(self, image: bytes) -> Seen:
        # Asked when its turn comes, not when it was put in line.
        if self._busy():
            raise Overloaded("pictures that decide go first")
        return self._network.see(image)


class TolerantEmbedder:
    """Implements `core.ports.vision.Embedder` for a network whose failure must cost no enrolment."""

    def __init__(self, embedder: Embedder) -> None:
        """Wrap the network in shadow."""
        self._embedder = embedder

    @property
    def model_id(self) -> ModelId:
        """The network's name."""
        return self._embedder.model_id

    @property
    def crop_px(self) -> int:
        """Side of the square crop it wants."""
        return self._embedder.crop_px

    @property
    def layout(self) -> IdentityLayout:
        """Where in the crop it wants the five points."""
        return self._embedder.layout

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        """One embedding for each crop, in order; none at all when the network fails."""
        try:
            return self._embedder.embed(crops)
        except ModelError as error:
            log.warning("shadow_failed", model=self.model_id, error=type(error).__name__)
            return []
