"""The file that says how recognition networks are fused, and what is refused of it."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facekey.core.errors import HashMismatch, ModelError
from facekey.core.fused_embedding import EmbeddingFusion
from facekey.core.fusion import ScoreFusion
from facekey.core.population import Population
from facekey.core.types import ModelId
from facekey.wiring.fusion import open_fusion
from facekey.zoo.convert.graph import Graph
from facekey.zoo.face_fusion import read_face_fusion
from facekey.zoo.zoo import Zoo

A, B, C = ModelId("a:0"), ModelId("b:0"), ModelId("c:0")
SIZES = {A: 3, B: 2}
BORN = {"data": "d", "protocol": "p", "comparisons": 1, "date": "2026-01-01", "commit": "c"}
KNOTS = [[0.1, 1.0], [0.5, 3.0]]


def network() -> bytes:
    """Adapters into 512 dimensions and nothing else."""
    graph = Graph("made")
    parts = [
        graph.node("MatMul", f"network{place}", graph.weight(np.eye(size, 512, place, dtype=np.float32)))
        for place, size in enumerate(SIZES.values())
    ]
    graph.node("LpNormalization", graph.node("Sum", *parts), output="fused", axis=1, p=2)
    inputs = {f"network{place}": ("batch", size) for place, size in enumerate(SIZES.values())}
    return graph.model(inputs=inputs, outputs={"fused": ("batch", 512)}).SerializeToString()


def written(folder: Path, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Path:
    content = network()
    values: dict[str, Any] = {
        "format": 1,
        "kind": "scores",
        "population": "p.npy",
        "scores": [
            {
                "shares": {A: {"weight": 0.6, "spread": 0.2}, B: {"weight": 0.4, "spread": 0.0}},
                "knots": KNOTS,
                "born": dict(BORN),
            }
        ],
        "embedding": {
            "file": "n.onnx",
            "sha256": hashlib.sha256(content).hexdigest(),
            "inputs": dict(SIZES),
            "subsets": [{"networks": [A, B], "knots": KNOTS, "born": dict(BORN)}],
        },
    }
    change(values)
    np.save(folder / "p.npy", np.eye(6, 5, dtype=np.float16))
    (folder / "n.onnx").write_bytes(content)
    (folder / "fusion.json").write_text(json.dumps(values))
    return folder / "fusion.json"


def populations(*models: ModelId) -> dict[ModelId, Population]:
    sizes = {**SIZES, C: 4}
    return {
        model: Population(np.zeros(sizes[model], np.float32), np.eye(sizes[model], dtype=np.float32))
        for model in models
    }


def test_rules_are_for_the_networks_in_use(tmp_path: Path) -> None:
    path = written(tmp_path)
    both = open_fusion(populations(A, B), path=path)
    assert [type(rule) for rule in both.rules] == [ScoreFusion]
    assert both.rules[0].networks == {A, B}
    assert both.together is not None
    assert open_fusion(populations(A, B, C), path=path).together is None
    assert len(open_fusion(populations(A, B, C), path=path).rules) == 1
    assert open_fusion(populations(A, C), path=path).rules == ()
    assert open_fusion(populations(A, C), path=path, kind="embedding").rules == ()
    assert open_fusion(populations(A), path=path).rules == ()
    (other,) = open_fusion(populations(A, B), path=path, kind="embedding").rules
    assert isinstance(other, EmbeddingFusion)
    unit = {A: np.array([0.6, 0.8, 0.0], np.float32), B: np.array([0.0, 1.0], np.float32)}
    assert other.evidence(unit, unit) == pytest.approx(5.5)  # the last slope goes on to cosine 1
    with pytest.raises(ValueError, match="fused embeddings are of"):
        other.fuser.fuse({C: np.ones((1, 4), np.float32)})


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.update(format=2),
        lambda values: values.update(kind="votes"),
        lambda values: values.update(surplus=1),
        lambda values: values.pop("population"),
        lambda values: values.update(population="../p.npy"),
        lambda values: values.update(population="n.onnx"),
        lambda values: values["scores"][0]["shares"][A].update(weight=-1.0),
        lambda values: values["scores"][0].update(surplus=1),
        lambda values: values["scores"][0]["born"].pop("commit"),
        lambda values: values["scores"][0].update(knots=[[0.5, 1.0], [0.1, 3.0]]),
        lambda values: values["embedding"].update(file="../n.onnx"),
        lambda values: values["embedding"].update(surplus=1),
        lambda values: values["embedding"]["inputs"].update({A: 7}),
        lambda values: values.update(embedding=[]),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ModelError):
        read_face_fusion(written(tmp_path, change))


def test_another_network_or_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "n.onnx").write_bytes(network() + b"x")
    with pytest.raises(HashMismatch):
        read_face_fusion(path)
    path.write_text("[")
    with pytest.raises(ModelError, match=r"fusion\.json"):
        read_face_fusion(path)


def test_what_ships_is_for_the_default_networks(zoo: Zoo) -> None:
    shipped = read_face_fusion()
    default = [card for card in zoo.cards.values() if card.pack == "default" and card.task == "embed"]
    assert set(shipped.together.sizes) == {card.model_id for card in default}
    assert {frozenset(scores.shares) for scores in shipped.scores} == set(shipped.embeddings.calibrations)
    assert all(scores.calibration.born.comparisons > 10**6 for scores in shipped.scores)
