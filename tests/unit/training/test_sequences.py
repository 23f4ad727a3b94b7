import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facekey.core.types import Box, Detection, FaceMesh, Frame, Lids, ModelId
from facekey.vision.liveness.motion import FEATURES
from facekey.vision.liveness.parallax import View, measure
from tests.unit.vision.moving import SIDE, head, skin
from training.data.mimic import blinks, with_blinks, with_mimic
from training.data.recording import Recording, record
from training.data.rendered import FRAME_PX, Still, moved_picture, person
from training.data.runs import as_text, find_runs
from training.data.sequences import doubtful_cnn, windows


class Middle:
    """A detector, mesh and eyes that always see one face in the middle, with a little noise."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(5)

    def detect(self, frame: Frame) -> list[Detection]:
        """One face; none in a black frame."""
        if not frame.pixels.any():
            return []
        height, width = frame.size
        box = Box(0.2 * width, 0.1 * height, 0.8 * width, 0.9 * height)
        points = np.array([[0.38, 0.4], [0.62, 0.4], [0.5, 0.55], [0.4, 0.7], [0.6, 0.7]], np.float32)
        return [Detection(box, points * (width, height), 0.99, ModelId("middle"))]

    def mesh(self, frame: Frame, detection: Detection) -> FaceMesh:
        """The made-up head, jittering."""
        scale = frame.size[0] / SIDE
        jitter = self._rng.normal(0, 0.3, (468, 3))
        return FaceMesh((head() * scale + jitter).astype(np.float32), 1.0)

    def lids(self, frame: Frame, mesh: FaceMesh) -> Lids:
        """Open eyes."""
        return Lids(0.25, 0.25)


def recording(frames: int = 40, *, live: bool = True, name: str = "clip") -> Recording:
    seen = Middle()
    pictures = ((n / 10, Frame(np.full((64, 64, 3), 90, np.uint8))) for n in range(frames))
    attack = "" if live else "shaken" if name.startswith("drawn") else "recaptured"
    return record(
        pictures,
        source="made",
        name=name,
        live=live,
        attack=attack,
        detector=seen,
        landmarker=seen,
        eyes=seen,
    )


def test_numbers_sorted_as_text_are_put_back_into_order() -> None:
    listing = sorted(range(23), key=str)
    assert [listing[place] for place in as_text(23)] == list(range(23))


def test_runs_are_found_in_their_true_order() -> None:
    # Two clips in which the picture drifts slowly, listed as text.
    rng = np.random.default_rng(0)
    clips = []
    for _ in range(2):
        at, drift = rng.normal(0, 1, 256), rng.normal(0, 1, 256)
        clips += [at + 0.08 * step * drift for step in range(30)]
    thumbs = np.array([row / np.linalg.norm(row) for row in clips])
    listed = thumbs[sorted(range(60), key=str)]
    runs = find_runs(listed)
    assert [len(run) for run in runs] == [30, 30]
    np.testing.assert_array_equal(np.concatenate([listed[run] for run in runs]), thumbs)


def test_pictures_of_different_things_are_no_run() -> None:
    thumbs = np.random.default_rng(0).normal(0, 1, (40, 256))
    assert find_runs(thumbs / np.linalg.norm(thumbs, axis=1, keepdims=True)) == []


def test_a_recording_leaves_out_frames_without_a_face_and_survives_the_disk(tmp_path: Path) -> None:
    seen = Middle()
    black, grey = Frame(np.zeros((64, 64, 3), np.uint8)), Frame(np.full((64, 64, 3), 90, np.uint8))
    made = record(
        [(0.0, grey), (0.1, black), (0.2, grey)],
        source="a",
        name="b",
        live=False,
        attack="bent",
        detector=seen,
        landmarker=seen,
        eyes=seen,
    )
    assert list(made.index) == [0, 2]
    made.save(tmp_path / "deep" / "one.npz")
    again = Recording.load(tmp_path / "deep" / "one.npz")
    for field in dataclasses.fields(Recording):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(made, field.name))
    assert again.detection(1).box.width == pytest.approx(0.6 * 64)


def test_frames_without_any_face_are_no_recording() -> None:
    seen = Middle()
    black = [(0.0, Frame(np.zeros((64, 64, 3), np.uint8)))]
    with pytest.raises(ValueError, match="no frame shows a face"):
        record(black, source="a", name="b", live=True, detector=seen, landmarker=seen, eyes=seen)


def test_windows_are_seeded_and_have_the_network_s_columns() -> None:
    made = [recording(), recording(live=False, name="run00"), recording(name="drawn-quiet-0")]
    cut, again = windows(made, of_each=4, seed=3), windows(made, of_each=4, seed=3)
    assert len(cut) == 12
    assert all(window.rows.shape[1] == len(FEATURES) for window in cut)
    assert all(np.array_equal(a.rows, b.rows) for a, b in zip(cut, again, strict=True))
    assert not np.array_equal(cut[0].rows[:8], windows(made, of_each=4, seed=4)[0].rows[:8])
    assert {window.drawn for window in cut if window.source == "made"} == {True, False}
    # What the liveness network would say is left for training to make up.
    assert not any(window.rows[:, -1].any() for window in cut)


def test_the_made_up_liveness_network_leans_to_the_truth_and_is_often_wrong() -> None:
    rng = np.random.default_rng(0)
    means = {
        live: np.array([doubtful_cnn(live, 20, rng).mean() for _ in range(400)]) for live in (True, False)
    }
    assert means[True].mean() > 0.1 > -0.1 > means[False].mean()
    assert 0.15 < (means[True] < 0).mean() < 0.5
    assert (means[True] == 0).mean() > 0.15


def test_blinks_are_short_and_mimic_leaves_the_forehead_alone() -> None:
    at_s, rng = np.arange(0, 30, 0.02), np.random.default_rng(1)
    shut = blinks(at_s, rng, per_s=0.5)
    assert 5 < ((shut[1:] > 0.5) & (shut[:-1] <= 0.5)).sum() < 30
    assert (shut > 0.5).mean() < 0.2
    lids = with_blinks(np.full((len(at_s), 2), 0.25, np.float32), at_s, rng)
    assert lids.min() < 0.2
    assert np.median(lids) > 0.24
    face = np.repeat(head()[None], len(at_s), axis=0)
    made = with_mimic(face, at_s, np.random.default_rng(2))
    assert np.abs(made[:, 10] - face[:, 10]).max() < 2.0
    assert np.abs(made - face).max() > 2.0


@pytest.fixture(scope="module")
def still() -> Still:
    """A textured square with the made-up head's mesh, as if it were a photo."""
    pixels = cv2.resize(skin(), (FRAME_PX, FRAME_PX), interpolation=cv2.INTER_CUBIC)
    mesh = (head() * (FRAME_PX / SIDE)).astype(np.float32)
    return Still(np.repeat(pixels[..., None], 3, axis=2).astype(np.uint8), mesh)


def drawn_views(still: Still, frames: list[Frame], times: NDArray[np.float64]) -> list[View]:
    small = SIDE / FRAME_PX
    mesh = (still.mesh * small).astype(np.float64)
    return [
        View(float(at_s), cv2.resize(frame.pixels[..., 0], (SIDE, SIDE)).astype(np.uint8), mesh)
        for at_s, frame in zip(times, frames, strict=True)
    ]


def test_a_drawn_sheet_is_flat_and_a_drawn_person_is_not(still: Still) -> None:
    times = np.arange(30) / 10
    sheet = list(moved_picture(still, "tilted", times, np.random.default_rng(3)))
    alive = list(person(still, "turning", times, np.random.default_rng(3)))
    flat = measure(drawn_views(still, sheet, times))
    solid = measure(drawn_views(still, alive, times))
    assert flat is not None
    assert solid is not None
    assert flat.depth_gain < 0 < solid.depth_gain
    assert all(frame.pixels.shape == (FRAME_PX, FRAME_PX, 3) for frame in (*sheet, *alive))


def test_a_still_picture_moves_by_noise_only(still: Still) -> None:
    times = np.arange(6) / 10
    rng = np.random.default_rng(1)
    frames = [frame.pixels.astype(float) for frame in moved_picture(still, "still", times, rng)]
    assert 0 < np.abs(frames[0] - frames[5]).mean() < 25
