"""Pipeline: the bytes of one picture to the evidence in it, stage by stage."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass

import cv2
import numpy as np

from facekey.core.errors import SampleRejected
from facekey.core.ports.vision import Detector, Embedder, EyeReader, Landmarker, LivenessNetwork
from facekey.core.types import (
    Assessed,
    Crop,
    Detection,
    Evidence,
    FaceMesh,
    Floats,
    Frame,
    Glimpse,
    Quality,
)
from facekey.vision.align import identity_crop
from facekey.vision.decode import decode
from facekey.vision.framehash import hash_frame
from facekey.vision.headers import DecodeLimits
from facekey.vision.landmarks.expression import read_expression
from facekey.vision.liveness.patch import cut_patch
from facekey.vision.networks import ask_all, cut_all
from facekey.vision.quality.gate import QualityPolicy, assess
from facekey.vision.quality.measures import CROP_PX as QUALITY_PX
from facekey.vision.spare_cores import SpareCores
from facekey.vision.subject import SubjectPolicy, choose_subject

THUMB_PX = 16

StageObserver = Callable[[str, float], None]
"""Called with the name of each stage that ended and the seconds it took."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """Of a face that is good enough."""

    mesh: FaceMesh
    quality: Quality


class Pipeline:
    """All of vision for one picture. Holds no state; safe to share between threads."""

    def __init__(
        self,
        *,
        detector: Detector,
        landmarker: Landmarker,
        embedders: Sequence[Embedder],
        liveness: Sequence[LivenessNetwork],
        eyes: EyeReader | None = None,
        quality: QualityPolicy | None = None,
        subject: SubjectPolicy | None = None,
        limits: DecodeLimits | None = None,
        observe: StageObserver | None = None,
        cores: SpareCores | None = None,
    ) -> None:
        """Take the networks; `wiring` chooses them.

        Args:
            detector: finds the faces.
            landmarker: lays the mesh.
            embedders: at least one; the evidence keeps their order.
            liveness: at least one: without a check nothing would be live.
            eyes: for streams; who only looks at single pictures can do without.
            quality: what a capture must have.
            subject: when one face of several is clearly meant.
            limits: what is too large to read.
            observe: told the duration of every stage.
            cores: where networks run side by side; without, one after the other.

        Raises:
            ValueError: there is no embedder or no liveness network.
        """
        if not embedders or not liveness:
            raise ValueError("a pipeline needs at least one embedder and one liveness network")
        self._detector = detector
        self._landmarker = landmarker
        self._embedders = tuple(embedders)
        self._liveness = tuple(liveness)
        self._eyes = eyes
        self._quality = quality or QualityPolicy()
        self._subject = subject or SubjectPolicy()
        self._limits = limits or DecodeLimits()
        self._observe = observe
        self._cores = cores or SpareCores(1)

    def also(self, embedder: Embedder) -> "Pipeline":
        """The same line with one more embedder at its end."""
        longer = copy(self)
        longer._embedders = (*self._embedders, embedder)
        return longer

    def analyze(self, image: bytes) -> Evidence:
        """Say all that one picture says.

        Raises:
            ImageRefused: the bytes can't be read safely.
            SampleRejected: there is no face in it that can be judged.
            ModelOutputInvalid: a network gave something that can't be right.
        """
        _, evidence, _ = self._look(image)
        return evidence

    def assess(self, image: bytes) -> Assessed:
        """Say how well the face can be judged: the line up to (5); raises what `analyze` raises."""
        frame, face = self._find(image)
        with self._stage("align"):
            crop = identity_crop(frame, face, crop_px=QUALITY_PX)
        judged = self._judge(frame, face, crop)
        return Assessed(judged.quality, face.box.within(frame.size))

    def glimpse(self, image: bytes, at_s: float) -> Glimpse:
        """Say all that one frame of a stream says; raises what `analyze` raises.

        Args:
            image: the encoded frame.
            at_s: when it arrived, seconds of a monotonic clock.

        Raises:
            ValueError: there is nothing to read the eyes with.
        """
        if self._eyes is None:
            raise ValueError("a pipeline for streams needs a reader of the eyes")
        frame, evidence, mesh = self._look(image)
        with self._stage("eyes"):
            lids = self._eyes.lids(frame, mesh)
        with self._stage("frame_hash"):
            frame_hash = hash_frame(frame, evidence.detection.box)
        return Glimpse(
            at_s,
            evidence,
            mesh,
            read_expression(mesh),
            patch=cut_patch(frame, evidence.detection),
            lids=lids,
            frame_hash=frame_hash,
            face=evidence.detection.box.within(frame.size),
        )

    def _look(self, image: bytes) -> tuple[Frame, Evidence, FaceMesh]:
        """The stages in their order.

        (1) decode, (2) detect, (3) choose the subject, (4) cut the crops, (5) mesh and
        quality, (6) liveness, (7) embed. What can't be judged is refused at the first
        stage that sees it. With spare cores (5) to (7) run side by side; without, the
        costly networks of (6) and (7) are asked only about a face that passed (5).
        """
        with self._cores.one_taken():
            # (1) to (3)
            frame, face = self._find(image)
            # (4)
            with self._stage("align"):
                crops = cut_all(frame, face, liveness=self._liveness, embedders=self._embedders)
            # (5) to (7)
            judged, asked = ask_all(
                lambda: self._judge(frame, face, crops.face),
                crops,
                liveness=self._liveness,
                embedders=self._embedders,
                cores=self._cores,
            )
        for stage, seconds in asked.seconds.items():
            self._told(stage, seconds)
        with self._stage("fingerprint"):
            evidence = Evidence(
                embeddings=asked.embeddings,
                quality=judged.quality,
                liveness=asked.liveness,
                detection=face,
                thumbprint=_thumbprint(crops.face),
            )
        return frame, evidence, judged.mesh

    def _find(self, image: bytes) -> tuple[Frame, Detection]:
        """Steps (1) to (3)."""
        with self._stage("decode"):
            frame = decode(image, self._limits)
        with self._stage("detect"):
            faces = self._detector.detect(frame)
        return frame, choose_subject(faces, frame.size, self._subject)

    def _judge(self, frame: Frame, face: Detection, crop: Crop) -> _Judged:
        """Step (5).

        Raises:
            SampleRejected: the face is not good enough.
        """
        with self._stage("mesh"):
            mesh = self._landmarker.mesh(frame, face)
        with self._stage("quality"):
            quality = assess(frame, face, mesh, crop, self._quality)
        if quality.reasons:
            raise SampleRejected(quality.reasons[0], quality, face.box.within(frame.size))
        return _Judged(mesh, quality)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._told(name, time.perf_counter() - start)

    def _told(self, stage: str, seconds: float) -> None:
        if self._observe is not None:
            self._observe(stage, seconds)


def _thumbprint(crop: Crop) -> Floats:
    """The crop in grey, (16, 16) float32, mean 0 and norm 1."""
    grey = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    # A blank crop has no norm; the quality gate lets none through.
    result: Floats = small / max(float(np.linalg.norm(small)), 1e-6)
    return result
