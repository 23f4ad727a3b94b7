"""Engine: the product as an evaluation uses it, opened from cards and weights."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2

from facekey import vision as vision_package
from facekey.core.calibration import Calibration
from facekey.core.choice import ALL_MEASURED, Choice
from facekey.core.matching import Matcher
from facekey.core.types import Detection, Frame, ModelId
from facekey.evaluation.acquire import MOST_PROMINENT, Acquirer, AlignedAcquirer, FaceAcquirer, Recognition
from facekey.evaluation.scoring import FUSION
from facekey.vision.pipeline import Pipeline
from facekey.wiring.vision import open_detector, open_recognisers, open_vision
from facekey.zoo.cards import Card, Task
from facekey.zoo.convert.recipe import recipe_of
from facekey.zoo.durable import sha256_of
from facekey.zoo.face_fusion import FILE, FusionKind, read_face_fusion
from facekey.zoo.onnx import runtime_version
from facekey.zoo.zoo import Zoo, default_cards_dir


@dataclass(frozen=True, slots=True)
class Network:
    """A network that took part.

    Attributes:
        sha256: of the published weights.
        calibrated: on which data its scores got their meaning; None where it has no such scores.
    """

    name: str
    title: str
    task: str
    sha256: str
    calibrated: str | None


@dataclass(frozen=True, slots=True)
class Engine:
    """What judges, and who is in it.

    Attributes:
        find: the product's detector.
        calibrations: of the recognition networks, in the matcher's order.
        match_evidence: the deployment's threshold, in decades of false match rate.
    """

    faces: Acquirer
    aligned: Acquirer
    find: Callable[[Frame], list[Detection]]
    matcher: Matcher
    calibrations: Mapping[ModelId, Calibration]
    match_evidence: float
    liveness_threshold: float
    networks: tuple[Network, ...]


def open_engine(
    zoo: Zoo, *, match_evidence: float, fusion: FusionKind | None = None, choice: Choice = ALL_MEASURED
) -> Engine:
    """Load the networks that the service would load.

    Args:
        zoo: has the networks.
        match_evidence: the deployment's threshold, in decades.
        fusion: how several networks become one evidence; None for the better way.
        choice: which recognition networks decide. Pictures are shown to all, so that what is kept
            of them does for any choice.

    Raises:
        ModelUnavailable: one that decisions need is missing; says what to run.
        ModelError: one can't be loaded or is not what its card says.
    """
    vision = open_vision(zoo, fusion=fusion)
    in_use = [zoo.card(network.name) for network in vision.networks if network.in_use]

    @cache
    def recognition() -> Recognition:
        return Recognition(open_detector(zoo), open_recognisers(zoo).embedders)

    @cache
    def most_prominent() -> Pipeline:
        return open_vision(zoo, subject=MOST_PROMINENT).pipeline

    def find(frame: Frame) -> list[Detection]:
        return recognition().detector.detect(frame)

    chosen = choice != ALL_MEASURED
    matcher = open_recognisers(zoo, fusion=fusion, choice=choice).matcher if chosen else vision.matcher
    by_model = {card.model_id: card.calibration for card in in_use}
    calibrations = {
        model: calibration for model in matcher.models if (calibration := by_model.get(model)) is not None
    }
    state = _state(in_use)
    networks = [_network(card) for card in in_use if card.task != Task.EMBED or card.model_id in calibrations]
    if len(calibrations) > 1:
        networks += _fusion(frozenset(calibrations), fusion)
    return Engine(
        faces=FaceAcquirer(
            pipeline=vision.pipeline, most_prominent=most_prominent, recognition=recognition, state=state
        ),
        aligned=AlignedAcquirer(recognition=recognition, state=state),
        find=find,
        matcher=matcher,
        calibrations=calibrations,
        match_evidence=match_evidence,
        liveness_threshold=vision.liveness_threshold,
        networks=tuple(networks),
    )


def _network(card: Card) -> Network:
    calibrated = None if card.calibration is None else card.calibration.born.data
    return Network(card.name, card.title, card.task, card.weights.sha256, calibrated)


def _fusion(models: frozenset[ModelId], kind: FusionKind | None) -> list[Network]:
    """What was learned about these networks together, where anything was."""
    file = read_face_fusion()
    kind = file.kind if kind is None else kind
    if kind == "scores":
        known = {frozenset(one.weights): one.calibration for one in file.scores}
    else:
        known = dict(file.embeddings.calibrations)
    if models not in known:
        return []
    sha256 = sha256_of(default_cards_dir() / "weights" / FILE)
    title = f"Fusion of {len(models)} networks, by {kind}"
    return [Network(FUSION, title, "fuse", sha256, known[models].born.data)]


def _state(cards: list[Card]) -> str:
    """Changes with the networks, what they are fed, the code of vision, and what reads pictures."""
    digest = hashlib.sha256()
    for card in cards:
        digest.update(repr((card.model_id, card.weights.sha256, recipe_of(card), card.liveness)).encode())
    digest.update(f"{cv2.__version__} {runtime_version()}".encode())
    root = Path(next(iter(vision_package.__path__)))
    for source in sorted(root.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()
