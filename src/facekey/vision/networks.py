"""Networks: what those that cost most say of one face, side by side where cores are spare."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from facekey.core.ports.vision import Embedder, LivenessNetwork
from facekey.core.types import Crop, Detection, Embedding, Frame, Liveness, ModelId
from facekey.vision.align import context_crop, identity_crop
from facekey.vision.spare_cores import SpareCores

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


def ask_all(
    frame: Frame,
    face: Detection,
    crop: Crop,
    *,
    liveness: Sequence[LivenessNetwork],
    embedders: Sequence[Embedder],
    cores: SpareCores,
) -> Asked:
    """Ask every network about one face.

    Args:
        frame: where the face is.
        face: found there.
        crop: of its identity; others are cut as networks want them.
        liveness: at least one.
        embedders: any number.
        cores: where they run.

    Raises:
        ModelOutputInvalid: a network gave something that can't be right.
    """
    around = {side: context_crop(frame, face, crop_px=side) for side in {one.crop_px for one in liveness}}
    cut = _identity_crops(frame, face, embedders, known=crop)
    scores: dict[ModelId, float] = {}
    embedded: dict[ModelId, list[Embedding]] = {}
    taken: dict[ModelId, float] = {}

    def score(network: LivenessNetwork) -> None:
        began = time.perf_counter()
        (scores[network.model_id],) = network.score([around[network.crop_px]])
        taken[network.model_id] = time.perf_counter() - began

    def embed(embedder: Embedder) -> None:
        began = time.perf_counter()
        embedded[embedder.model_id] = embedder.embed([cut[embedder.layout, embedder.crop_px]])
        taken[embedder.model_id] = time.perf_counter() - began

    tasks: list[Callable[[], None]] = [
        *(partial(embed, embedder) for embedder in embedders),
        *(partial(score, network) for network in liveness),
    ]
    cores.do_all(tasks)
    return Asked(
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
    crops = _identity_crops(frame, face, embedders)
    return tuple(
        embedding
        for embedder in embedders
        for embedding in embedder.embed([crops[embedder.layout, embedder.crop_px]])
    )


def _identity_crops(
    frame: Frame, face: Detection, embedders: Sequence[Embedder], *, known: Crop | None = None
) -> dict[tuple[str, int], Crop]:
    """By layout and side, each cut once."""
    crops: dict[tuple[str, int], Crop] = {}
    if known is not None:
        crops[known.layout, known.pixels.shape[0]] = known
    for embedder in embedders:
        side, layout = embedder.crop_px, embedder.layout
        if (layout, side) not in crops:
            crops[layout, side] = identity_crop(frame, face, crop_px=side, layout=layout)
    return crops
