import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from facekey.cli.main import app
from facekey.store.keys.encryption_key import EncryptionKey

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line of a deployment whose keys are in a file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/facekey.db")
    monkeypatch.setenv("FACEKEY_KEY_PROVIDER", "file")
    monkeypatch.setenv("FACEKEY_KEY_FILE", str(tmp_path / "root.keys"))
    return lambda *words: CliRunner().invoke(app, ["keys", *words])


def uses(run: Run) -> list[tuple[int, bool]]:
    told = run("status", "--json")
    assert told.exit_code == 0, told.output
    return [(use["version"], use["current"]) for use in json.loads(told.stdout)]


def test_from_the_first_key_to_the_third(run: Run) -> None:
    added = run("add")
    assert added.exit_code == 0, added.output
    assert "version 1 is in" in added.output
    assert run("rotate").exit_code == 0
    assert uses(run) == [(1, True)]
    assert "version 1 seals" in run("add", "--later").output
    assert uses(run) == [(1, True)]
    assert run("use", "2").exit_code == 0
    assert uses(run) == [(1, False)]
    assert "facekey keys rotate" in run("status").output
    assert "wrapped again" in run("rotate").output
    assert uses(run) == [(2, True)]
    assert "version 3 seals" in run("add").output
    assert run("use", "4").exit_code == 78


def test_a_new_key_for_face_tokens(run: Run) -> None:
    assert run("add").exit_code == 0
    for _ in range(2):
        renewed = run("renew-face-tokens")
        assert renewed.exit_code == 0, renewed.output
    assert "restart" in renewed.output


def test_a_key_that_is_gone_is_told(run: Run, tmp_path: Path) -> None:
    assert run("add").exit_code == 0
    assert run("rotate").exit_code == 0
    (tmp_path / "root.keys").rename(tmp_path / "lost.keys")
    assert run("status").exit_code == 78
    assert run("add").exit_code == 0
    told = run("status")
    assert told.exit_code == 1
    assert "not at hand" in told.output
    rotated = run("rotate")
    assert rotated.exit_code == 75
    assert "is not the key of this database" in " ".join(rotated.output.split())


def test_keys_of_the_environment_are_put_there_by_hand(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEKEY_KEY_PROVIDER", "environment")
    for words in (("add",), ("use", "1")):
        refused = run(*words)
        assert refused.exit_code == 78
        assert "facekey keys new" in " ".join(refused.output.split())
    made = run("new", "--version", "3")
    assert EncryptionKey.parse(made.output).version == 3
    assert run("new", "--version", "0").exit_code == 2
