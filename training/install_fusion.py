"""Writing a trained fusion where the service finds it: `fusion.json` and the network beside it.

What ships is fitted to all people of the set. The score fusion has one number for each
network, so its calibration is counted on all pairs of strangers of the set. The embedding
network has many more, so its calibration comes from the folds: each fold's strangers as the
network of the others scored them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekey.core.calibration import Birth, Calibration
from facekey.core.errors import ModelError
from facekey.core.fusion import ScoreFusion
from facekey.core.types import Floats, ModelId
from facekey.zoo.durable import write_whole
from facekey.zoo.face_fusion import FILE, FORMAT, read_face_fusion
from facekey.zoo.zoo import Zoo, default_cards_dir
from training import fit_scores
from training.calibrate import knots_of, write_population
from training.data.embedded import Embedded
from training.export_fusion import export
from training.fit_scores import PairSet
from training.fusion_report import Row
from training.git import commit
from training.judge_fusion import Folds, Judge
from training.models.fusion import FusionNetwork
from training.progress import say

NETWORK_FILE, POPULATION_FILE = "fusion_embedding.onnx", "fusion-population.npy"
BLOCK_ROWS = 512
DECIDES_AT = "0.0001"  # the false match rate of the default threshold
NOBODY = -1  # as a fold that is left out
PLACEHOLDER = Birth("", "", 0, date.min, "")

Subset = tuple[ModelId, ...]


def install(
    zoo: Zoo,
    given: Embedded,
    folds: Folds,
    networks: Subset,
    rows: Sequence[Row],
    *,
    fusion: FusionNetwork,
    embeddings: Mapping[Subset, Judge],
    folder: Path | None = None,
) -> Path:
    """Write the fusion of some networks.

    Args:
        zoo: has the cards of all of them.
        given: the set.
        folds: of the set.
        networks: all that took part.
        rows: the verdicts; the better kind decides.
        fusion: the embedding network, of all people.
        embeddings: by subset, scores of the folds' networks.
        folder: other than that of the shipped weights.

    Raises:
        ModelError: a network has no card with a calibration, and could never decide.
    """
    for model in networks:
        card = zoo.cards.get(model.partition(":")[0])
        if card is None or card.model_id != model or card.calibration is None:
            raise ModelError(f"{model} has no card with a calibration; run training/calibrate.py first")
    folder = default_cards_dir() / "weights" if folder is None else folder
    content = export(fusion, [given.straight[model].shape[1] for model in networks])
    document = {
        "format": FORMAT,
        "kind": better(rows, networks),
        "scores": [_scores(subset, given, folds) for subset in embeddings],
        "population": POPULATION_FILE,
        "embedding": {
            "file": NETWORK_FILE,
            "sha256": hashlib.sha256(content).hexdigest(),
            "inputs": {model: given.straight[model].shape[1] for model in networks},
            "subsets": [_subset(subset, judge, given, folds) for subset, judge in embeddings.items()],
        },
    }
    joined = np.concatenate([given.straight[model] for model in networks], axis=1)
    write_population(folder / POPULATION_FILE, joined, given.people)
    write_whole(folder / NETWORK_FILE, content)
    write_whole(folder / FILE, json.dumps(document, indent=2).encode() + b"\n")
    read_face_fusion(folder / FILE)  # what the service can't read must not look installed
    say(f"installed: {document['kind']} decide; {folder / FILE}")
    return folder / FILE


def better(rows: Sequence[Row], networks: Subset) -> str:
    """The kind that misses fewer of the rightful, with all networks, where the service decides."""
    missed = {
        row.kind: row.verdict.fnmr[DECIDES_AT].value
        for row in rows
        if row.ships and len(row.networks) == len(networks)
    }
    return "scores" if missed["scores"] <= missed["embedding"] else "embedding"


def _scores(subset: Subset, given: Embedded, folds: Folds) -> dict[str, object]:
    vectors = {model: given.straight[model] for model in subset}
    weights = fit_scores.fit(subset, vectors, folds.pairs_of_others(NOBODY)).weights
    strangers = _stranger_scores(weights, vectors, given.people)
    return {
        "weights": weights,
        "knots": knots_of(strangers),
        "born": _born(given, "all pairs of different people, one picture against one", strangers.size),
    }


def _stranger_scores(
    weights: Mapping[ModelId, float], vectors: Mapping[ModelId, Floats], people: NDArray[np.int64]
) -> Floats:
    # The product's own rule, before its calibration, so that what is counted is what decides.
    rule = ScoreFusion(weights, Calibration(((0.0, 1.0), (1.0, 2.0)), PLACEHOLDER))
    parts = []
    for start in range(0, len(people), BLOCK_ROWS):
        some = slice(start, start + BLOCK_ROWS)
        scores = rule.scores({model: every[some] for model, every in vectors.items()}, vectors)
        row, column = np.indices(scores.shape, sparse=True)
        parts.append(scores[(column > row + start) & (people[some][:, None] != people[None, :])])
    return np.concatenate(parts)


def _subset(subset: Subset, judge: Judge, given: Embedded, folds: Folds) -> dict[str, object]:
    strangers = np.concatenate(
        [judge(fold, PairSet.some(pairs, ~pairs.mated)) for fold, pairs in enumerate(folds.within)]
    )
    protocol = "all pairs of different people within each of ten folds, by a network that never saw them"
    return {
        "networks": list(subset),
        "knots": knots_of(strangers),
        "born": _born(given, protocol, strangers.size),
    }


def _born(given: Embedded, protocol: str, comparisons: int) -> dict[str, object]:
    return {
        "data": f"LFW, the pictures of the standard 6,000 pairs: {len(given.names)} pictures",
        "protocol": f"{protocol}, the face nearest the centre",
        "comparisons": comparisons,
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
    }
