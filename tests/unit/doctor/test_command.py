"""`facekey doctor`: what it prints, and how it ends."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from facekey.cli.main import app
from facekey.doctor.production import PRODUCTION
from facekey.store.sql.migrate import migrate
from tests.unit.doctor.conftest import TOKEN_KEY

Run = Callable[..., Result]
SECRETS = ("5ec7e7", TOKEN_KEY)


@pytest.fixture
def run(new_deployment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line of a new deployment whose networks aren't here, so that nothing is hashed."""
    monkeypatch.setenv("SECRET_KEY", TOKEN_KEY)
    monkeypatch.setenv("FACEKEY_MODELS_DIR", str(tmp_path / "models"))
    return lambda *words: CliRunner().invoke(app, ["doctor", "--timeout", "10", *words])


def test_a_deployment_that_is_not_fit(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:5ec7e7@127.0.0.1:1/0")
    monkeypatch.setenv("FACEKEY_WEBHOOK_URL", "https://hooks.example.org/5ec7e7")
    monkeypatch.setenv("FACEKEY_WEBHOOK_SECRET", TOKEN_KEY)
    migrate(f"sqlite:///{tmp_path}/facekey.db")
    told = run()
    assert told.exit_code == 1, told.output
    assert "not fit for production" in told.output
    for check in PRODUCTION:
        if check.name != "Redis memory":
            assert check.name in told.output
    assert "FACEKEY_PROFILE=production" in told.output
    assert not any(secret in told.output for secret in SECRETS)
    as_json = json.loads(run("--json").stdout)
    assert (as_json["fit"], as_json["state"]) == (False, "fail")
    states = {check["name"]: check["state"] for check in as_json["checks"]}
    assert states["profile"] == states["models"] == "fail"
    assert states["Redis"] == "unknown"
    assert states["root keys"] == states["schema"] == "ok"
    assert not any(secret in str(as_json) for secret in SECRETS)
    assert all(check["mend"] for check in as_json["checks"] if check["state"] != "ok")


@pytest.mark.parametrize(
    ("states", "code", "said"),
    [(("ok", "warn"), 0, "fit for production"), (("ok", "unknown"), 75, "could not be checked")],
)
def test_how_it_ends(
    run: Run, monkeypatch: pytest.MonkeyPatch, states: tuple[str, ...], code: int, said: str
) -> None:
    """Only the checks whose findings are known to be these here."""
    known = {"ok": "CORS", "warn": "alerts", "unknown": "audit log"}
    chosen = tuple(check for check in PRODUCTION if check.name in {known[state] for state in states})
    monkeypatch.setattr("facekey.cli.doctor.PRODUCTION", chosen)
    told = run()
    assert (told.exit_code, said in told.output) == (code, True), told.output
    assert json.loads(run("--json").stdout)["fit"] is (code == 0)


def test_nothing_is_changed(run: Run, tmp_path: Path) -> None:
    run()
    assert [path.name for path in tmp_path.iterdir()] == []
    migrate(f"sqlite:///{tmp_path}/facekey.db")
    with sqlite3.connect(tmp_path / "facekey.db") as connection:
        before = list(connection.iterdump())
    run("--full")
    with sqlite3.connect(tmp_path / "facekey.db") as connection:
        assert list(connection.iterdump()) == before


def test_settings_that_can_not_be_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEKEY_PORT", "many")
    assert run().exit_code == 78


def test_every_item_of_the_list_is_explained() -> None:
    page = (Path(__file__).parents[3] / "docs" / "production.md").read_text(encoding="utf-8")
    for check in PRODUCTION:
        assert f"| {check.name} |" in page or check.name == "alerts sent"
