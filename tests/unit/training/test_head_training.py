import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="no torch here: run `make training-env` for the training tests")

from facekey.core.head import CLIP, HeadInput  # noqa: E402 - after the check for torch
from training.head_attempts import mated_pairs  # noqa: E402
from training.models.head import MonotoneHead  # noqa: E402
from training.train_head import Measured, draw, judge, probabilities, side, train  # noqa: E402

torch.set_num_threads(1)  # two threads wait for each other where the machine is busy


def measured(seed: int) -> Measured:
    rng = np.random.default_rng(seed)

    def normal(mean: float, spread: float, count: int):  # type: ignore[no-untyped-def]
        return rng.normal(mean, spread, count).astype(np.float32)

    return Measured(
        mated=normal(8, 2, 200),
        stranger=np.abs(normal(0, 1.5, 200)),
        quality=rng.uniform(0.4, 0.9, 200).astype(np.float32),
        live=(normal(2, 1, 50), normal(3, 2, 500)),
        spoof=(normal(-2, 1, 50), normal(-3, 2, 500)),
    )


@pytest.mark.parametrize("seed", range(5))
def test_more_evidence_never_lowers_the_answer(seed: int) -> None:
    network = MonotoneHead(seed=seed)
    inputs = torch.rand(200, 3) * 2 * CLIP - CLIP
    with torch.no_grad():
        before = network(inputs)
        for column in range(3):
            more = inputs.clone()
            more[:, column] += 1.5
            assert bool((network(more) >= before - 1e-5).all())


def test_the_head_learns_that_both_are_needed() -> None:
    head = train(draw(measured(1), 4000, np.random.default_rng(1)), steps=800, seed=1)
    judged = draw(measured(2), 2000, np.random.default_rng(2))
    figures = judge(probabilities(head, judged), judged)
    assert figures["auc"] > 0.95
    assert head.probability(HeadInput(4, 4, 1)) > 0.8
    assert head.probability(HeadInput(-4, 4, 1)) < 0.2
    assert head.probability(HeadInput(4, -4, 1)) < 0.2
    assert head.probability(HeadInput(-4, -4, 1)) < 0.2


def test_the_mix_is_what_the_docstring_says() -> None:
    attempts = draw(measured(1), 20_000, np.random.default_rng(0))
    assert attempts.wanted.mean() == pytest.approx(0.34, abs=0.02)
    assert np.abs(attempts.inputs[:, :2]).max() <= CLIP


def test_no_person_and_no_set_is_on_both_sides() -> None:
    fold = np.arange(10)
    values: dict[str, NDArray[np.generic]] = {
        "fold": fold,
        "mated_evidence": fold.astype(np.float32),
        "chance_evidence": fold + 100.0,
        "nearest_evidence": fold + 200.0,
        "quality": fold / 10,
        "liveness_set": np.repeat(["a", "b", "c", "d"], 4),
        "liveness": np.arange(16.0),
        "liveness_live": np.tile([True, True, False, False], 4),
    }
    learned, judged = side(values, judged=False), side(values, judged=True)
    for name in ("mated", "stranger", "quality"):
        assert not set(getattr(learned, name)) & set(getattr(judged, name))
    for name in ("live", "spoof"):
        first, second = (set(np.concatenate(getattr(one, name))) for one in (learned, judged))
        assert first
        assert second
        assert not first & second


def test_mated_pairs_skip_the_strangers(tmp_path) -> None:  # type: ignore[no-untyped-def]
    block = "A_B\t1\t4\nC_D\t2\t3\nA_B\t1\tC_D\t2\nE_F\t1\tG_H\t1\n"
    (tmp_path / "pairs.txt").write_text("10\t2\n" + block * 10)
    pairs = mated_pairs(tmp_path / "pairs.txt", 1)
    assert len(pairs) == 10
    assert pairs[3].probe == "A_B/A_B_0001.jpg"
    assert pairs[3].reference == "A_B/A_B_0004.jpg"
    assert [pair.fold for pair in pairs] == list(range(10))
