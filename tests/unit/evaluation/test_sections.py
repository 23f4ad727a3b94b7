"""What the protocols find in made-up people, of whom is known what should be found."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from facekey.core.errors import RequestInvalid
from facekey.core.types import Box, Detection, Frame
from facekey.evaluation.acquire import Capture
from facekey.evaluation.detection import located, read_boxes, recall
from facekey.evaluation.glasses import wardrobes, with_and_without
from facekey.evaluation.groups import fairness, listed_groups, utkface_groups
from facekey.evaluation.identification import identify, split
from facekey.evaluation.material import Picture
from facekey.evaluation.pairs import Pair
from facekey.evaluation.report import Figure, Line, Section
from facekey.evaluation.verification import verify_all, verify_pairs, verify_templates
from tests.unit.evaluation.made import FIRST, SECOND, acquired, capture, crowd, engine
from tests.unit.vision.faces import detection_at

BLURRED = Capture(capture(0, 1, spread=0.6).vectors, "blurred")
NOBODY = Capture({}, "no_face")


def figure(section: Section, name: str, *, line: Line | None = None, system: str | None = None) -> Figure:
    found = [
        one
        for one in section.figures
        if one.name == name and line in (None, one.line) and system in (None, one.system)
    ]
    assert found, f"{name} is not among {[one.name for one in section.figures]}"
    return found[0]


def pairs_of(people: int, *, folds: int = 5) -> list[Pair]:
    mated = [
        Pair(f"person_{p:02}/0.jpg", f"person_{p:02}/1.jpg", True, p * folds // people) for p in range(people)
    ]
    others = [
        Pair(f"person_{p:02}/0.jpg", f"person_{(p + 1) % people:02}/1.jpg", False, p * folds // people)
        for p in range(people)
    ]
    return [*mated, *others]


def test_the_gates_cost_what_they_send_back() -> None:
    got = crowd(20, 2)
    got = acquired({**got.captures, "person_00/1.jpg": BLURRED, "person_01/1.jpg": NOBODY})
    made = verify_pairs(got, pairs_of(20), engine(), title="made", key="made")
    whole, alone = (figure(made, "accuracy", line=line).share for line in Line)
    assert whole is not None
    assert alone is not None
    # Two pairs of one person are lost at the gates, one of them to a blurred picture that could be compared.
    assert (whole.hits, alone.hits) == (38, 39)
    back = figure(made, "failure_to_acquire").share
    nobody = figure(made, "no_face").share
    assert back is not None
    assert nobody is not None
    assert (back.hits, nobody.hits, back.total) == (2, 1, 40)
    tar = figure(made, "tar_at_threshold", line=Line.PIPELINE).share
    assert tar is not None
    assert (tar.hits, tar.total) == (18, 20)


def test_every_network_is_judged_and_all_together() -> None:
    got = crowd(20, 2, models=(FIRST, SECOND))
    made = verify_pairs(got, pairs_of(20), engine(FIRST, SECOND), title="made", key="made")
    assert [one.system for one in made.drawn] == ["fusion", "first", "second"]
    assert {one.system for one in made.figures if one.name == "accuracy"} == {"fusion", "first", "second"}


def test_aligned_crops_say_that_nothing_was_detected() -> None:
    made = verify_pairs(crowd(20, 2), pairs_of(20), engine(), title="made", key="made", aligned=True)
    assert {one.line for one in made.figures} == {Line.RECOGNITION}
    assert any("detection, quality gate and liveness were skipped" in one for one in made.protocol)


def test_failures_are_named_by_both_pictures() -> None:
    got = crowd(20, 2)
    got = acquired({**got.captures, "person_03/1.jpg": capture(9, 1, spread=0.6)})
    made = verify_pairs(got, pairs_of(20), engine(), title="made", key="made")
    assert ("person_03/0.jpg", "person_03/1.jpg", True) in [(f.left, f.right, f.mated) for f in made.failures]


def test_pairs_of_one_kind_are_refused() -> None:
    with pytest.raises(RequestInvalid, match="no pair of two people"):
        verify_pairs(crowd(20, 2), pairs_of(20)[:20], engine(), title="made", key="made")


def test_all_pairs_are_counted_once() -> None:
    made = verify_all(crowd(12, 3), engine(), title="made", key="made")
    assert "36 of one person, 594 of two" in made.protocol[0]
    found = figure(made, "fnmr_at_fmr").share
    assert found is not None
    assert (found.total, found.interval) == (36, "by person")


@pytest.mark.parametrize(("people", "pictures"), [(1, 5), (6, 1)])
def test_all_pairs_need_two_people_and_two_pictures(people: int, pictures: int) -> None:
    with pytest.raises(RequestInvalid, match="two people or more"):
        verify_all(crowd(people, pictures), engine(), title="made", key="made")


def test_templates_of_five_photos() -> None:
    made = verify_templates(crowd(8, 7, spread=0.5), engine(), title="made", key="made")
    assert made is not None
    tar = figure(made, "template_tar").share
    assert tar is not None
    assert (tar.hits, tar.total) == (16, 16)
    assert verify_templates(crowd(8, 5), engine(), title="made", key="made") is None


def test_who_is_enrolled_and_who_searches() -> None:
    names = [*(f"a/{n}" for n in range(3)), *(f"b/{n}" for n in range(2))]
    more = [f"{person}/{n}" for person in "cdef" for n in range(3)]
    who = split([*names, *more, "g/0", "h/0", "i/0"], 2)
    assert sorted(who.enrolled) == ["a", "c", "d", "e", "f"]
    assert who.enrolled["a"] == ["a/0", "a/1"]
    assert who.mated == ["a/2", "c/2", "d/2", "e/2", "f/2"]
    assert sorted(who.nonmated) == ["b/0", "b/1", "g/0", "h/0", "i/0"]
    with pytest.raises(RequestInvalid, match="takes 5 of each"):
        split(names, 2)


def test_searches_by_strangers_and_by_the_enrolled() -> None:
    enrolled = crowd(10, 4, spread=0.4).captures
    strangers = {f"stranger_{n:02}/0.jpg": capture(50 + n, 0, spread=0.4) for n in range(30)}
    # One picture of an enrolled person is of somebody else, and one stranger is an enrolled person.
    wrong = {"person_00/3.jpg": capture(90, 0, spread=0.4), "stranger_00/0.jpg": capture(1, 9, spread=0.4)}
    made = identify(
        acquired({**enrolled, **strangers, **wrong}),
        engine(),
        enrol=3,
        false_positive_rate=0.01,
        title="made",
        key="made",
    )
    fpir, fnir = (figure(made, name).share for name in ("fpir_at_threshold", "fnir_at_threshold"))
    assert fpir is not None
    assert fnir is not None
    assert (fpir.hits, fpir.total) == (1, 30)
    assert (fnir.hits, fnir.total) == (1, 10)
    assert "10 people with 3 photos each" in made.protocol[0]


def test_people_who_wear_glasses_on_every_picture_count_as_such() -> None:
    people = wardrobes(
        ["subject08.happy.png", "subject08.noglasses.png", "subject01.happy.png", "subject01.glasses.png"]
    )
    assert people["subject08"].worn == ("subject08.happy.png",)
    assert people["subject01"].bare == ("subject01.happy.png",)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["portrait.png"], "are named"),
        (["a.glasses.png", "b.happy.png", "b.glasses.png"], "two people or more"),
    ],
)
def test_pictures_that_say_nothing_of_glasses(names: list[str], said: str) -> None:
    with pytest.raises(RequestInvalid, match=said):
        wardrobes(names)


def test_recognition_with_glasses_and_what_the_gates_do_to_it() -> None:
    names = {
        f"subject{person:02}.{condition}.png": capture(person, number, spread=0.5)
        for person in range(20, 26)
        for number, condition in enumerate(("normal", "happy", "noglasses", "glasses"))
    }
    names["subject20.glasses.png"] = replace(names["subject20.glasses.png"], liveness=0.1)
    names["subject21.glasses.png"] = replace(
        names["subject21.glasses.png"], sent_back="blurred", liveness=None
    )
    names["subject22.glasses.png"] = NOBODY
    made = with_and_without(acquired(names), engine(), title="made", key="made")
    alone, whole = (
        figure(made, "tar_enrolled_without", line=line).share for line in (Line.RECOGNITION, Line.PIPELINE)
    )
    assert alone is not None
    assert whole is not None
    assert (alone.hits, alone.total) == (5, 6)
    assert (whole.hits, whole.total) == (3, 6)
    one = figure(made, "fmr_one_to_one", line=Line.RECOGNITION).share
    assert one is not None
    assert one.hits == 0
    gates = next(table for table in made.tables if table.title == "What the gates say")
    assert gates.rows[1] == ("with glasses", "6", "2 (blurred 1, no_face 1)", "1")


def test_whoever_cannot_be_enrolled_is_missed() -> None:
    names = {
        f"subject{person:02}.{condition}.png": NOBODY
        if (person, condition) == (20, "noglasses")
        else capture(person, number, spread=0.5)
        for person in range(20, 24)
        for number, condition in enumerate(("noglasses", "glasses"))
    }
    made = with_and_without(acquired(names), engine(), title="made", key="made")
    for name in ("tar_enrolled_without", "tar_one_to_one"):
        found = figure(made, name, line=Line.RECOGNITION).share
        assert found is not None
        assert (found.hits, found.total) == (3, 4)
    nobody = {name: NOBODY if ".glasses" in name else one for name, one in names.items()}
    with pytest.raises(RequestInvalid, match="no face is found"):
        with_and_without(acquired(nobody), engine(), title="made", key="made")


def test_groups_by_file_names() -> None:
    members = utkface_groups(["17_0_3_2017.jpg", "61_1_0_2017.jpg", "61_1_2017.jpg", "30_2_9_2017.jpg"])
    assert members["age_band", "under_18"] == ["17_0_3_2017.jpg"]
    assert members["gender", "woman"] == ["61_1_0_2017.jpg"]
    assert members["ethnicity", "indian"] == ["17_0_3_2017.jpg"]
    with pytest.raises(RequestInvalid, match="is named"):
        utkface_groups(["portrait.jpg"])


def test_groups_by_lists(tmp_path: Path) -> None:
    (tmp_path / "female_names.txt").write_text("a_0001.jpg\n b_0002 \n")
    with pytest.raises(RequestInvalid, match=r"male_names.txt can't be read"):
        listed_groups(tmp_path, ["a/a_0001.jpg"])
    (tmp_path / "male_names.txt").write_text("c_0001\n")
    names = ["a/a_0001.jpg", "b/b_0002.jpg", "c/c_0001.jpg"]
    assert listed_groups(tmp_path, names)["gender", "woman"] == names[:2]
    with pytest.raises(RequestInvalid, match="names none"):
        listed_groups(tmp_path, names[:2])


def test_a_group_that_is_missed_more_often_rings() -> None:
    kind = {f"kind_{n:02}/{k}.jpg": capture(n, k, spread=0.4) for n in range(30) for k in range(3)}
    hard = {f"hard_{n:02}/{k}.jpg": capture(40 + n, k, spread=1.6) for n in range(30) for k in range(3)}
    members = {("hair", "kind"): list(kind), ("hair", "hard"): list(hard), ("hair", "lone"): list(kind)[:1]}
    made = fairness(acquired({**kind, **hard}), members, engine(), known=True, title="made", key="made")
    table = next(one for one in made.tables if one.title == "hair: FNMR: the rightful, refused")
    assert {row[0]: row[-1] for row in table.rows} == {"hard": "alarm", "kind": "not worse"}


def test_without_identities_nothing_is_said_of_misses() -> None:
    names = {f"{20 + n % 40}_{n % 2}_{n % 5}_{n}.jpg": capture(n, 0, spread=0.1) for n in range(60)}
    made = fairness(
        acquired(names), utkface_groups(list(names)), engine(), known=False, title="made", key="made"
    )
    assert not any("FNMR" in table.title for table in made.tables)
    assert any(table.title.startswith("gender: FMR") for table in made.tables)


def test_recall_by_folder_names_what_was_missed() -> None:
    made = recall(
        acquired({"day/1.jpg": BLURRED, "day/2.jpg": NOBODY, "night/1.jpg": BLURRED}),
        engine(),
        title="m",
        key="m",
    )
    found = figure(made, "detection_recall").share
    assert found is not None
    assert (found.hits, found.total) == (2, 3)
    assert "day/2.jpg" in made.notes[0]
    assert [row[0] for row in made.tables[1].rows] == ["day", "night"]


def finds(one: Detection) -> Callable[[Frame], list[Detection]]:
    return lambda _: [one]


def face(x1: float, y1: float, x2: float, y2: float) -> Detection:
    return replace(detection_at(0, 0), box=Box(x1, y1, x2, y2))


def test_marked_faces_must_be_where_they_are_found(tmp_path: Path, samples: dict[str, Path]) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text(
        "a.jpg\n2\n10 10 100 100 0 0 0 0\n300 300 50 50 0 0 0 1 0 0\nb.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n"
    )
    marked = read_boxes(path)
    assert [len(one.boxes) for one in marked] == [1, 0]  # one is called invalid, one picture has none
    pictures = {name: Picture(name, samples["biden.jpg"]) for name in ("a.jpg", "b.jpg")}
    for found, hits in ((face(15, 10, 110, 110), 1), (face(70, 10, 170, 110), 0)):
        judge = replace(engine(), find=finds(found))
        made = located(marked, pictures, judge, lambda done, total: None)
        share = figure(made, "detection_recall").share
        assert share is not None
        assert (share.hits, share.total) == (hits, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no picture"),
        ("a.jpg\nmany\n", "line 2: expected the number"),
        ("a.jpg\n", "line 1: expected the number"),
        ("a.jpg\n1\n1 2 3\n", "line 3: expected `x y"),
        ("../a.jpg\n0\n0 0 0 0\n", "line 1: '../a.jpg' is no path"),
    ],
)
def test_corrupt_boxes_name_the_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text(text)
    with pytest.raises(RequestInvalid, match=said):
        read_boxes(path)
