"""Networks: what those that cost most say of one face, side by side where cores are spare."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from facekey.core.ports.vision import Embedder, LivenessNetwork
from facekey.core.types import Crop, Detection, Embedding, Frame, IdentityLayout, Liveness, ModelId
from facekey.vision.align import context_crop, identity_crop
from facekey.vision.quality.measures import CROP_PX as QUALITY_PX
from facekey.vision.spare_cores import SpareCores

_T = TypeVar("_T")

MIN_ODDS = 1e-6  # a probability of exactly 0 or 1 would outvote everything


@dataclass(frozen=True, slots=True)
class Asked:
    """What the networks said.

    Attributes:
        embeddings: in the order of the embedders.
        seconds: that the networks of each stage took, one with the other.
    """

    liveness: Liveness
    embeddings: tuple[Embedding, ...]
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Crops:
    """All that is to be seen of one face, each square cut once.

    Attributes:
        face: what its quality is measured on.
        identity: what the embedders want, by layout and side.
        context: what the liveness networks want, by side.
    """

    face: Crop
    identity: Mapping[tuple[IdentityLayout, int], Crop]
    context: Mapping[int, Crop]


def cut_all(
    frame: Frame, face: Detection, *, liveness: Sequence[LivenessNetwork], embedders: Sequence[Embedder]
) -> Crops:
    """Cut what these networks want, and what quality is measured on."""
    judged: tuple[IdentityLayout, int] = ("identity", QUALITY_PX)
    identity = _identity_crops(frame, face, {judged, *_wanted(embedders)})
    sides = {network.crop_px for network in liveness}
    context = {side: context_crop(frame, face, crop_px=side) for side in sides}
    return Crops(identity[judged], identity, context)


def ask_all(
    judge: Callable[[], _T],
    crops: Crops,
    *,
    liveness: Sequence[LivenessNetwork],
    embedders: Sequence[Embedder],
    cores: SpareCores,
) -> tuple[_T, Asked]:
    """Judge a face, and ask every network about it.

    Args:
        judge: comes first. What it raises is raised, and keeps networks that have not begun from
            being asked: without a spare core, all of them.
        crops: of `cut_all`, for these networks.
        liveness: at least one.
        embedders: any number.
        cores: where they run.

    Raises:
        ModelOutputInvalid: a network gave something that can't be right.
    """
    judged: list[_T] = []
    scores: dict[ModelId, float] = {}
    embedded: dict[ModelId, list[Embedding]] = {}
    taken: dict[ModelId, float] = {}

    def score(network: LivenessNetwork) -> None:
        began = time.perf_counter()
        (scores[network.model_id],) = network.score([crops.context[network.crop_px]])
        taken[network.model_id] = time.perf_counter() - began

    def embed(embedder: Embedder) -> None:
        began = time.perf_counter()
        embedded[embedder.model_id] = embedder.embed([crops.identity[embedder.layout, embedder.crop_px]])
        taken[embedder.model_id] = time.perf_counter() - began

    tasks: list[Callable[[], None]] = [
        lambda: judged.append(judge()),
        *(partial(embed, embedder) for embedder in embedders),
        *(partial(score, network) for network in liveness),
    ]
    cores.do_all(tasks)
    return judged[0], Asked(
        together({network.model_id: scores[network.model_id] for network in liveness}),
        tuple(one for embedder in embedders for one in embedded[embedder.model_id]),
        {
            "liveness": sum(taken[network.model_id] for network in liveness),
            "embed": sum(taken[embedder.model_id] for embedder in embedders),
        },
    )


def together(parts: Mapping[ModelId, float]) -> Liveness:
    """What several liveness networks say together: the mean of their log-odds."""
    bounded = [min(max(part, MIN_ODDS), 1 - MIN_ODDS) for part in parts.values()]
    odds = sum(math.log(part / (1 - part)) for part in bounded) / len(bounded)
    return Liveness(1 / (1 + math.exp(-odds)), parts)


def embed_face(frame: Frame, face: Detection, embedders: Sequence[Embedder]) -> tuple[Embedding, ...]:
    """Ask every embedder about one face."""
    crops = _identity_crops(frame, face, _wanted(embedders))
    return tuple(
        embedding
        for embedder in embedders
        for embedding in embedder.embed([crops[embedder.layout, embedder.crop_px]])
    )


def _wanted(embedders: Sequence[Embedder]) -> set[tuple[IdentityLayout, int]]:
    return {(embedder.layout, embedder.crop_px) for embedder in embedders}


def _identity_crops(
    frame: Frame, face: Detection, wanted: set[tuple[IdentityLayout, int]]
) -> dict[tuple[IdentityLayout, int], Crop]:
    return {
        (layout, side): identity_crop(frame, face, crop_px=side, layout=layout) for layout, side in wanted
    }
