import hashlib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from facekey.cli import models
from facekey.cli.exits import Exit
from facekey.cli.samples import app as sample_app
from tests.unit.zoo.conftest import CardFolder

SHIPPED = 'kind = "shipped"\npath = "tiny.onnx"'


class Shell:
    def __init__(self, folder: Path, cards: CardFolder) -> None:
        self.places = ["--cache", str(folder / "cache"), "--cards", str(cards.path)]

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(models.app, [*arguments, *self.places], env={"COLUMNS": "200"})


@pytest.fixture
def shell(tmp_path: Path, cards: CardFolder, tiny_onnx: bytes) -> Shell:
    cards.write(tiny_onnx, SHIPPED)
    cards.write(tiny_onnx, SHIPPED.replace("tiny", "absent"), name="extra", pack="optional")
    (cards.path / "tiny.onnx").write_bytes(tiny_onnx)
    return Shell(tmp_path, cards)


def test_the_default_pack_is_pulled(shell: Shell) -> None:
    before = shell("list")
    assert before.exit_code == 0
    assert before.output.count("not pulled yet") == 2
    pulled = shell("pull")
    assert pulled.exit_code == 0
    assert "tiny  installed" in pulled.output
    assert "extra" not in pulled.output
    assert "installed" in shell("list").output
    assert shell("verify").exit_code == 0


def test_what_cant_be_had_has_one_line_and_counts_if_it_was_asked_for(shell: Shell) -> None:
    everything = shell("pull", "--all")
    assert everything.exit_code == Exit.UNAVAILABLE
    assert "1 of 2 installed; could not be had: extra" in everything.output
    (line,) = [line for line in everything.output.splitlines() if line.startswith("extra")]
    assert "shipped absent.onnx: " in line
    assert "No such file" in line
    assert shell("pull", "extra").exit_code == Exit.UNAVAILABLE
    assert "the last pull failed" in shell("list").output


def test_a_default_network_that_cant_be_had_is_an_error(shell: Shell, cards: CardFolder) -> None:
    (cards.path / "tiny.onnx").unlink()
    assert shell("pull").exit_code == Exit.UNAVAILABLE
    assert shell("verify").exit_code == Exit.NO  # nothing installed is not verified


def test_a_mirror_can_be_given(shell: Shell, cards: CardFolder, tmp_path: Path) -> None:
    (cards.path / "tiny.onnx").rename(tmp_path / "tiny.onnx")
    assert shell("pull", "--mirror", str(tmp_path)).exit_code == 0


def test_a_changed_graph_is_found(shell: Shell, tmp_path: Path) -> None:
    shell("pull")
    (tmp_path / "cache/tiny/tiny.onnx").write_bytes(b"other")
    verified = shell("verify", "tiny")
    assert verified.exit_code == Exit.NO
    assert "changed; pull again" in verified.output


def test_export_writes_graph_card_and_hash(shell: Shell, tmp_path: Path) -> None:
    shell("pull")
    assert shell("export", "tiny", "--to", str(tmp_path / "out")).exit_code == 0
    digest = hashlib.sha256((tmp_path / "out/tiny.onnx").read_bytes()).hexdigest()
    assert (tmp_path / "out/tiny.onnx.sha256").read_text().startswith(digest)
    assert shell("export", "extra", "--to", str(tmp_path / "out")).exit_code != 0


def test_a_name_that_isnt_one_is_told(shell: Shell) -> None:
    result = shell("pull", "nonsense")
    assert result.exit_code != 0
    assert "there is no such network" in result.output


def test_the_photos_are_pulled(tmp_path: Path, samples: dict[str, Path]) -> None:
    mirror = next(iter(samples.values())).parent
    result = CliRunner().invoke(
        sample_app, ["pull", "--to", str(tmp_path)], env={"FACEKEY_MODELS_MIRROR": str(mirror)}
    )
    assert result.exit_code == 0
    assert [Path(line).name for line in result.output.splitlines()] == list(samples)
