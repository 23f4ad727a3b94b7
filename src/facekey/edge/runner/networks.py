"""From the files of a bundle to networks that are what they should be."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facekey.core.calibration import Calibration
from facekey.core.errors import CardInvalid, ModelError
from facekey.core.head import Head
from facekey.core.types import ModelId
from facekey.edge.runner.manifest import Manifest, Network, read_file
from facekey.vision.align import CONTEXT_SIDE
from facekey.vision.detect.hybrid import HybridDetector
from facekey.vision.detect.retinaface import RetinaFace, RetinaFaceOptions
from facekey.vision.embed.embedder import CropEmbedder
from facekey.vision.embed.mobilefacenet import mobilefacenet_embedder
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.vision.liveness.cnn import LivenessCnn
from facekey.zoo.cards import Card, load_card
from facekey.zoo.onnx import OnnxSession

DETECTOR, MESH = "retinaface", "facemesh"
HEAD = "head.json"


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of a bundle, each behind its adapter.

    Attributes:
        calibration: what a cosine of the embedder is worth.
        provider: what computes: `CPUExecutionProvider` and so on.
    """

    detector: HybridDetector
    landmarker: FaceMeshLandmarker
    embedder: CropEmbedder
    liveness: tuple[LivenessCnn, ...]
    calibration: Calibration
    head: Head
    provider: str


def open_networks(folder: Path, manifest: Manifest, *, threads: int) -> Networks:
    """Load all networks of a bundle.

    Raises:
        ModelError: a file is missing, was changed, or is not what its card says.
    """

    def session(name: str) -> tuple[OnnxSession, Card]:
        if name not in manifest.networks:
            raise ModelError(f"the bundle has no network {name}; export it again")
        return open_network(folder, name, manifest, threads=threads)

    detector, _ = session(DETECTOR)
    first, second = manifest.detector_px
    mesh, _ = session(MESH)
    embedder, card = session(manifest.embedder)
    if card.calibration is None:
        raise CardInvalid(f"{card.name}: a recognition network without a calibration can't decide")
    votes = manifest.liveness
    if not votes.slopes:
        raise ModelError("the bundle has no liveness network; export it again")
    return Networks(
        detector=HybridDetector(RetinaFace(detector, RetinaFaceOptions(side_px=first, large_side_px=second))),
        landmarker=FaceMeshLandmarker(mesh),
        embedder=mobilefacenet_embedder(embedder),
        liveness=tuple(
            _liveness(*session(name), slope=slope, intercept=votes.intercepts[name])
            for name, slope in votes.slopes.items()
        ),
        calibration=card.calibration,
        head=read_head(read_file(folder, HEAD, manifest)),
        provider=detector.provider,
    )


def open_network(folder: Path, name: str, manifest: Manifest, *, threads: int) -> tuple[OnnxSession, Card]:
    """Load one network and hold it against its card.

    Raises:
        ModelError: a file is missing, was changed, or is not what its card says.
    """
    network = manifest.networks[name]
    card = _card(folder, name, network, manifest)
    # The bytes that are loaded are those that were hashed.
    content = read_file(folder, network.file, manifest)
    session = OnnxSession(content, model_id=ModelId(network.model_id), threads=threads)
    found = tuple(port.shape[1:] for port in session.outputs)
    said = tuple(output.shape for output in card.outputs)
    if len(found) != len(said) or not all(
        len(have) == len(want)
        and all(want[place] in (0, size) or size is None for place, size in enumerate(have))
        for have, want in zip(found, said, strict=True)
    ):
        raise CardInvalid(f"{name}: the outputs are {found}, its card says {said}")
    return session, card


def read_head(content: bytes) -> Head:
    """The authentication head.

    Raises:
        ModelError: the file is not one.
    """
    try:
        values = json.loads(content)
        weights, biases = (
            tuple(np.array(layer, np.float32) for layer in values[part]) for part in ("weights", "biases")
        )
        (w1, w2, w3), (b1, b2, b3) = weights, biases
        return Head((w1, w2, w3), (b1, b2, b3))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{HEAD} is no authentication head: {error}") from error


def _card(folder: Path, name: str, network: Network, manifest: Manifest) -> Card:
    content = read_file(folder, network.card, manifest)
    # Cards are read from a file of their name.
    with tempfile.TemporaryDirectory() as aside:
        path = Path(aside) / f"{name}.toml"
        path.write_bytes(content)
        card = load_card(path)
    if network.model_id.partition("+")[0] != card.model_id:
        raise CardInvalid(f"{name}: the manifest has {network.model_id}, its card is of {card.model_id}")
    return card


def _liveness(session: OnnxSession, card: Card, *, slope: float, intercept: float) -> LivenessCnn:
    use = card.liveness
    if use is None or (use.box_scale, use.live_index) != (CONTEXT_SIDE, 0):
        raise CardInvalid(f"{card.name}: its card is of no liveness network that is read here")
    return LivenessCnn(session, slope=slope, intercept=intercept)


def calibrations(networks: Networks) -> Mapping[ModelId, Calibration]:
    """What a cosine is worth, by the network that made it."""
    return {networks.embedder.model_id: networks.calibration}
