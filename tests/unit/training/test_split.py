import numpy as np
import pytest

from tests.unit.training.faces import crop_set
from training.data.split import folds, people_kept, person_of


def test_no_set_is_on_both_sides() -> None:
    names = ["a", "b", "c", "d"]
    found = folds(names, hold_out=[["a", "b"]], leave_one_out=True)
    assert [fold.held_out for fold in found] == [{"a", "b"}, {"c"}, {"d"}]
    assert sum(len(fold.held_out) for fold in found) == len(names)


@pytest.mark.parametrize("hold_out", [[["x"]], [["a", "b"]], [["a"], ["a"]]])
def test_impossible_groups_are_refused(hold_out: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="set"):
        folds(["a", "b"], hold_out=hold_out, leave_one_out=False)


def test_a_person_is_on_one_side_only_and_stays_there() -> None:
    crops = crop_set("s", 40, seed=1)
    kept = people_kept(crops, share=0.5, never=frozenset({"person1"}))
    trained = {person_of(path) for path in crops.only(kept).paths}
    judged = {person_of(path) for path in crops.only(~kept).paths}
    assert not trained & judged
    assert "person1" in judged
    assert np.array_equal(kept, people_kept(crops, share=0.5, never=frozenset({"person1"})))


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 40)])
def test_all_or_nobody(share: float, expected: int) -> None:
    assert people_kept(crop_set("s", 40, seed=1), share=share).sum() == expected
