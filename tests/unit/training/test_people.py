import numpy as np

from tests.unit.training.faces import crop_set
from training.data.crops import CropSet
from training.data.people import strangers


def with_identity(name: str, vectors: np.ndarray) -> CropSet:
    crops = crop_set(name, len(vectors), 1)
    return CropSet(name, crops.pixels, crops.live, crops.paths, vectors.astype(np.float32), 0)


def turned(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0])


def test_everybody_stays_where_nobody_is_judged() -> None:
    assert strangers(crop_set("s", 10, 1), []).all()


def test_people_of_other_sets_are_strangers() -> None:
    assert strangers(crop_set("s", 40, 1), [crop_set("t", 40, 2)]).all()


def test_who_is_judged_leaves_with_the_frames_that_only_resemble_their_own() -> None:
    judged = with_identity("judged", np.array([turned(0)]))
    # The second frame is too far from the judged one, but near the first; the third is neither.
    crops = with_identity("s", np.array([turned(40), turned(80), [0.0, 0.0, 1.0]]))
    assert strangers(crops, [judged]).tolist() == [False, False, True]
