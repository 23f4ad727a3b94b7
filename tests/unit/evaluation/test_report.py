import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from facekey.core.errors import RequestInvalid
from facekey.evaluation.as_json import as_json
from facekey.evaluation.machine import version
from facekey.evaluation.material import Picture
from facekey.evaluation.page import page, thumbnails
from facekey.evaluation.report import Report, Section, percent, rate
from facekey.evaluation.textfile import write_textfile
from facekey.evaluation.verification import verify_all, verify_pairs
from tests.unit.evaluation.made import FIRST, SECOND, acquired, capture, crowd, engine, report
from tests.unit.evaluation.test_sections import pairs_of

ELSEWHERE = re.compile(r"(https?:)?//[\w.-]+", re.IGNORECASE)


@pytest.fixture(scope="module")
def made() -> Report:
    """Twenty people, two networks, and a failure whose name is markup."""
    odd = "<img src=x>/0.jpg"
    got = crowd(20, 2, models=(FIRST, SECOND))
    got = acquired({**got.captures, odd: capture(77, 1, spread=0.6, models=(FIRST, SECOND))})
    judge = engine(FIRST, SECOND)
    first, *rest = pairs_of(20)
    pairs = [type(first)(first.left, odd, True, first.fold), *rest]
    return report(
        verify_pairs(got, pairs, judge, title="List & pairs", key="list"),
        verify_all(crowd(12, 3, models=(FIRST, SECOND)), judge, title="All", key="list_all"),
    )


@pytest.fixture(scope="module")
def text(made: Report) -> str:
    """Its page."""
    return page(made)


def test_the_page_points_nowhere(text: str) -> None:
    assert ELSEWHERE.search(text) is None
    assert "<script" not in text
    assert "@import" not in text
    assert all(target.startswith("#") for target in re.findall(r'(?:href|src)="([^"]*)"', text))


def test_what_names_say_is_text(text: str) -> None:
    assert "&lt;img src=x&gt;/0.jpg" in text
    assert "<img" not in text
    assert "List &amp; pairs" in text
    assert "Made &lt;up&gt;" in text


def test_every_name_in_the_page_is_there_once_and_refers_to_something(text: str) -> None:
    names = re.findall(r'\bid="([^"]+)"', text)
    assert len(names) == len(set(names))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', text)) <= set(names)


def test_charts_take_their_colours_from_the_page(text: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert len(drawings) == 2 * (2 + 3)  # for each section two curves, and the scores of each system
    defined = set(re.findall(r"(--[\w-]+):", text))
    for drawing in drawings:
        assert 'role="img"' in drawing
        assert not re.findall(r"#[0-9a-f]{6}\b", drawing)
        assert set(re.findall(r"var\((--[\w-]+)\)", drawing)) <= defined


def test_faces_stand_in_the_page_only_when_asked_for(
    made: Report, text: str, samples: dict[str, Path]
) -> None:
    names = {one.left for one in made.sections[0].failures}
    faces = thumbnails([*names, "unknown"], {name: Picture(name, samples["biden.jpg"]) for name in names})
    assert set(faces) == set(names)
    bare = report(*(replace(one, drawn=()) for one in made.sections))  # charts take a while
    shown = page(bare, faces)
    assert "This page shows faces" in shown
    assert 'src="data:image/jpeg;base64,' in shown
    assert ELSEWHERE.search(re.sub(r"data:[^\"]+", "", shown)) is None
    assert "data:image" not in text


def test_a_picture_that_cannot_be_read_stays_a_name() -> None:
    assert thumbnails(["a"], {"a": Picture("a", None, b"no picture")}) == {}


def test_a_report_without_figures_is_a_page_too() -> None:
    assert "How to read this" in page(report())
    assert "<strong>" not in page(report(Section("a", "A", (), (), "0" * 64, 1)))


def test_json_holds_the_figures_of_the_page(made: Report, text: str) -> None:
    values = json.loads(as_json(made))
    assert values["schema"] == "facekey-evaluation/1"
    assert [one["key"] for one in values["sections"]] == ["list", "list_all"]
    first = values["sections"][0]
    found = {(one["system"], one["line"]): one for one in first["figures"] if one["name"] == "accuracy"}
    assert set(found) == {
        (s, line) for s in ("fusion", "first", "second") for line in ("pipeline", "recognition")
    }
    accuracy = found["fusion", "pipeline"]
    assert 0 <= accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1
    assert accuracy["value"] == accuracy["hits"] / accuracy["total"]
    assert percent(accuracy["value"]) in text
    assert len(first["curves"][0]["fmr"]) == len(first["curves"][0]["fnmr"])
    assert first["data"] == {"pictures": 41, "manifest_sha256": "f" * 64}
    assert values["networks"][0]["sha256"] == "0" * 64


def test_the_textfile_is_what_prometheus_reads(made: Report, tmp_path: Path) -> None:
    path = tmp_path / "facekey.prom"
    path.write_text("of an earlier run\n")
    write_textfile(made, path)
    families = {family.name: family for family in text_string_to_metric_families(path.read_text())}
    accuracy = families["facekey_model_accuracy"].samples
    assert {(one.labels["protocol"], one.labels["network"]) for one in accuracy} == {
        ("list", "fusion"),
        ("list", "first"),
        ("list", "second"),
    }
    missed = families["facekey_model_false_non_match_rate"].samples
    assert {one.labels["fmr"] for one in missed if one.labels["protocol"] == "list_all"} >= {"0.01"}
    assert families["facekey_model_evaluated_timestamp_seconds"].samples[0].value == made.made_at.timestamp()
    assert [one.name for one in tmp_path.iterdir()] == ["facekey.prom"]
    promtool = shutil.which("promtool")
    if promtool is not None:
        run = subprocess.run(
            [promtool, "check", "metrics"], input=path.read_bytes(), capture_output=True, check=False
        )
        assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("name", "said"), [("facekey.txt", "end in .prom"), ("none/facekey.prom", "can't be written")]
)
def test_a_textfile_elsewhere_is_refused(made: Report, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(RequestInvalid, match=said):
        write_textfile(made, tmp_path / name)


@pytest.mark.parametrize(("value", "said"), [(1e-3, "1e-3"), (1e-5, "1e-5"), (0.1, "0.1"), (1.0, "1")])
def test_rates_as_they_are_spoken_of(value: float, said: str) -> None:
    assert rate(value) == said


def test_small_shares_keep_two_places() -> None:
    assert [percent(value) for value in (0.0, 0.5, 4.3e-6, 1e-19)] == [
        "0.00 %",
        "50.00 %",
        "0.00043 %",
        "0.00 %",
    ]


def test_the_commit_is_named_where_there_is_one(tmp_path: Path) -> None:
    assert version(tmp_path) == "0.1.0"
    git = tmp_path / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# packed\n{'b' * 40} refs/heads/main\n")
    assert version(tmp_path) == "0.1.0 (bbbbbbb)"
    (git / "refs" / "heads" / "main").write_text(f"{'a' * 40}\n")
    assert version(tmp_path) == "0.1.0 (aaaaaaa)"
    (git / "HEAD").write_text("nonsense\n")
    assert version(tmp_path) == "0.1.0"
