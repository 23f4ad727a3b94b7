"""From cards and weights to the networks that decide."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facekey.api.service import NetworkStatus
from facekey.core.choice import ALL_MEASURED, Choice
from facekey.core.errors import ModelError, ModelUnavailable
from facekey.core.matching import Matcher
from facekey.core.population import JointPopulation, Population
from facekey.core.ports.vision import Embedder, LivenessNetwork, SequenceNetwork
from facekey.core.types import ModelId
from facekey.settings import MEGABYTE, Settings
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
from facekey.vision.spare_cores import SpareCores
from facekey.vision.subject import SubjectPolicy
from facekey.wiring.candidate import Candidate
from facekey.wiring.fusion import open_fusion
from facekey.zoo.batching import Batching
from facekey.zoo.cards import Card, Task
from facekey.zoo.cores import usable_cores
from facekey.zoo.device import Device
from facekey.zoo.face_fusion import FusionKind
from facekey.zoo.fusion import read_fusion
from facekey.zoo.onnx import OnnxSession, available_providers
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
    together: JointPopulation | None
    liveness_threshold: float
    device: str
    networks: tuple[NetworkStatus, ...]
    candidate: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Recognisers:
    """The recognition networks that may decide, and how they are compared."""

    embedders: tuple[Embedder, ...]
    matcher: Matcher
    populations: Mapping[ModelId, Population]
    together: JointPopulation | None


def open_zoo(
    settings: Settings,
    *,
    observe: Callable[[str, float], None] | None = None,
    threads: int | None = None,
) -> Zoo:
    """The zoo that the settings name; see `Zoo` for the rest.

    Raises:
        SettingsInvalid: networks are to run on what this build of ONNX Runtime doesn't have.
    """
    rows, wait_s = settings.batch_rows, settings.batch_wait_ms / 1e3
    return Zoo(
        cache_dir=settings.models_dir,
        mirror=settings.models_mirror,
        observe=observe,
        threads=settings.network_threads if threads is None else threads,
        device=open_device(settings),
        batching=None if rows == 1 else Batching(rows, wait_s),
    )


def open_device(settings: Settings) -> Device:
    """What the settings let networks run on.

    Raises:
        SettingsInvalid: this build of ONNX Runtime doesn't have it.
    """
    megabytes = settings.device_memory_mb
    device = Device(
        settings.device,
        settings.device_number,
        None if megabytes is None else megabytes * MEGABYTE,
        settings.models_dir / "tensorrt",
    )
    device.require(available_providers())
    return device


def require_networks(zoo: Zoo) -> None:
    """Find out, without reading them, whether the networks that decisions need are here.

    Raises:
        ModelUnavailable: one is missing; says what to run.
    """
    judges = [card.name for card in zoo.cards.values() if _tells_liveness(card)]
    for name in (*SUPPORT, *judges):
        status = zoo.status(name)
        if not status.installed:
            raise ModelUnavailable(name, f"{status.reason}; run `facekey models pull`")
    if not any(usable(zoo, zoo.card(name)) for name in EMBEDDERS):
        raise ModelUnavailable("recognition", "no network is installed; run `facekey models pull`")


def open_vision(
    zoo: Zoo,
    *,
    limits: DecodeLimits | None = None,
    subject: SubjectPolicy | None = None,
    observe: StageObserver | None = None,
    spoof_photos: bool = False,
    fusion: FusionKind | None = None,
    choice: Choice = ALL_MEASURED,
    cores: int | None = None,
) -> Vision:
    """Load every network that is installed and measured, or those of them that were chosen.

    Args:
        zoo: has the networks.
        limits: what is too large to read.
        subject: when one face of several is clearly meant.
        observe: told the duration of every stage.
        spoof_photos: evidence of spoofs shows photos, not depth alone.
        fusion: how several networks become one evidence; None for the better way.
        choice: which recognition networks decide.
        cores: for this process' pictures; None for all.

    Raises:
        ModelUnavailable: a network that decisions need is missing; says what to run.
        ModelError: a network can't be loaded or is not what its card says.
    """
    detector = open_detector(zoo, subject)
    mesh_session = zoo.open("facemesh")
    landmarker = FaceMeshLandmarker(mesh_session)
    cards = {name: zoo.card(name) for name in zoo.names()}
    recognisers = open_recognisers(zoo, fusion=fusion, choice=choice)
    live = [open_liveness(zoo, card) for card in cards.values() if _tells_liveness(card)]
    if not live:
        raise ModelUnavailable("liveness", "no network is installed; run `facekey models pull`")
    in_use = {*SUPPORT, *choice.among([name for name in EMBEDDERS if usable(zoo, cards[name])])}
    in_use |= {card.name for card in cards.values() if _tells_liveness(card)}
    return Vision(
        pipeline=Pipeline(
            detector=detector,
            landmarker=landmarker,
            embedders=recognisers.embedders,
            liveness=live,
            eyes=EyelidReader(zoo.open("iris")),
            subject=subject,
            limits=limits,
            observe=observe,
            cores=SpareCores(usable_cores() if cores is None else cores),
        ),
        spoofs=SpoofPictures(
            detector=detector,
            landmarker=landmarker,
            depth=open_depth(zoo),
            limits=limits or DecodeLimits(),
            photos=spoof_photos,
        ),
        sequence=open_judge(zoo),
        matcher=recognisers.matcher,
        populations=recognisers.populations,
        together=recognisers.together,
        liveness_threshold=liveness_line(zoo),
        device=mesh_session.provider.removesuffix("ExecutionProvider"),
        networks=tuple(_network_status(zoo, card, in_use=card.name in in_use) for card in cards.values()),
    )


def open_recognisers(
    zoo: Zoo, *, fusion: FusionKind | None = None, choice: Choice = ALL_MEASURED
) -> Recognisers:
    """Load the recognition networks that are installed and measured, and not chosen to have no say.

    Raises:
        ModelUnavailable: there is none, or one that was chosen by name is not there; says what to run.
        ModelError: a network can't be loaded or is not what its card says.
    """
    for name in sorted(choice.deciding or ()):
        if name not in EMBEDDERS or not usable(zoo, zoo.card(name)):
            raise ModelUnavailable(
                name, f"it was chosen to decide, and can't; `facekey models pull {name}`, or choose again"
            )
    embedders, calibrations = [], {}
    for name, adapter in EMBEDDERS.items():
        card = zoo.card(name)
        if card.calibration is not None and usable(zoo, card) and choice.decides(name):
            embedders.append(adapter(zoo.open(name)))
            calibrations[card.model_id] = card.calibration
    if not embedders:
        raise ModelUnavailable("recognition", "no network is installed; run `facekey models pull`")
    populations = {model: open_population(model) for model in calibrations}
    known = open_fusion(frozenset(populations), kind=fusion, threads=zoo.threads)
    return Recognisers(tuple(embedders), Matcher(calibrations, known.rules), populations, known.together)


def open_detector(zoo: Zoo, subject: SubjectPolicy | None = None) -> HybridDetector:
    """RetinaFace, with MTCNN behind it.

    Args:
        zoo: has their networks.
        subject: when one face of several is clearly meant.

    Raises:
        ModelUnavailable: one of their networks is missing; says what to run.
    """
    mtcnn = Mtcnn(pnet=zoo.open("mtcnn_pnet"), rnet=zoo.open("mtcnn_rnet"), onet=zoo.open("mtcnn_onet"))
    return HybridDetector(RetinaFace(zoo.open("retinaface"), subject=subject), mtcnn)


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


def liveness_line(zoo: Zoo) -> float:
    """The liveness score from which a face is live.

    Raises:
        ModelUnavailable: no card of a liveness network has a threshold.
    """
    lines = [
        card.liveness.threshold
        for card in zoo.cards.values()
        if card.liveness is not None and card.liveness.threshold is not None
    ]
    if not lines:
        raise ModelUnavailable("liveness", "no card of a network has a threshold")
    # The networks' scores are averaged; should their cards differ, the strictest line holds for the mean.
    return max(lines)


def open_depth(zoo: Zoo) -> DepthReader:
    """MiDaS where it is installed, else the depth that the face mesh believes in."""
    return MidasDepth(zoo.open("midas_small")) if zoo.status("midas_small").installed else MeshDepth()


def usable(zoo: Zoo, card: Card) -> bool:
    """Whether a network may decide: measured, and its weights are here."""
    return card.calibration is not None and zoo.status(card.name).installed


def _tells_liveness(card: Card) -> bool:
    """Whether a network has a threshold. All that have one were measured together: each must be there."""
    return card.task is Task.LIVENESS and card.liveness is not None and card.liveness.threshold is not None


def open_liveness(zoo: Zoo, card: Card, *, threads: int | None = None) -> LivenessNetwork:
    """Load a liveness network.

    Raises:
        ModelUnavailable: it is not installed; says what to run.
        ModelError: it can't be loaded, or wants to be shown or read in another way than ours.
    """
    use = card.liveness
    if use is None:
        raise ModelError(f"{card.name}: its card doesn't say how it is read")
    if (use.box_scale, use.live_index) != (CONTEXT_SIDE, 0):
        # What its card asks for is not what it would be shown, and its scores would mean nothing.
        raise ModelError(
            f"{card.name}: wants a crop of {use.box_scale} face boxes and output {use.live_index}; "
            f"crops are {CONTEXT_SIDE} boxes and the one output is 0"
        )
    return LivenessCnn(zoo.open(card.name, threads=threads), slope=1.0 / use.temperature, intercept=use.bias)


def open_population(model: ModelId) -> Population:
    """What `training/calibrate.py` measured beside the calibration: row 0 the mean, below it the factor.

    Raises:
        ModelError: the file is missing or not one.
    """
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
        if card.name in EMBEDDERS and card.calibration is not None:
            note = "installed and measured, but not chosen to decide (`facekey models deciding`)"
    how_to_get = None if status.installed else f"facekey models pull {card.name}"
    return NetworkStatus(
        card.name, card.task, card.title, card.licence, status.installed, in_use, note, how_to_get
    )
