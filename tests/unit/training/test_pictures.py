import numpy as np
import pytest

from tests.unit.training.faces import all_cells, crop_set, crops, looks_of
from training.data.attacks import bands, halftone, moire, photo_print, screen, simulate
from training.data.augment import _tighten, augment
from training.data.crops import CROP_PX, STORED_PX
from training.data.sampling import Epoch, cells


@pytest.mark.parametrize("seed", range(8))
def test_a_simulated_attack_is_a_picture_and_no_longer_the_same(seed: int) -> None:
    (face,) = crops(1, seed)
    before = face.copy()
    attack = simulate(face, np.random.default_rng(seed))
    assert attack.shape == face.shape
    assert attack.dtype == np.uint8
    assert np.abs(attack.astype(int) - face).mean() > 1
    assert np.array_equal(face, before)
    assert np.array_equal(attack, simulate(face, np.random.default_rng(seed)))


@pytest.mark.parametrize("pattern", [moire, halftone, bands])
def test_patterns_keep_to_their_strength(pattern) -> None:  # type: ignore[no-untyped-def]
    for seed in range(5):
        made = pattern(64, np.random.default_rng(seed), strength=0.2)
        assert made.dtype == np.float32
        assert np.abs(made).max() <= 0.2 + 1e-5
        assert np.abs(made).max() > 0.02


@pytest.mark.parametrize("medium", [screen, photo_print])
def test_a_medium_keeps_shape_and_type(medium) -> None:  # type: ignore[no-untyped-def]
    image = np.full((48, 48, 3), 0.5, np.float32)
    made = medium(image, np.random.default_rng(3))
    assert made.shape == image.shape
    assert np.isfinite(made).all()


@pytest.mark.parametrize("seed", range(20))
def test_augmentation_gives_the_networks_crop(seed: int) -> None:
    (face,) = crops(1, seed)
    looked = augment(face, np.random.default_rng(seed))
    assert looked.shape == (CROP_PX, CROP_PX, 3)
    assert looked.dtype == np.uint8
    assert looked.flags.c_contiguous


def test_an_epoch_is_balanced_and_repeatable() -> None:
    source = all_cells(crop_set("small", 300, 1), crop_set("large", 700, 2))
    epoch = Epoch.draw(source, seed=5, number=0, length=400)
    again = Epoch.draw(source, seed=5, number=0, length=400)
    other = Epoch.draw(source, seed=5, number=1, length=400)
    names = np.array([source[cell].looks.name for cell in epoch.cell])
    batch = epoch.batch(0, 400)
    assert (names == "small").sum() == 200
    assert batch.live.sum() == 200
    assert batch.pixels.shape == (400, CROP_PX, CROP_PX, 3)
    assert np.array_equal(epoch.rows, again.rows)
    assert not np.array_equal(epoch.rows, other.rows)
    assert np.array_equal(epoch.batch(8, 4).pixels, again.batch(8, 4).pixels)


def test_a_handful_of_pictures_is_not_learned_by_heart() -> None:
    source = all_cells(crop_set("tiny", 30, 1), crop_set("large", 600, 2))
    epoch = Epoch.draw(source, seed=5, number=0, length=1000)
    names = np.array([source[cell].looks.name for cell in epoch.cell])
    assert 60 < (names == "tiny").sum() < 120


def test_what_may_not_be_trained_on_is_not_drawn() -> None:
    crops = crop_set("s", 40, 1)
    keep = np.arange(40) < 10
    (live, spoof) = cells(looks_of(crops), keep)
    assert set(live.looks.picture[live.rows]) | set(spoof.looks.picture[spoof.rows]) == set(range(10))


@pytest.mark.parametrize("seed", range(5))
def test_a_close_cut_has_a_mirrored_rim(seed: int) -> None:
    (face,) = crops(1, seed)
    tight = _tighten(face, np.random.default_rng(seed))
    assert tight.shape == face.shape
    middle = slice(STORED_PX // 3, 2 * STORED_PX // 3)
    assert np.array_equal(tight[middle, middle], face[middle, middle])
    assert not np.array_equal(tight, face)
