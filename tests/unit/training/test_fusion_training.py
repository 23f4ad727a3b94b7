import json
from pathlib import Path

import numpy as np
import pytest

from facekey.core.liveness import PartWeight
from facekey.vision.liveness.parallax import Parallax
from facekey.zoo.fusion import read_fusion
from tests.unit.training.test_sequences import recording
from training.data.parts import FRAMES, PARALLAX, TEMPORAL, WINDOW_S, Parts, windows_of
from training.evaluate.attack_rates import Platt
from training.train_liveness_fusion import (
    ORDER,
    Row,
    balanced,
    calibrate_parallax,
    document_of,
    fit,
    rows_of,
)


def window(
    live: bool, *, drawn: bool = False, source: str = "a", group: str = "g", frames: float | None = 0.5
) -> Parts:
    """A window whose movement and parallax are right."""
    seen = Parallax(0.5 if live else -0.4, 1.0, 12)
    word = 0.9 if live else 0.1
    return Parts(group, source, live, "", drawn, None if drawn else frames, word, seen)


def row(live: bool, frames: float, temporal: float | None) -> Row:
    return Row("g", "a", "filmed", live, {FRAMES: frames, TEMPORAL: temporal, PARALLAX: None}, 1.0)


def test_weights_stay_within_what_the_score_promises() -> None:
    # Movement that lies: what it calls live is mostly an attack. It must end up with no say.
    rng = np.random.default_rng(0)
    rows = [
        row(live, rng.uniform(0.5, 0.95) if live else rng.uniform(0.05, 0.5), 0.1 if live else 0.9)
        for live in rng.random(300) < 0.5
    ]
    theta = fit(rows)
    weights = {
        name: PartWeight(*theta[3 * place : 3 * place + 3])  # raises where a bound is broken
        for place, name in enumerate(ORDER)
    }
    assert weights[FRAMES].above > 0.5
    assert weights[TEMPORAL].above == 0.0
    assert all(weight.absent <= 0 for weight in weights.values())


def test_a_part_that_tells_more_weighs_more() -> None:
    rng = np.random.default_rng(1)
    rows = []
    for live in rng.random(300) < 0.5:
        weak, strong = rng.uniform(0.4, 0.7), rng.uniform(0.7, 0.95)
        rows.append(row(bool(live), weak if live else 1 - weak, strong if live else 1 - strong))
    theta = fit(rows)
    assert theta[3] + theta[4] > theta[0] + theta[1]


def test_labels_weigh_alike_and_sources_within_them() -> None:
    rows = [row(True, 0.9, None)] * 9 + [row(False, 0.1, None)]
    rows += [Row("g", "b", "filmed", False, {FRAMES: 0.1, TEMPORAL: None, PARALLAX: None}, 1.0)] * 4
    weighted = balanced(rows)
    of = {live: [one.weight for one in weighted if one.live == live] for live in (True, False)}
    assert sum(of[True]) == pytest.approx(sum(of[False]))
    assert of[False][0] == pytest.approx(4 * of[False][1])


def test_drawn_windows_borrow_the_frames_of_their_own_group_and_label() -> None:
    found = [
        window(True, frames=0.8, group="g"),
        window(False, frames=0.2, group="g"),
        window(True, frames=0.99, group="h"),
        window(True, drawn=True, source="photo-1", group="g"),
        window(False, drawn=True, source="photo-1", group="g"),
    ]
    rows = rows_of(found, Platt(5.0, 0.0), np.random.default_rng(0))
    drawn = [one for one in rows if one.kind == "drawn"]
    assert {one.said[FRAMES] for one in drawn if one.live} == {0.8}
    assert {one.said[FRAMES] for one in drawn if not one.live} == {0.2}
    assert all((one.said[PARALLAX] or 0.0) > 0.5 for one in drawn if one.live)


def test_parallax_is_calibrated_on_people_against_moved_pictures() -> None:
    found = [window(True) for _ in range(8)] + [window(True, drawn=True) for _ in range(8)]
    found += [window(False, drawn=True) for _ in range(8)]
    platt = calibrate_parallax(found)
    low, high = platt.probability(np.array([-0.4, 0.5], np.float32))
    assert low < 0.1
    assert high > 0.9


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    rows = [row(live, 0.9 if live else 0.1, None) for live in (True, False) * 20]
    document = document_of(fit(rows), Platt(5.0, -0.1), 0.3, rows, least=0.35)
    path = tmp_path / "fusion.json"
    path.write_text(json.dumps(document))
    file = read_fusion(path)
    assert file.fusion.threshold == pytest.approx(1 / (1 + np.exp(-0.3)), abs=1e-4)
    assert file.parallax_intercept == -0.1


def test_windows_cover_a_recording_without_more_than_enough() -> None:
    made = recording(80)
    cut = windows_of(made)
    assert all(made.at_s[places[-1]] - made.at_s[places[0]] <= WINDOW_S for places in cut)
    assert cut[0][0] == 0
    assert made.at_s[cut[-1][-1]] > 7.0
    assert windows_of(recording(5)) == []
