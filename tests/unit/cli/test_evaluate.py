"""`facekey evaluate`, from the command line to the files it leaves."""

import json
import pickle
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from facekey.cli.exits import Exit
from facekey.cli.main import app
from facekey.evaluation.engine import Engine
from facekey.settings import default_models_dir
from facekey.vision.align import identity_crop
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits
from facekey.zoo.zoo import Zoo
from tests.unit.evaluation.conftest import judge, people

__all__ = ["judge", "people"]

PAIRS = """left,right,label,fold
Barack_Obama/Barack_Obama_0001.jpg,Barack_Obama/Barack_Obama_0002.jpg,1,0
Barack_Obama/Barack_Obama_0001.jpg,Joe_Biden/Joe_Biden_0001.jpg,0,0
Barack_Obama/Barack_Obama_0002.jpg,Barack_Obama/Barack_Obama_0003.jpg,1,1
Barack_Obama/Barack_Obama_0003.jpg,Joe_Biden/Joe_Biden_0001.jpg,0,1
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zoo: Zoo) -> Path:
    """The networks of the user's cache, and beside them an evaluation's folder of its own."""
    del zoo  # it is there once this is asked for
    models = tmp_path / "cache" / "models"
    models.parent.mkdir()
    models.symlink_to(default_models_dir(), target_is_directory=True)
    monkeypatch.setenv("FACEKEY_MODELS_DIR", str(models))
    return models.parent / "evaluation"


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, words)])


def test_a_list_of_pairs_becomes_a_report(people: Path, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(PAIRS)
    outputs = {kind: tmp_path / f"report.{kind}" for kind in ("html", "json", "prom")}
    words = ["pairs", tmp_path / "list.csv", "--images", people, "--all-pairs"]
    words += ["--html", outputs["html"], "--json", outputs["json"], "--textfile", outputs["prom"]]
    result = run(*words)
    assert result.exit_code == Exit.YES, result.output
    assert "100.00 %" in result.output
    values = json.loads(outputs["json"].read_text())
    assert [one["key"] for one in values["sections"]] == ["list", "list_all"]
    accuracy = next(one for one in values["sections"][0]["figures"] if one["name"] == "accuracy")
    assert (accuracy["hits"], accuracy["total"]) == (4, 4)
    assert "How well faces are recognised" in outputs["html"].read_text()
    assert "facekey_model_accuracy{" in outputs["prom"].read_text()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(outputs["html"].stat().st_mode) & 0o044

    assert "deleted" in run("forget").output
    assert "nothing" in run("forget").output
    assert list(cache.iterdir()) == []


def test_a_page_with_faces_is_its_owners_alone(people: Path, cache: Path, tmp_path: Path) -> None:
    # A pair with the wrong label is a failure.
    (tmp_path / "list.csv").write_text(
        PAIRS.replace("Joe_Biden/Joe_Biden_0001.jpg,0,1", "Joe_Biden/Joe_Biden_0001.jpg,1,1")
        + "Joe_Biden/Joe_Biden_0001.jpg,Barack_Obama/Barack_Obama_0002.jpg,0,1\n"
    )
    html = tmp_path / "report.html"
    result = run(
        "pairs", tmp_path / "list.csv", "--images", people, "--html", html, "--show-faces", "--no-cache"
    )
    assert result.exit_code == Exit.YES, result.output
    assert "data:image/jpeg" in html.read_text()
    assert stat.S_IMODE(html.stat().st_mode) == 0o600
    assert not cache.exists()


def test_a_pack_is_judged_without_detection(people: Path, cache: Path, tmp_path: Path, judge: Engine) -> None:
    del cache
    crops = []
    for name in (
        "Barack_Obama/Barack_Obama_0001.jpg",
        "Barack_Obama/Barack_Obama_0002.jpg",
        "Joe_Biden/Joe_Biden_0001.jpg",
    ):
        frame = decode((people / name).read_bytes(), DecodeLimits())
        face = judge.find(frame)[0]
        crop = identity_crop(frame, face, crop_px=112).pixels
        crops.append(cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))[1].tobytes())
    one, two, other = crops
    pack = tmp_path / "made.bin"
    pack.write_bytes(pickle.dumps(([one, two, one, other, two, one, two, other], [True, False, True, False])))
    result = run("pack", pack)
    assert result.exit_code == Exit.YES, result.output
    assert "detection, quality gate and liveness were skipped" in " ".join(result.output.split())
    assert "100.00 %" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lfw", "--data", "{people}"], "holds none of lfw/pairs.txt"),
        (["all", "--data", "{people}"], "holds none of"),
        (["cfp-fp", "--data", "{people}"], "cfp_fp.bin"),
        (["agedb-30", "--data", "{people}"], "agedb_30.bin"),
        (["glasses", "--data", "{people}/Joe_Biden"], "are named"),
        (["demographics", "--data", "{people}/Joe_Biden"], "is named"),
        (["identification", "--data", "{people}"], "takes 5 of each"),
        (["pairs", "{people}/Joe_Biden/Joe_Biden_0001.jpg", "--images", "{people}"], "UTF-8"),
        (["pack", "{people}/Joe_Biden/Joe_Biden_0001.jpg"], "no pack"),
        (["pairs", "{list}", "--images", "{people}/Joe_Biden"], "4 pictures of list.csv are not in"),
        (["pairs", "{list}", "--images", "{people}", "--html", "{people}/none/report.html"], "is no folder"),
        (["pairs", "{list}", "--images", "{people}", "--show-faces"], "give --html too"),
        (["pairs", "{loose}", "--images", "{people}/Joe_Biden", "--all-pairs"], "in no folder"),
        (["pairs", "{list}", "--images", "{people}", "--textfile", "{people}/figures.txt"], "end in .prom"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_data_that_cannot_be_used_is_told_in_one_line(
    people: Path, cache: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    del cache
    (tmp_path / "list.csv").write_text(PAIRS)
    (tmp_path / "loose.csv").write_text(
        "Joe_Biden_0001.jpg,Joe_Biden_0001.jpg,1\nJoe_Biden_0001.jpg,Joe_Biden_0001.jpg,0\n"
    )
    before = sorted(tmp_path.rglob("*.html")) + sorted(tmp_path.rglob("*.prom"))
    result = run(
        *(
            word.format(people=people, list=tmp_path / "list.csv", loose=tmp_path / "loose.csv")
            for word in words
        )
    )
    assert result.exit_code == Exit.DATA, result.output
    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert sorted(tmp_path.rglob("*.html")) + sorted(tmp_path.rglob("*.prom")) == before


def test_cfp_as_it_is_handed_out(people: Path, cache: Path, tmp_path: Path) -> None:
    del cache
    root = tmp_path / "cfp-dataset"
    (root / "Protocol").mkdir(parents=True)
    people.rename(root / "Data")
    names = [path.relative_to(root).as_posix() for path in sorted((root / "Data").rglob("*.jpg"))]
    listed = "".join(f"{n} ../{name}\n" for n, name in enumerate(names, start=1))
    for file in ("Pair_list_F.txt", "Pair_list_P.txt"):
        (root / "Protocol" / file).write_text(listed)
    for fold in range(1, 11):
        folder = root / "Protocol" / "Split" / "FP" / f"{fold:02}"
        folder.mkdir(parents=True)
        (folder / "same.txt").write_text("1,2\n2,3\n")
        (folder / "diff.txt").write_text("1,4\n2,4\n")
    result = run("cfp-fp", "--data", tmp_path)
    assert result.exit_code == Exit.YES, result.output
    assert "40 pairs (20 of one person, 20 of two) in 10 folds" in " ".join(result.output.split())
    (root / "Protocol" / "Split" / "FP" / "07" / "diff.txt").write_text("1,4\n1,99\n")
    broken = run("cfp-fp", "--data", tmp_path)
    assert broken.exit_code == Exit.DATA
    assert "diff.txt, line 2" in broken.output


def test_a_pack_named_as_agedb_is_found(cache: Path, tmp_path: Path) -> None:
    del cache
    grey = cv2.imencode(".jpg", np.full((112, 112, 3), 80, np.uint8))[1].tobytes()
    (tmp_path / "agedb_30.bin").write_bytes(pickle.dumps(([grey] * 4, [True, True])))
    result = run("agedb-30", "--data", tmp_path)
    assert result.exit_code == Exit.DATA
    assert "no pair of two people" in " ".join(result.output.split())


def test_a_list_beside_the_pictures_is_found(people: Path, cache: Path) -> None:
    del cache
    rows = (line.split(",") for line in PAIRS.splitlines()[1:])
    (people / "agedb_30_ann.txt").write_text("".join(f"{row[2]} {row[0]} {row[1]}\n" for row in rows))
    result = run("agedb-30", "--data", people)
    assert result.exit_code == Exit.YES, result.output
    assert "(4 of 4)" in result.output


def test_marked_faces_are_found_where_they_are(
    cache: Path, tmp_path: Path, samples: dict[str, Path], judge: Engine
) -> None:
    del cache
    frame = decode(samples["biden.jpg"].read_bytes(), DecodeLimits())
    box = judge.find(frame)[0].box
    marked = tmp_path / "boxes.txt"
    marked.write_text(f"biden.jpg\n2\n{box.x1} {box.y1} {box.width} {box.height}\n0 0 30 30\n")
    result = run("detection", "--data", samples["biden.jpg"].parent, "--boxes", marked)
    assert result.exit_code == Exit.YES, result.output
    assert "(1 of 2)" in result.output
    assert "(1 of 1)" in result.output  # of the face's own size
    marked.write_text("nobody.jpg\n1\n0 0 30 30\n")
    missing = run("detection", "--data", samples["biden.jpg"].parent, "--boxes", marked)
    assert missing.exit_code == Exit.DATA
    assert "nobody.jpg (line 1)" in " ".join(missing.output.split())


def test_only_the_networks_that_are_named_decide(people: Path, cache: Path, tmp_path: Path) -> None:
    del cache
    (tmp_path / "list.csv").write_text(PAIRS)
    words = ["pairs", tmp_path / "list.csv", "--images", people, "--json", tmp_path / "report.json"]
    result = run(*words, "--network", "mobilefacenet")
    assert result.exit_code == Exit.YES, result.output
    values = json.loads((tmp_path / "report.json").read_text())
    assert [one["name"] for one in values["networks"] if one["task"] in {"embed", "fuse"}] == [
        "mobilefacenet"
    ]
    unknown = run(*words, "--network", "nobody")
    assert unknown.exit_code == Exit.SOFTWARE
    assert "nobody" in unknown.output


def test_recall_of_a_folder(people: Path, cache: Path) -> None:
    del cache
    result = run("detection", "--data", people)
    assert result.exit_code == Exit.YES, result.output
    assert "pictures with a face found" in result.output
    assert "(4 of 4)" in result.output
