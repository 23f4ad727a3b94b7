"""How recognition networks are fused, read from the file that training wrote.

Read as strictly as a model card: an unknown key, a missing one or a wrong type is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np

from facekey.core.calibration import Birth, Calibration
from facekey.core.errors import ModelError
from facekey.core.fusion import ScoreFusion
from facekey.core.population import JointPopulation, Population
from facekey.core.types import ModelId
from facekey.zoo.durable import read_bounded, require_sha256
from facekey.zoo.zoo import default_cards_dir

FILE = "fusion.json"
FORMAT = 1
MAX_NETWORK_BYTES = 32 * 2**20

UNREADABLE = (
    OSError,
    EOFError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    StopIteration,
)

FusionKind = Literal["scores", "embedding"]
KINDS: tuple[FusionKind, ...] = ("scores", "embedding")


@dataclass(frozen=True, slots=True)
class FusedEmbeddings:
    """The network that fuses embeddings.

    Attributes:
        content: the ONNX file; its hash was checked.
        model: its id.
        inputs: the networks that it takes, with their dimensions, in order.
        calibrations: of the fused cosine, by the set of networks that went in.
    """

    content: bytes
    model: ModelId
    inputs: tuple[tuple[ModelId, int], ...]
    calibrations: Mapping[frozenset[ModelId], Calibration]


@dataclass(frozen=True, slots=True)
class FaceFusionFile:
    """What the file holds.

    Attributes:
        kind: which of the two was better, and decides unless a deployment chose the other.
        scores: one for each set of networks.
        embeddings: the other kind.
        together: how all the networks' embeddings of people are spread.
    """

    kind: FusionKind
    scores: tuple[ScoreFusion, ...]
    embeddings: FusedEmbeddings
    together: JointPopulation


def read_face_fusion(path: Path | None = None) -> FaceFusionFile:
    """Read the file that comes with FaceKey, or another.

    Raises:
        ModelError: the file is not one.
        HashMismatch: the network beside it is another.
    """
    path = default_cards_dir() / "weights" / FILE if path is None else path
    try:
        return _read(json.loads(path.read_text(encoding="utf-8")), path.parent)
    except UNREADABLE as error:
        raise ModelError(f"{path.name} holds no fusion of recognition networks: {error}") from error


def _read(values: dict[str, Any], folder: Path) -> FaceFusionFile:
    if values.pop("format") != FORMAT:
        raise ValueError(f"only format {FORMAT} is known")
    kind = values.pop("kind")
    embeddings = _embeddings(values.pop("embedding"), folder)
    population = np.load(folder / _beside(values.pop("population")), allow_pickle=False).astype(np.float32)
    file = FaceFusionFile(
        kind=next(known for known in KINDS if known == kind),
        scores=tuple(_scores(entry) for entry in values.pop("scores")),
        embeddings=embeddings,
        together=JointPopulation(dict(embeddings.inputs), Population(population[0], population[1:])),
    )
    if values:
        raise ValueError(f"unknown keys {', '.join(values)}")
    return file


def _scores(entry: dict[str, Any]) -> ScoreFusion:
    weights = {ModelId(str(name)): float(weight) for name, weight in entry.pop("weights").items()}
    return ScoreFusion(weights, _calibration(entry))


def _embeddings(entry: dict[str, Any], folder: Path) -> FusedEmbeddings:
    name, digest = _beside(entry.pop("file")), str(entry.pop("sha256"))
    content = read_bounded(folder / name, MAX_NETWORK_BYTES)
    require_sha256(content, digest, name)
    inputs = tuple((ModelId(str(model)), int(count)) for model, count in entry.pop("inputs").items())
    calibrations = {
        frozenset(ModelId(str(model)) for model in subset.pop("networks")): _calibration(subset)
        for subset in entry.pop("subsets")
    }
    if entry:
        raise ValueError(f"unknown keys {', '.join(entry)}")
    return FusedEmbeddings(content, ModelId(f"fusion:{digest[:12]}"), inputs, calibrations)


def _beside(name: object) -> str:
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError("its other files lie beside it")
    return name


def _calibration(entry: dict[str, Any]) -> Calibration:
    born = dict(entry.pop("born"))
    knots = tuple((float(score), float(evidence)) for score, evidence in entry.pop("knots"))
    if entry:
        raise ValueError(f"unknown keys {', '.join(entry)}")
    return Calibration(knots, Birth(**{**born, "date": date.fromisoformat(born["date"])}))
