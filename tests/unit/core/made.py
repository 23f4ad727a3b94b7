"""Evidence and templates made of vectors with chosen cosines, for tests of the rules alone."""

from datetime import date

import numpy as np

from facekey.core.calibration import Birth, Calibration
from facekey.core.caller import Caller, Role
from facekey.core.types import (
    Box,
    Detection,
    Embedding,
    Evidence,
    Floats,
    Liveness,
    ModelId,
    Quality,
    Reason,
)

MODEL = ModelId("made:000000000000")
DIMENSIONS = 64
CALLER = Caller("test", Role.ADMIN, "192.0.2.1")
BORN = Birth("made up", "none", 1, date(2026, 1, 1), "none")
CALIBRATION = Calibration(((0.1, 1.0), (0.3, 2.0), (0.5, 3.0), (0.6, 4.0), (0.7, 5.0)), BORN)


def direction(seed: int) -> Floats:
    """A unit vector that is the same for the same seed."""
    vector = np.random.default_rng(seed).standard_normal(DIMENSIONS)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def near(centre: Floats, cosine: float, seed: int) -> Floats:
    """A unit vector at this cosine from the centre."""
    side = direction(seed)
    side = side - (side @ centre) * centre
    side /= np.linalg.norm(side)
    made: Floats = (cosine * centre + np.sqrt(1.0 - cosine**2) * side).astype(np.float32)
    return made


def evidence(
    vector: Floats,
    *,
    liveness: float = 0.95,
    reasons: tuple[Reason, ...] = (),
    picture: int = 0,
    model: ModelId = MODEL,
) -> Evidence:
    """What one capture would say; `picture` tells one photograph from another."""
    print_seed = np.random.default_rng(1000 + picture).standard_normal((16, 16)).astype(np.float32)
    return Evidence(
        embeddings=(Embedding(vector, model),),
        quality=Quality(0.9, 0.8, 0.8, 1.0, 0.0, 0.0, 0.0, 200.0, 0.85, reasons),
        liveness=Liveness(liveness, {}),
        detection=Detection(Box(0, 0, 200, 200), np.zeros((5, 2), np.float32), 0.99, ModelId("made")),
        thumbprint=print_seed / np.linalg.norm(print_seed),
    )
