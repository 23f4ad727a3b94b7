"""From the file that training wrote to what fuses recognition networks."""

from dataclasses import dataclass
from pathlib import Path

from facekey.core.fused_embedding import EmbeddingFusion
from facekey.core.fusion import FusionRule
from facekey.core.population import JointPopulation
from facekey.core.types import ModelId
from facekey.vision.embed.fused import FusedEmbedder
from facekey.zoo.cores import MAX_THREADS
from facekey.zoo.face_fusion import FusedEmbeddings, FusionKind, read_face_fusion
from facekey.zoo.onnx import OnnxSession


@dataclass(frozen=True, slots=True)
class Fusion:
    """What is known of several networks together.

    Attributes:
        rules: one for each set of them that a fusion was trained for.
        together: how people are spread; None unless it was measured for exactly these.
    """

    rules: tuple[FusionRule, ...] = ()
    together: JointPopulation | None = None


def open_fusion(
    models: frozenset[ModelId],
    *,
    kind: FusionKind | None = None,
    path: Path | None = None,
    threads: int = MAX_THREADS,
) -> Fusion:
    """Read what was trained for some of these networks.

    Args:
        models: the networks in use.
        kind: which of the two; None for the one that was better when they were trained.
        path: another file than the one that comes with FaceKey.
        threads: for one run, at most.

    Raises:
        ModelError: the file, or the network beside it, is not what it should be.
        HashMismatch: the network beside it is another.
    """
    if len(models) < 2:
        return Fusion()
    file = read_face_fusion(path)
    together = file.together if file.together.sizes.keys() == models else None
    if (file.kind if kind is None else kind) == "scores":
        return Fusion(tuple(rule for rule in file.scores if rule.networks <= models), together)
    return Fusion(_embeddings(file.embeddings, models, threads), together)


def _embeddings(known: FusedEmbeddings, models: frozenset[ModelId], threads: int) -> tuple[FusionRule, ...]:
    wanted = {some: line for some, line in known.calibrations.items() if some <= models}
    if not wanted:
        return ()
    fuser = FusedEmbedder(OnnxSession(known.content, model_id=known.model, threads=threads), known.inputs)
    return tuple(EmbeddingFusion(fuser, networks, line) for networks, line in wanted.items())
