"""Glimpses with chosen poses and faces, for tests of what happens over time."""

import numpy as np

from facekey.core.types import (
    Box,
    Detection,
    Evidence,
    Expression,
    FaceMesh,
    Floats,
    FrameHash,
    Glimpse,
    Lids,
    Liveness,
    ModelId,
    Quality,
)
from tests.unit.core.made import MODEL, direction, evidence

MESH = FaceMesh(np.zeros((468, 3), np.float32), 1.0)
FRAME_SIZE = 480, 640
OPEN_EYES, RESTING_MOUTH = 0.25, 0.55


def frame_hash(seed: int, *, flipped: int = 0) -> FrameHash:
    """A frame's hash; `flipped` bits of each half are another encoding's."""
    bits = np.random.default_rng(seed).integers(0, 2, (2, 1024), dtype=np.uint8)
    bits[:, :flipped] ^= 1
    whole, face = (np.packbits(half).tobytes() for half in bits)
    return FrameHash(whole, face)


def glimpse(
    at_s: float,
    *,
    face: Floats | None = None,
    yaw_deg: float = 0.0,
    pitch_deg: float = 0.0,
    eyes: float = 1.0,
    mouth: float = 1.0,
    x: float = 100.0,
    width: float = 200.0,
    picture: int | None = None,
    liveness: float = 0.95,
) -> Glimpse:
    """One frame; eyes and mouth are in parts of the resting face's."""
    vector = direction(1) if face is None else face
    base = evidence(vector, liveness=liveness)
    seen = Evidence(
        embeddings=base.embeddings,
        quality=Quality(0.9, 0.8, 0.8, 1.0, yaw_deg, pitch_deg, 0.0, width, 0.85, ()),
        liveness=Liveness(liveness, {MODEL: liveness}),
        detection=Detection(
            Box(x, 100.0, x + width, 100.0 + width), np.zeros((5, 2), np.float32), 0.99, ModelId("made")
        ),
        thumbprint=base.thumbprint,
    )
    return Glimpse(
        at_s,
        seen,
        MESH,
        Expression(0.25, 0.25, 0.05, RESTING_MOUTH * mouth),
        lids=Lids(OPEN_EYES * eyes, OPEN_EYES * eyes),
        frame_hash=frame_hash(round(at_s * 1000) if picture is None else picture),
        face=seen.detection.box.within(FRAME_SIZE),
    )
