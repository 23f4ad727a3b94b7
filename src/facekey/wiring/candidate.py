"""The network in shadow, as the rest of the wiring sees it."""

from dataclasses import dataclass

from facekey.core.calibration import Calibration
from facekey.core.population import Population
from facekey.core.ports.vision import Embedder, LivenessNetwork
from facekey.core.types import ModelId


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network that is opened to run in shadow: one of the two kinds.

    Attributes:
        embedder: tells people apart.
        calibration: of an embedder; None until it is measured.
        population: of an embedder, to draw stand-ins for unknown ids from; None until measured.
        liveness: judges liveness.
    """

    name: str
    model_id: ModelId
    embedder: Embedder | None = None
    calibration: Calibration | None = None
    population: Population | None = None
    liveness: LivenessNetwork | None = None
