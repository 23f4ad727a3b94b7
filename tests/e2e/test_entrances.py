"""Every documented way to start FaceKey, and how it says no."""

import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from facekey.store.keys.encryption_key import EncryptionKey
from tests.e2e.conftest import ROOT, facekey, running

SETTINGS_EXIT, UNAVAILABLE_EXIT = 78, 75


def entrances(port: str) -> dict[str, list[str]]:
    python = sys.executable
    return {
        "facekey serve": facekey("serve"),
        "uvicorn": [python, "-m", "uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", port],  # noqa: S104
        "gunicorn": [
            *(python, "-m", "gunicorn", "app.main:app", "--workers", "2", "--bind", f"127.0.0.1:{port}"),
            *("--worker-class", "uvicorn.workers.UvicornWorker"),
        ],
    }


@pytest.mark.parametrize("name", ["facekey serve", "uvicorn", "gunicorn"])
def test_documented_commands_start_the_service(name: str, environment: dict[str, str]) -> None:
    with running(entrances(environment["FACEKEY_PORT"])[name], environment) as (url, _):
        assert httpx.get(f"{url}/api/v1/system/info").json()["total_users"] == 0


def test_the_tour_runs(environment: dict[str, str], samples: dict[str, Path]) -> None:
    with running(facekey("serve"), environment) as (url, _):
        tour = subprocess.run(
            [
                *(sys.executable, "examples/quickstart.py", "--url", url),
                *("--photos", str(samples["obama.jpg"].parent)),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert tour.returncode == 0, tour.stderr
    steps = [line.strip() for line in tour.stdout.splitlines()]
    assert "4 of 5 are in the template" in steps
    assert [step for step in steps if step.startswith(("accepted:", "refused:"))] == [
        "accepted: live_match",
        "refused: no_match",
        "refused: no_match",
        "refused: no_match",
    ]
    assert "tour-obama (1 people compared)" in steps
    assert "unknown (1 people compared)" in steps


def test_the_tour_says_what_is_missing(tmp_path: Path) -> None:
    tour = subprocess.run(
        [sys.executable, "examples/quickstart.py", "--url", "http://127.0.0.1:9"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert tour.returncode == 1
    assert "make run" in tour.stderr


def test_the_command_line_does_the_whole_job(environment: dict[str, str], samples: dict[str, Path]) -> None:
    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            facekey(*(str(word) for word in words)),
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert "nobody is enrolled yet" in run("users", "list").stdout
    photos = [
        samples[f"{name}.jpg"]
        for name in ("obama", "obama_partial_face", "obama_partial_face2", "obama2", "obama2")
    ]
    registered = run("register", "alice", *photos)
    assert registered.returncode == 0, registered.stderr
    assert "alice is registered with 4 of 5 photos" in registered.stdout
    again = run("register", "alice", *photos)
    assert (again.returncode, "registered already" in again.stderr) == (1, True)
    accepted = run("authenticate", "alice", samples["obama3.jpg"])
    assert (accepted.returncode, "accepted: live_match" in accepted.stdout) == (0, True)
    refused = run("authenticate", "alice", samples["biden.jpg"], "--json")
    assert (refused.returncode, '"reason": "no_match"' in refused.stdout) == (1, True)
    assert "alice" in run("identify", samples["obama3.jpg"]).stdout
    assert run("identify", samples["biden.jpg"]).returncode == 1
    assert '"samples": 4' in run("users", "show", "alice").stdout
    assert "alice" in run("users", "list").stdout
    assert run("register", "bad/id", *photos).returncode == 65
    assert run("authenticate", "alice", ROOT / "README.md").returncode == 65
    assert "alice is erased" in run("users", "erase", "alice", "--yes").stdout
    assert run("users", "erase", "alice", "--yes").returncode == 1
    assert "every link holds" in run("audit", "verify").stdout


def test_init_db_under_its_documented_name(environment: dict[str, str], tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", "from app.core.database import init_db; init_db()"],
        env=environment,
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    assert (tmp_path / "facekey.db").stat().st_size > 0


SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"ENCRYPTION_KEY": ""}, SETTINGS_EXIT, "ENCRYPTION_KEY is missing"),
        ({"ENCRYPTION_KEY": "change-me"}, SETTINGS_EXIT, "facekey keys new"),
        ({"ENCRYPTION_KEY": "A" * 43 + "="}, SETTINGS_EXIT, "could be guessed"),
        ({"DATABASE_URL": "mysql://x/y"}, SETTINGS_EXIT, "DATABASE_URL"),
        ({"FACEKEY_MATCH_FMR": "0.5"}, SETTINGS_EXIT, "FACEKEY_MATCH_FMR"),
        ({"FACEKEY_HOST": "0.0.0.0"}, SETTINGS_EXIT, "listens on 127.0.0.1 only"),  # noqa: S104
        ({"FACEKEY_PROFILE": "open"}, SETTINGS_EXIT, "FACEKEY_PROFILE"),
        ({"FACEKEY_PROFILE": "production", "SECRET_KEY": SECRET}, SETTINGS_EXIT, "facekey accounts add"),
        ({"FACEKEY_MODELS_DIR": "/nonexistent"}, 70, "facekey models pull"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(
    environment: dict[str, str], changes: dict[str, str], code: int, said: str
) -> None:
    refused = subprocess.run(
        facekey("serve"),
        env={**environment, **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
    )
    assert refused.returncode == code, refused.stderr
    assert said in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr
    for secret in (environment["ENCRYPTION_KEY"], "change-me"):
        assert secret not in refused.stderr


def test_production_without_a_secret_key(environment: dict[str, str]) -> None:
    subprocess.run(facekey("api-keys", "add", "shop"), env=environment, timeout=60, check=True)
    production = {**environment, "FACEKEY_PROFILE": "production", "SECRET_KEY": ""}
    refused = subprocess.run(
        facekey("serve"), env=production, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == SETTINGS_EXIT
    assert "SECRET_KEY needs" in " ".join(refused.stderr.split())


def test_a_taken_port_is_named(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environment["FACEKEY_PORT"]))):
        refused = subprocess.run(
            facekey("serve"), env=environment, capture_output=True, text=True, timeout=60, check=False
        )
    assert refused.returncode == SETTINGS_EXIT
    assert "choose another with --port" in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


def test_another_key_is_refused_at_the_start(environment: dict[str, str]) -> None:
    assert subprocess.run(facekey("users", "list"), env=environment, timeout=60, check=False).returncode == 0
    changed = {**environment, "ENCRYPTION_KEY": EncryptionKey.generate().written()}
    refused = subprocess.run(
        facekey("serve"), env=changed, capture_output=True, text=True, timeout=60, check=False
    )
    assert refused.returncode == UNAVAILABLE_EXIT
    assert "not the key of this database" in " ".join(refused.stderr.split())
