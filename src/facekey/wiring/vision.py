"""From cards and weights to the networks that decide."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facekey.api.service import NetworkStatus
from facekey.core.errors import ModelError, ModelUnavailable
from facekey.core.head import Head
from facekey.core.matching import Matcher
from facekey.core.population import Population
from facekey.core.ports.vision import Embedder, LivenessNetwork, SequenceNetwork
from facekey.core.types import ModelId
from facekey.settings import Settings
from facekey.vision.align import CONTEXT_SIDE
from facekey.vision.detect.hybrid import HybridDetector
from facekey.vision.detect.mtcnn import Mtcnn
from facekey.vision.detect.retinaface import RetinaFace
from facekey.vision.embed.arcface import arcface_embedder
from facekey.vision.embed.dlib_resnet29 import dlib_embedder
from facekey.vision.embed.facenet import facenet_embedder
from facekey.vision.embed.mobilefacenet import mobilefacenet_embedder
from facekey.vision.headers import DecodeLimits
from facekey.vision.landmarks.eyelids import EyelidReader
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.vision.liveness.cnn import LivenessCnn
from facekey.vision.liveness.depth import DepthReader, MeshDepth, MidasDepth
from facekey.vision.liveness.parallax import MODEL as PARALLAX_MODEL
from facekey.vision.liveness.parallax import ParallaxLiveness
from facekey.vision.liveness.spoof_picture import SpoofPictures
from facekey.vision.liveness.temporal import TemporalLiveness
from facekey.vision.pipeline import Pipeline, StageObserver
from facekey.vision.sequence import SequenceJudge
from facekey.vision.subject import SubjectPolicy
from facekey.zoo.cards import Card, Task
from facekey.zoo.fusion import read_fusion
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo, default_cards_dir

EMBEDDERS: Mapping[str, Callable[[OnnxSession], Embedder]] = {
    "mobilefacenet": mobilefacenet_embedder,
    "dlib_resnet29": dlib_embedder,
    "arcface_r100": arcface_embedder,
    "arcface_r50": arcface_embedder,
    "arcface_mobile": arcface_embedder,
    "facenet": facenet_embedder,
}

"""The adapter for each recognition network, in the order of the evidence."""

SUPPORT = ("retinaface", "mtcnn_pnet", "mtcnn_rnet", "mtcnn_onet", "facemesh", "iris", "liveness_temporal")

"""Networks that find, read and watch the face; all must be there."""


@dataclass(frozen=True, slots=True)
class Vision:
    """The networks of one process, and what their cards say of them."""

    pipeline: Pipeline
    spoofs: SpoofPictures
    sequence: SequenceJudge
    matcher: Matcher
    populations: Mapping[ModelId, Population]
    liveness_threshold: float
    device: str
    networks: tuple[NetworkStatus, ...]


def open_zoo(settings: Settings) -> Zoo:
    """The zoo that the settings name."""
    return Zoo(cache_dir=settings.models_dir, mirror=settings.models_mirror)


def open_vision(
    zoo: Zoo,
    *,
    limits: DecodeLimits | None = None,
    subject: SubjectPolicy | None = None,
    observe: StageObserver | None = None,
    spoof_photos: bool = False,
) -> Vision:
    """Load every network that is installed and measured.

    Raises:
        ModelUnavailable: a network that decisions need is missing; says what to run.
        ModelError: a network can't be loaded or is not what its card says.
    """
    detector = open_detector(zoo)
    mesh_session = zoo.open("facemesh")
    landmarker = FaceMeshLandmarker(mesh_session)
    cards = {name: zoo.card(name) for name in zoo.names()}
    embedders = [adapter(zoo.open(name)) for name, adapter in EMBEDDERS.items() if usable(zoo, cards[name])]
    if not embedders:
        raise ModelUnavailable("recognition", "no network is installed; run `facekey models pull`")
    live = [_open_liveness(zoo, card) for card in cards.values() if _tells_liveness(card)]
    if not live:
        raise ModelUnavailable("liveness", "no network is installed; run `facekey models pull`")
    in_use = {*SUPPORT, *(name for name in EMBEDDERS if usable(zoo, cards[name]))}
    in_use |= {card.name for card in cards.values() if _tells_liveness(card)}
    calibrations = {
        card.model_id: card.calibration
        for card in cards.values()
        if card.name in in_use and card.calibration is not None
    }
    return Vision(
        pipeline=Pipeline(
            detector=detector,
            landmarker=landmarker,
            embedders=embedders,
            liveness=[network for network, _ in live],
            eyes=EyelidReader(zoo.open("iris")),
            subject=subject,
            limits=limits,
            observe=observe,
        ),
        spoofs=SpoofPictures(
            detector=detector,
            landmarker=landmarker,
            depth=open_depth(zoo),
            limits=limits or DecodeLimits(),
            photos=spoof_photos,
        ),
        sequence=open_judge(zoo),
        matcher=Matcher(calibrations),
        populations={model: _population(model) for model in calibrations},
        # Their scores are averaged; should their cards differ, the strictest line holds for the mean.
        liveness_threshold=max(threshold for _, threshold in live),
        device=mesh_session.provider.removesuffix("ExecutionProvider"),
        networks=tuple(_network_status(zoo, card, in_use=card.name in in_use) for card in cards.values()),
    )


def open_detector(zoo: Zoo) -> HybridDetector:
    """RetinaFace, with MTCNN behind it.

    Raises:
        ModelUnavailable: one of their networks is missing; says what to run.
    """
    mtcnn = Mtcnn(pnet=zoo.open("mtcnn_pnet"), rnet=zoo.open("mtcnn_rnet"), onet=zoo.open("mtcnn_onet"))
    return HybridDetector(RetinaFace(zoo.open("retinaface")), mtcnn)


def load_head() -> Head:
    """The trained authentication head that comes with FaceKey.

    Raises:
        ModelError: the file is not one.
    """
    path = default_cards_dir() / "weights" / "head.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        first, second, third = (
            (np.array(weight, dtype=np.float32), np.array(bias, dtype=np.float32))
            for weight, bias in zip(values["weights"], values["biases"], strict=True)
        )
        return Head((first[0], second[0], third[0]), (first[1], second[1], third[1]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path.name} is no authentication head: {error}") from error


def open_judge(zoo: Zoo) -> SequenceJudge:
    """What judges several frames together: frames, movement, parallax, and what each is worth.

    Raises:
        ModelUnavailable: the temporal network is missing; says what to run.
        ModelError: a file is not what it should be.
    """
    file = read_fusion()
    use = zoo.card("liveness_temporal").sequence
    if use is None or file.parallax_model != PARALLAX_MODEL:
        raise ModelError("liveness_temporal has no calibration, or parallax is not the one that was measured")
    networks: dict[str, SequenceNetwork] = {
        "temporal": TemporalLiveness(zoo.open("liveness_temporal"), slope=use.slope, intercept=use.intercept),
        "parallax": ParallaxLiveness(slope=file.parallax_slope, intercept=file.parallax_intercept),
    }
    return SequenceJudge(networks, file.fusion)


def open_depth(zoo: Zoo) -> DepthReader:
    """MiDaS where it is installed, else the depth that the face mesh believes in."""
    return MidasDepth(zoo.open("midas_small")) if zoo.status("midas_small").installed else MeshDepth()


def usable(zoo: Zoo, card: Card) -> bool:
    """Whether a network may decide: measured, and its weights are here."""
    return card.calibration is not None and zoo.status(card.name).installed


def _tells_liveness(card: Card) -> bool:
    """Whether a network has a threshold. All that have one were measured together: each must be there."""
    return card.task is Task.LIVENESS and card.liveness is not None and card.liveness.threshold is not None


def _open_liveness(zoo: Zoo, card: Card) -> tuple[LivenessNetwork, float]:
    use = card.liveness
    if use is None or use.threshold is None:
        raise ModelError(f"{card.name}: its card has no liveness threshold")
    if (use.box_scale, use.live_index) != (CONTEXT_SIDE, 0):
        # What its card asks for is not what it would be shown, and its scores would mean nothing.
        raise ModelError(
            f"{card.name}: wants a crop of {use.box_scale} face boxes and output {use.live_index}; "
            f"crops are {CONTEXT_SIDE} boxes and the one output is 0"
        )
    network = LivenessCnn(zoo.open(card.name), slope=1.0 / use.temperature, intercept=use.bias)
    return network, use.threshold


def _population(model: ModelId) -> Population:
    """What `training/calibrate.py` measured beside the calibration: row 0 the mean, below it the factor."""
    path = _population_path(model)
    try:
        values = np.load(path, allow_pickle=False).astype(np.float32)
        return Population(mean=values[0], factor=values[1:])
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise ModelError(f"{model}: {path.name} can't be read: {error}") from error


def _population_path(model: ModelId) -> Path:
    return default_cards_dir() / "weights" / f"{model.partition(':')[0]}-population.npy"


def _network_status(zoo: Zoo, card: Card, *, in_use: bool) -> NetworkStatus:
    status = zoo.status(card.name)
    note = status.reason
    if note is None and not in_use:
        note = "installed, but without a measured calibration in its card it has no say"
    how_to_get = None if status.installed else f"facekey models pull {card.name}"
    return NetworkStatus(
        card.name, card.task, card.title, card.licence, status.installed, in_use, note, how_to_get
    )
