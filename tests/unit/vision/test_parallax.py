import numpy as np
import pytest

from facekey.core.errors import ModelError
from facekey.core.types import FacePatch, Glimpse
from facekey.vision.liveness.parallax import MIN_SHIFT_PX, ParallaxLiveness, measure, views_of
from tests.unit.vision.moving import SIDE, glimpse, head, skin, tilted_sheet, turned_head

MADE = ParallaxLiveness(slope=8.0, intercept=-0.5)


def noisy(patch: FacePatch, seed: int) -> FacePatch:
    grain = np.random.default_rng(seed).normal(0, 1.5, patch.pixels.shape)
    return FacePatch(np.clip(patch.pixels + grain, 0, 255).astype(np.uint8), patch.to_frame)


def turning_head(number: int) -> FacePatch:
    return noisy(turned_head(skin(), 0.12 * np.sin(number / 5)), number)


def tilting_sheet(number: int) -> FacePatch:
    return noisy(tilted_sheet(skin(), 0.08 * np.sin(number / 5)), number)


def watched(patch_at, frames: int = 31) -> list[Glimpse]:  # type: ignore[no-untyped-def]
    return [glimpse(number / 10, patch=patch_at(number)) for number in range(frames)]


@pytest.fixture(scope="module")
def person() -> list[Glimpse]:
    return watched(turning_head)


@pytest.fixture(scope="module")
def photo() -> list[Glimpse]:
    return watched(tilting_sheet)


def test_a_head_takes_depth_and_a_sheet_does_not(person: list[Glimpse], photo: list[Glimpse]) -> None:
    solid, flat = measure(views_of(person)), measure(views_of(photo))
    assert solid is not None
    assert flat is not None
    assert solid.depth_gain > 0.3
    assert flat.depth_gain < -0.3
    assert solid.shift_px > MIN_SHIFT_PX


def test_scores_are_calibrated_gains(person: list[Glimpse], photo: list[Glimpse]) -> None:
    live, attack = MADE.score(person), MADE.score(photo)
    assert live is not None
    assert attack is not None
    assert live > 0.8
    assert attack < 0.1


def test_a_patch_anywhere_in_the_frame_and_of_any_scale_says_the_same(person: list[Glimpse]) -> None:
    away = np.array([[2.5, 0, 300], [0, 2.5, 40]], np.float32)
    moved = [
        glimpse(
            one.at_s,
            points=(head() * 2.5 + (300, 40, 0)).astype(np.float32),
            patch=FacePatch(one.patch.pixels, away),
        )
        for one in person
        if one.patch is not None
    ]
    here, there = measure(views_of(person)), measure(views_of(moved))
    assert here is not None
    assert there is not None
    assert there.depth_gain == pytest.approx(here.depth_gain, abs=0.05)


def test_a_still_picture_says_nothing() -> None:
    assert MADE.score(watched(lambda number: noisy(turned_head(skin(), 0.0), 0))) is None


def test_frames_that_share_no_texture_say_nothing() -> None:
    assert MADE.score(watched(lambda number: turned_head(skin(number), 0.0))) is None


def test_a_face_without_texture_says_nothing() -> None:
    blank = FacePatch(np.full((SIDE, SIDE), 90, np.uint8), np.eye(2, 3, dtype=np.float32))
    assert MADE.score(watched(lambda _: blank)) is None


def test_frames_without_patches_say_nothing() -> None:
    assert MADE.score([glimpse(number / 10) for number in range(30)]) is None
    assert MADE.score([]) is None


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 0.0), (-1.0, 0.0), (np.nan, 0.0), (1.0, np.inf)])
def test_a_calibration_that_is_none_is_refused(slope: float, intercept: float) -> None:
    with pytest.raises(ModelError):
        ParallaxLiveness(slope=slope, intercept=intercept)
