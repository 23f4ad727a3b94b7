import pytest

from facekey.core.enrolment import Sample, judge_together, usable
from facekey.core.errors import RegistrationRefused
from facekey.core.matching import Matcher
from facekey.core.policy import RegisterPolicy
from facekey.core.types import Reason
from tests.unit.core.made import CALIBRATION, MODEL, direction, evidence, near

MATCHER = Matcher({MODEL: CALIBRATION})
POLICY = RegisterPolicy(same_person_threshold=3.0, two_people_threshold=2.0, liveness_threshold=0.5)
ALICE, BOB = direction(1), direction(2)


def photo(centre: object, number: int, cosine: float = 0.9, picture: int | None = None) -> Sample:
    made = evidence(
        near(centre, cosine, 100 + number),  # type: ignore[arg-type]
        picture=number if picture is None else picture,
    )
    return Sample(None, made, made.quality)


def reasons(refusal: RegistrationRefused) -> list[object]:
    return [sample["reason"] for sample in refusal.samples]


def test_five_photos_of_one_person() -> None:
    judged = judge_together([photo(ALICE, n) for n in range(5)], MATCHER, POLICY)
    assert len(usable(judged)) == 5
    assert all(sample.verdict()["reason"] == "accepted" for sample in judged)


def test_one_photo_five_times_is_one_photo() -> None:
    with pytest.raises(RegistrationRefused) as refused:
        judge_together([photo(ALICE, 0) for _ in range(5)], MATCHER, POLICY)
    assert refused.value.code == "too_few_usable_images"
    assert reasons(refused.value) == ["accepted", *["duplicate"] * 4]


@pytest.mark.parametrize("split", [(4, 1), (3, 2), (1, 4), (5, 5)])
def test_two_people_are_refused_however_the_photos_are_split(split: tuple[int, int]) -> None:
    samples = [photo(ALICE, n) for n in range(split[0])] + [photo(BOB, 50 + n) for n in range(split[1])]
    with pytest.raises(RegistrationRefused) as refused:
        judge_together(samples, MATCHER, POLICY)
    assert refused.value.code == "different_people"
    assert reasons(refused.value).count("unlike_the_others") == min(split)


@pytest.mark.parametrize(("alike", "refused"), [(0.47, True), (0.6, False)])
def test_people_who_resemble_each_other_are_two(alike: float, refused: bool) -> None:
    """Much more alike within than between; one person on two days is like themselves on both."""
    other = near(ALICE, alike, 7)
    samples = [photo(ALICE, n, 0.95) for n in range(3)] + [photo(other, 50 + n, 0.95) for n in range(3)]
    if not refused:
        assert len(usable(judge_together(samples, MATCHER, POLICY))) == 6
        return
    with pytest.raises(RegistrationRefused) as refusal:
        judge_together(samples, MATCHER, POLICY)
    assert refusal.value.code == "different_people"
    assert reasons(refusal.value).count("unlike_the_others") == 3


def test_an_odd_photo_is_left_out() -> None:
    samples = [photo(ALICE, n, 0.95) for n in range(4)] + [photo(ALICE, 9, 0.42)]
    judged = judge_together(samples, MATCHER, POLICY)
    assert [sample.verdict()["reason"] for sample in judged] == ["accepted"] * 4 + ["unlike_the_others"]


def test_faults_found_before_stay_and_count() -> None:
    samples = [photo(ALICE, 0), photo(ALICE, 1), Sample(Reason.NO_FACE, None, None)]
    with pytest.raises(RegistrationRefused) as refused:
        judge_together(samples, MATCHER, POLICY)
    assert refused.value.code == "too_few_usable_images"
    assert reasons(refused.value) == ["accepted", "accepted", "no_face"]


def test_nothing_usable_at_all() -> None:
    with pytest.raises(RegistrationRefused, match="0 of 5"):
        judge_together([Sample(Reason.NO_FACE, None, None)] * 5, MATCHER, POLICY)


def test_a_spoof_is_no_photo_of_anybody() -> None:
    fake = evidence(near(ALICE, 0.9, 5), liveness=0.1, picture=77)
    samples = [photo(ALICE, n) for n in range(3)] + [Sample(Reason.SPOOF_SUSPECTED, fake, fake.quality)]
    assert len(usable(judge_together(samples, MATCHER, POLICY))) == 3
