import pytest

from facekey.core.choice import ALL_MEASURED, Choice
from facekey.core.errors import NetworkChoiceRefused

MEASURED = ("one", "two", "three")


def test_before_anything_is_chosen_every_measured_network_decides() -> None:
    assert ALL_MEASURED.among(MEASURED) == {"one", "two", "three"}


@pytest.mark.parametrize("choice", [Choice(shadow="two"), Choice(frozenset({"one", "two", "three"}), "two")])
def test_what_runs_in_shadow_never_decides(choice: Choice) -> None:
    assert choice.among(MEASURED) == {"one", "three"}


def test_a_chosen_network_that_isnt_measured_doesnt_decide() -> None:
    assert Choice(frozenset({"one", "nine"})).among(MEASURED) == {"one"}


def test_a_promotion_names_the_deciding_networks() -> None:
    after = Choice(shadow="three").promoted("three", instead_of=(), measured=MEASURED)
    assert after == Choice(frozenset({"one", "two", "three"}))
    # What is installed later doesn't join by itself.
    assert not after.decides("four")


def test_who_steps_down_goes_on_in_shadow() -> None:
    before = Choice(frozenset({"one", "two"}), shadow="three")
    after = before.promoted("three", instead_of=("two", "one"), measured=MEASURED)
    assert after == Choice(frozenset({"three"}), shadow="one")
    # Unless another does.
    before = Choice(frozenset({"one"}), shadow="three")
    after = before.promoted("two", instead_of=("one",), measured=MEASURED)
    assert after == Choice(frozenset({"two"}), shadow="three")


@pytest.mark.parametrize(
    ("name", "instead_of", "reason"),
    [("one", (), "decides already"), ("three", ("three",), "can't step down"), ("three", ("x",), "x can't")],
)
def test_promotions_that_make_no_sense(name: str, instead_of: tuple[str, ...], reason: str) -> None:
    with pytest.raises(NetworkChoiceRefused, match=reason):
        Choice(frozenset({"one", "two"})).promoted(name, instead_of=instead_of, measured=MEASURED)
