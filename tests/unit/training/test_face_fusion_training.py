"""Training a fusion of recognition networks, on made-up people."""

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no torch here: run `make training-env` for the training tests")

from facekey.core.errors import ModelError, ModelUnavailable, RequestInvalid  # noqa: E402 - after torch
from facekey.core.types import ModelId  # noqa: E402
from facekey.vision.embed.fused import FusedEmbedder  # noqa: E402
from facekey.wiring.vision import open_detector  # noqa: E402
from facekey.zoo.onnx import OnnxSession  # noqa: E402
from facekey.zoo.zoo import Zoo  # noqa: E402
from tests.unit.training.made_people import BLURRED, DEAF, FOLDS, SHARP, SIZES, listed, people  # noqa: E402
from training import fit_embedding, fit_scores, judge_fusion, train_fusion  # noqa: E402
from training.data.embedded import embed  # noqa: E402
from training.embedders import open_networks  # noqa: E402
from training.export_fusion import export  # noqa: E402
from training.fusion_report import Row, write_report  # noqa: E402
from training.install_fusion import better, install  # noqa: E402
from training.models.fusion import FusionNetwork  # noqa: E402
from training.train_fusion import NO_FOLD, Ways, subsets  # noqa: E402

torch.set_num_threads(1)

NETWORKS = (SHARP, BLURRED)
ARGS = argparse.Namespace(epochs=2, lr=1e-3, seed=0)


@pytest.fixture(autouse=True)
def few_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few people can show no rates as low as LFW can."""
    monkeypatch.setattr(judge_fusion, "RATES", (0.1, 0.01))
    monkeypatch.setattr(judge_fusion, "FOLD_FMR", 0.05)
    monkeypatch.setattr(judge_fusion, "UNEVEN_FMR", 0.05)
    monkeypatch.setattr(fit_embedding, "JUDGED_FMR", 0.05)
    monkeypatch.setattr(train_fusion, "LINE_FMR", 0.01)


def test_who_says_more_counts_for_more_and_nobody_counts_against() -> None:
    given = people(SHARP, BLURRED, DEAF)
    folds = judge_fusion.cut(given, listed(given))
    everybody = np.arange(len(given.names))
    marks = fit_scores.spreads_of(given.straight, given.people, everybody)
    fitted = fit_scores.fit((SHARP, BLURRED, DEAF), given.straight, folds.pairs_of_others(0), marks)
    assert sum(fitted.weights.values()) == pytest.approx(1.0, abs=1e-3)
    assert fitted.weights[SHARP] > fitted.weights[BLURRED] > fitted.weights[DEAF] > 0
    assert all(mark >= 0 for mark in fitted.marks.values())


def test_folds_share_nobody() -> None:
    given = people(*NETWORKS)
    folds = judge_fusion.cut(given, listed(given))
    for fold in range(FOLDS):
        others = set(given.people[folds.others(fold)].tolist())
        own = set(given.people[folds.of == fold].tolist())
        assert own
        assert not own & others
        assert {int(folds.of[row]) for row in folds.within[fold].left} == {fold}
    assert len(folds.others(NO_FOLD)) == len(given.names)


def test_two_networks_together_are_better_than_one() -> None:
    given = people(*NETWORKS)
    folds = judge_fusion.cut(given, listed(given))
    ways = Ways(given, folds, NETWORKS, ARGS)
    aspects = {"length": given.lengths[SHARP]}

    def missed(way: judge_fusion.Judge) -> float:
        return judge_fusion.judge(way, given, folds, aspects)[0].fnmr["0.01"].value

    alone = min(missed(ways.alone(model)) for model in NETWORKS)
    assert missed(ways.scores(NETWORKS)) < alone
    assert missed(ways.embedding(NETWORKS)) < alone
    assert missed(ways.with_lengths(NETWORKS)) < alone
    assert missed(ways.less_spreads(NETWORKS)) < alone


def test_the_adapters_begin_as_the_score_fusion() -> None:
    given = people(*NETWORKS)
    rows = np.arange(len(given.names))
    adapters = fit_embedding.adapters_of(NETWORKS, (0.7, 0.3), given, rows)
    fusion = FusionNetwork(adapters).eval()
    fused = fit_embedding.fused(fusion, NETWORKS, NETWORKS, given)
    pairs = fit_scores.all_pairs(rows[:40], given.people)
    wanted = 0.7 * pairs.cosines(given.straight[SHARP]) + 0.3 * pairs.cosines(given.straight[BLURRED])
    np.testing.assert_allclose(pairs.cosines(fused), wanted, atol=1e-5)


@pytest.mark.parametrize("heard", [NETWORKS, (SHARP,), (BLURRED,)], ids=["both", "sharp", "blurred"])
def test_the_exported_network_says_the_same(heard: tuple[ModelId, ...]) -> None:
    given = people(*NETWORKS)
    folds = judge_fusion.cut(given, listed(given))
    fusion = Ways(given, folds, NETWORKS, ARGS).fusion(NO_FOLD)
    session = OnnxSession(export(fusion, list(SIZES.values())[:2]), model_id=ModelId("fusion:test"))
    served = FusedEmbedder(session, [(model, SIZES[model]) for model in NETWORKS])
    wanted = fit_embedding.fused(fusion, NETWORKS, heard, given)
    found = served.fuse({model: given.straight[model] for model in heard})
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_report_names_what_does_not_ship(tmp_path: Path) -> None:
    given = people(*NETWORKS)
    folds = judge_fusion.cut(given, listed(given))
    ways = Ways(given, folds, NETWORKS, ARGS)
    rows = []
    for kind, ships in (("scores", True), ("embedding", True), ("scores, with lengths", False)):
        way = {"scores": ways.scores, "embedding": ways.embedding}.get(kind, ways.with_lengths)
        verdict, compared = judge_fusion.judge(way(NETWORKS), given, folds, {"length": given.lengths[SHARP]})
        rows.append(Row(kind, ("sharp", "blurred"), ships, verdict, compared))
    write_report(tmp_path, rows, given, folds, settings={"seed": 0})
    written = json.loads((tmp_path / "report.json").read_text())
    assert [way["ships"] for way in written["ways"]] == [True, True, False]
    assert "with lengths (does not ship)" in (tmp_path / "report.md").read_text()
    assert (tmp_path / "det.png").stat().st_size > 10_000


def test_networks_without_cards_are_not_installed(zoo: Zoo, tmp_path: Path) -> None:
    given = people(*NETWORKS)
    folds = judge_fusion.cut(given, listed(given))
    ways = Ways(given, folds, NETWORKS, ARGS)
    with pytest.raises(ModelError, match="no card"):
        install(
            zoo,
            given,
            folds,
            NETWORKS,
            [],
            fusion=ways.fusion(NO_FOLD),
            embeddings={subset: ways.embedding(subset) for subset in subsets(NETWORKS)},
            folder=tmp_path,
        )
    assert not list(tmp_path.iterdir())
    assert callable(better)


@pytest.mark.parametrize("folders", [0, 1])
def test_too_few_people_are_refused(zoo: Zoo, tmp_path: Path, folders: int) -> None:
    for number in range(folders):
        (tmp_path / "set" / f"person{number}").mkdir(parents=True)
        (tmp_path / "set" / f"person{number}" / "1.jpg").write_bytes(b"no picture")
    networks = open_networks(zoo, ["mobilefacenet"], None)
    with pytest.raises(RequestInvalid, match="two people"):
        embed(tmp_path / "set", open_detector(zoo), networks, tmp_path / "kept")


def test_pictures_without_faces_are_no_people(zoo: Zoo, tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / "set" / f"person{number}").mkdir(parents=True)
        (tmp_path / "set" / f"person{number}" / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(RequestInvalid, match="faces of two people"):
        embed(
            tmp_path / "set", open_detector(zoo), open_networks(zoo, ["mobilefacenet"], None), tmp_path / "k"
        )
    assert not list((tmp_path / "k").iterdir())


def test_a_network_that_is_not_there_is_named(zoo: Zoo, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="mobilefacenet_y1"):
        open_networks(zoo, ["mobilefacenet", "mobilefacenet_y1"], tmp_path)
