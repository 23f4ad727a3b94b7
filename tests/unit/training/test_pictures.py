import numpy as np
import pytest

from tests.unit.training.faces import crop_set, crops
from training.data.attacks import bands, halftone, moire, photo_print, screen, simulate
from training.data.augment import augment
from training.data.crops import CROP_PX, STORED_PX
from training.data.sampling import Epoch, pool


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
    small, large = crop_set("small", 8, 1), crop_set("large", 80, 2)
    source = pool([small, large], [])
    epoch = Epoch.draw(source, seed=5, number=0, length=400)
    again = Epoch.draw(source, seed=5, number=0, length=400)
    other = Epoch.draw(source, seed=5, number=1, length=400)
    assert (epoch.rows < 8).sum() == 200
    assert source.live[epoch.rows].sum() == 200
    assert np.array_equal(epoch.rows, again.rows)
    assert not np.array_equal(epoch.rows, other.rows)
    assert np.array_equal(epoch[7][0], again[7][0])
    with pytest.raises(IndexError):
        epoch[400]


def test_a_source_without_attacks_gives_no_label_away() -> None:
    people = crop_set("people", 20, 3)
    people = people.only(people.live)
    source = pool([crop_set("pad", 20, 4)], [people])
    epoch = Epoch.draw(source, seed=1, number=0, length=600)
    labels = np.array([epoch[place][1] for place in np.flatnonzero(epoch.rows >= 20)[:200]])
    assert 0.35 < labels.mean() < 0.65
    assert source.pixels.shape[1] == STORED_PX
