"""Bundles as they are exported: they decide as the service does, and refuse what isn't theirs."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from facekey.cli.main import app
from facekey.core.errors import (
    CardInvalid,
    HashMismatch,
    ImageRefused,
    ModelError,
    ModelMismatch,
    ModelUnavailable,
    RegistrationRefused,
    RequestInvalid,
)
from facekey.core.types import Embedding, Outcome, Reason
from facekey.edge.bundle import Order, export_bundle
from facekey.edge.code import bundle_code
from facekey.edge.made import Precision
from facekey.edge.runner.manifest import MANIFEST, read_manifest
from facekey.edge.runner.runner import Runner
from facekey.settings import read_settings
from facekey.wiring.vision import open_vision
from facekey.zoo.zoo import Zoo, default_cards_dir
from tests.photos import Photos, encoded

BUDGET_BYTES = 8_000_000
LIBRARIES = ("numpy", "numpy.libs", "onnxruntime", "cv2", "opencv_python_headless.libs")


@pytest.fixture(scope="module")
def bundles(zoo: Zoo, photos: Photos, tmp_path_factory: pytest.TempPathFactory) -> dict[Precision, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    for precision in (Precision.FP32, Precision.INT8):
        compared = [photos.obama, photos.biden] if precision is Precision.INT8 else []
        export_bundle(zoo, default_cards_dir(), folder / precision, Order(precision, {}, compared, times=1))
    return {precision: folder / precision for precision in (Precision.FP32, Precision.INT8)}


@pytest.fixture(scope="module")
def runners(bundles: dict[Precision, Path]) -> dict[Precision, Runner]:
    return {precision: Runner.load(folder, threads=1) for precision, folder in bundles.items()}


@pytest.fixture(scope="module")
def templates(runners: dict[Precision, Runner], photos: Photos) -> dict[Precision, bytes]:
    return {precision: runner.enrol(photos.enrolment()[2:]).template for precision, runner in runners.items()}


@pytest.fixture
def copied(bundles: dict[Precision, Path], tmp_path: Path) -> Path:
    shutil.copytree(bundles[Precision.INT8], tmp_path / "bundle")
    return tmp_path / "bundle"


def test_fp32_says_what_the_service_says(zoo: Zoo, runners: dict[Precision, Runner], photos: Photos) -> None:
    service = open_vision(zoo)
    runner = runners[Precision.FP32]
    assert runner.manifest.liveness.threshold == service.liveness_threshold
    seen: list[tuple[Embedding, Embedding]] = []
    for photo in (photos.obama, photos.obama2, photos.biden):
        ours, theirs = runner.pipeline.analyze(photo), service.pipeline.analyze(photo)
        (mine,) = ours.embeddings
        (same,) = (one for one in theirs.embeddings if one.model == mine.model)
        assert abs(ours.liveness.score - theirs.liveness.score) < 1e-3
        assert abs(ours.quality.overall - theirs.quality.overall) < 1e-3
        seen.append((mine, same))
    for left in seen:
        for right in seen:
            assert abs(float(left[0].vector @ right[0].vector - left[1].vector @ right[1].vector)) < 1e-3


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_a_person_is_let_in_and_a_stranger_is_not(
    runners: dict[Precision, Runner],
    templates: dict[Precision, bytes],
    photos: Photos,
    precision: Precision,
) -> None:
    runner, template = runners[precision], templates[precision]
    accepted = runner.authenticate(photos.obama3, template)
    refused = runner.authenticate(photos.biden, template)
    assert (accepted.outcome, accepted.reason) == (Outcome.ACCEPT, Reason.LIVE_MATCH)
    assert (refused.outcome, refused.reason) == (Outcome.REJECT, Reason.NO_MATCH)
    assert accepted.probability is not None
    assert refused.probability is not None
    assert accepted.probability > refused.probability


def test_a_picture_without_a_face_is_not_compared(
    runners: dict[Precision, Runner], templates: dict[Precision, bytes]
) -> None:
    grey = encoded(np.full((200, 200, 3), 128, np.uint8), ".png")
    decision = runners[Precision.INT8].authenticate(grey, templates[Precision.INT8])
    assert (decision.outcome, decision.reason) == (Outcome.RETRY, Reason.NO_FACE)
    assert decision.confidence is None


def test_small_networks_stay_within_the_budget(bundles: dict[Precision, Path]) -> None:
    folder = bundles[Precision.INT8]
    networks = read_manifest(folder).networks
    assert sum((folder / one.file).stat().st_size for one in networks.values()) <= BUDGET_BYTES
    report = json.loads((folder / "report.json").read_text())
    assert {row["network"] for row in report["rows"]} == set(networks)
    assert report["parity"]["decisions_differ"] == 0
    assert report["parity"]["embedding"] > 0.9


def test_every_network_has_its_card_and_its_licence(bundles: dict[Precision, Path]) -> None:
    for folder in bundles.values():
        licences = (folder / "LICENCES.md").read_text()
        for name, network in read_manifest(folder).networks.items():
            assert (folder / network.card).read_bytes() == (default_cards_dir() / f"{name}.toml").read_bytes()
            assert f"| {name} |" in licences
        assert "MIT License" in licences
        assert "Minivision" in licences


@pytest.mark.parametrize(("photos_given", "code"), [(2, "image_count"), (11, "image_count")])
def test_the_number_of_photos_is_checked(
    runners: dict[Precision, Runner], photos: Photos, photos_given: int, code: str
) -> None:
    with pytest.raises(RequestInvalid) as refused:
        runners[Precision.INT8].enrol([photos.obama] * photos_given)
    assert refused.value.code == code


def test_two_people_make_no_template(runners: dict[Precision, Runner], photos: Photos) -> None:
    with pytest.raises(RegistrationRefused):
        runners[Precision.INT8].enrol([photos.obama, photos.obama2, photos.biden, photos.biden])


def test_bytes_that_are_no_picture_are_refused(
    runners: dict[Precision, Runner], templates: dict[Precision, bytes]
) -> None:
    with pytest.raises(ImageRefused):
        runners[Precision.INT8].authenticate(b"no picture", templates[Precision.INT8])


def test_a_template_of_another_precision_is_refused(
    runners: dict[Precision, Runner], templates: dict[Precision, bytes], photos: Photos
) -> None:
    for one, other in ((Precision.FP32, Precision.INT8), (Precision.INT8, Precision.FP32)):
        with pytest.raises(ModelMismatch):
            runners[one].authenticate(photos.obama, templates[other])


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _changed(content: bytes) -> bytes:
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


@pytest.mark.parametrize("spoil", [_half, _changed, lambda _: b""])
@pytest.mark.parametrize("file", ["networks/retinaface.onnx", "cards/mobilefacenet.toml", "head.json"])
def test_a_file_that_was_changed_is_refused(copied: Path, file: str, spoil: Callable[[bytes], bytes]) -> None:
    path = copied / file
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(HashMismatch, match=path.name):
        Runner.load(copied)


@pytest.mark.parametrize(
    "file", ["networks/liveness_resnet18.onnx", "cards/facemesh.toml", "head.json", MANIFEST]
)
def test_a_file_that_is_missing_is_named(copied: Path, file: str) -> None:
    (copied / file).unlink()
    with pytest.raises(ModelUnavailable, match="export the bundle again"):
        Runner.load(copied)


def _rehashed(folder: Path, file: str, content: bytes) -> None:
    """Put another file in its place and its hash into the manifest, as a careless hand would."""
    manifest = read_manifest(folder)
    hashed = hashlib.sha256(content).hexdigest()
    (folder / file).write_bytes(content)
    files = {**manifest.files, file: hashed}
    (folder / MANIFEST).write_text(replace(manifest, files=files).text())


def test_a_card_that_lies_about_its_network_is_refused(copied: Path) -> None:
    path = copied / "cards" / "mobilefacenet.toml"
    card = path.read_text()
    assert "shape = [192]" in card
    _rehashed(copied, "cards/mobilefacenet.toml", card.replace("shape = [192]", "shape = [128]").encode())
    with pytest.raises(CardInvalid, match="mobilefacenet"):
        Runner.load(copied)


def test_a_network_under_another_name_is_refused(copied: Path) -> None:
    other = (copied / "networks" / "liveness_resnet18.onnx").read_bytes()
    _rehashed(copied, "networks/mobilefacenet.onnx", other)
    with pytest.raises(ModelError, match="mobilefacenet"):
        Runner.load(copied)


def test_a_card_of_another_network_is_refused(copied: Path) -> None:
    card = (copied / "cards" / "mobilefacenet.toml").read_text()
    digest = card.partition('sha256 = "')[2][:64]
    _rehashed(copied, "cards/mobilefacenet.toml", card.replace(digest, "0" * 64, 1).encode())
    with pytest.raises(CardInvalid, match="its card is of"):
        Runner.load(copied)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"format": 1', '"format": 2'),
        lambda text: text.replace('"embedder": "mobilefacenet"', '"embedder": "arcface"'),
        lambda text: text.replace('"detector_px"', '"detector"'),
        lambda text: text.replace("networks/retinaface.onnx", "../retinaface.onnx"),
        lambda text: text.replace('"intercepts": {', '"intercepts": {}, "x": {'),
        lambda _: "[]",
    ],
)
def test_a_manifest_that_can_not_be_used_is_refused(copied: Path, spoil: Callable[[str], str]) -> None:
    path = copied / MANIFEST
    path.write_text(spoil(path.read_text()))
    with pytest.raises(ModelError):
        Runner.load(copied)


def test_a_folder_with_something_in_it_is_left_alone(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for force in (False, True):
        with pytest.raises(RequestInvalid) as refused:
            export_bundle(zoo, default_cards_dir(), tmp_path, Order(Precision.FP32, {}, (), force))
        assert refused.value.code == "out_not_empty"
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestInvalid, match="no folder"):
        export_bundle(zoo, default_cards_dir(), tmp_path / "file", Order(Precision.FP32, {}, (), times=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "mine.txt"]


def test_what_fails_half_way_leaves_nothing(
    zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> Runner:
        raise ModelError("does not run")

    monkeypatch.setattr("facekey.edge.bundle.load_bundle", broken)
    with pytest.raises(ModelError, match="does not run"):
        export_bundle(zoo, default_cards_dir(), tmp_path / "new", Order(Precision.FP32, {}, (), times=1))
    assert list(tmp_path.iterdir()) == []


def test_the_command_replaces_a_bundle_only_when_told_to(copied: Path, zoo: Zoo) -> None:
    assert zoo.names()
    command = [
        "export",
        "edge",
        "--precision",
        "int8",
        "--out",
        str(copied),
        "--photos",
        str(copied / "cards"),
    ]
    before = (copied / MANIFEST).read_bytes()
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 65
    assert (copied / MANIFEST).read_bytes() == before
    (copied / "left over").write_text("")
    replaced = CliRunner().invoke(app, [*command, "--force"])
    assert replaced.exit_code == 0, replaced.output
    assert not (copied / "left over").exists()
    assert json.loads((copied / "report.json").read_text())["parity"] is None


def test_calibration_is_for_int8(tmp_path: Path) -> None:
    command = ["export", "edge", "--out", str(tmp_path / "new"), "--calibration", str(tmp_path)]
    assert CliRunner().invoke(app, command).exit_code == 65
    assert CliRunner().invoke(app, [*command, "--precision", "int8"]).exit_code == 65  # no faces there
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with exactly numpy, ONNX Runtime and OpenCV, as they are installed here."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (target,) = folder.glob("lib/python*/site-packages")
    for name in LIBRARIES:
        source = Path(sysconfig.get_paths()["purelib"]) / name
        if source.exists():
            (target / name).symlink_to(source)
    return folder / "bin" / "python"


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(
        [str(python), *arguments], cwd=folder, env=clean, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("missing", ["facekey", "pydantic", "onnx", "typer", "sqlalchemy"])
def test_the_bare_environment_is_bare(bare_python: Path, tmp_path: Path, missing: str) -> None:
    done = run(bare_python, tmp_path, "-c", f"import {missing}")
    assert done.returncode != 0
    assert "ModuleNotFoundError" in done.stderr


def test_a_bundle_runs_in_a_bare_environment(
    bare_python: Path, bundles: dict[Precision, Path], samples: dict[str, Path], tmp_path: Path
) -> None:
    folder, template = bundles[Precision.INT8], tmp_path / "me.template"
    mine = [str(samples[name]) for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")]
    enrolled = run(bare_python, folder, "-m", "facekey_edge", "enrol", *mine, "--template", str(template))
    assert enrolled.returncode == 0, enrolled.stderr
    assert stat.S_IMODE(template.stat().st_mode) == 0o600

    def authenticate(photo: Path) -> subprocess.CompletedProcess[str]:
        return run(
            bare_python, folder, "-m", "facekey_edge", "authenticate", str(photo), "--template", str(template)
        )

    let_in = authenticate(samples["obama2.jpg"])
    assert let_in.returncode == 0, let_in.stderr
    assert json.loads(let_in.stdout)["authenticated"] is True
    refused = authenticate(samples["biden.jpg"])
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["reason"] == "no_match"
    assert run(bare_python, folder, "-c", "from facekey_edge import Runner; Runner.load").returncode == 0
    template.write_bytes(template.read_bytes()[:-1])
    broken = authenticate(samples["obama2.jpg"])
    assert broken.returncode == 65
    assert "enrol again" in broken.stderr
    assert broken.stdout == ""


def test_the_code_of_a_bundle_needs_three_libraries_only() -> None:
    code = bundle_code()  # raises for any other
    assert "facekey_edge/__main__.py" in code
    assert not any(b"from facekey." in content or b"import facekey." in content for content in code.values())


def test_settings_are_not_part_of_a_bundle() -> None:
    assert read_settings().models_dir
    assert not any("settings" in name or "wiring" in name or "store" in name for name in bundle_code())
