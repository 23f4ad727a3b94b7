"""Several workers of one gunicorn: one service that counts together and shares its memory."""

import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from facekey.settings import default_models_dir
from tests.e2e.conftest import ROOT, environment, facekey, running

__all__ = ["environment"]  # the fixture

WORKERS = 4
MEGABYTE = 2**20
SHARE = "Pss:"


def gunicorn(workers: int) -> list[str]:
    return [sys.executable, "-m", "gunicorn", "app.main:app", "--workers", str(workers)]


def figures(url: str) -> dict[str, float]:
    """Every figure, labels in the name."""
    answer = httpx.get(f"{url}/metrics", timeout=30).raise_for_status().text
    return {
        sample.name + "".join(f",{value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer)
        for sample in family.samples
    }


def processes(master: int) -> list[int]:
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return [master, *map(int, children)]


def megabytes(pids: list[int]) -> float:
    """Memory of processes, with what they share counted once."""
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith(SHARE)) / 1024


def until_all_run(url: str) -> None:
    deadline = time.monotonic() + 60
    while figures(url)["facekey_processes"] < WORKERS:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def looked_at(url: str, photo: Path, times: int) -> None:
    for _ in range(times):
        answer = httpx.post(f"{url}/api/v1/assess", files={"image": photo.read_bytes()}, timeout=60)
        assert answer.status_code == 200, answer.text


def test_four_workers_count_together_and_share_their_memory(
    environment: dict[str, str], samples: dict[str, Path]
) -> None:
    photo = samples["obama.jpg"]
    with running(gunicorn(1), environment) as (url, process):
        looked_at(url, photo, 4)
        alone = megabytes(processes(process.pid))
    with running(gunicorn(WORKERS), environment) as (url, process):
        until_all_run(url)
        looked_at(url, photo, 24)
        together = megabytes(processes(process.pid))
        told = [figures(url) for _ in range(6)]  # of whichever worker
    assert {one["facekey_requests_total,POST,/api/v1/assess,200"] for one in told} == {24}
    assert {one["facekey_stage_seconds_count,decode"] for one in told} == {24}
    assert {one["facekey_network_seconds_count,facemesh"] for one in told} == {24}
    assert {one["facekey_processes"] for one in told} == {WORKERS}
    assert all(one["facekey_resident_bytes"] < together * 1.5 * MEGABYTE for one in told)
    assert together <= 1.6 * alone + (WORKERS - 1) * 120, (alone, together)


def exit_of(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    ended = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    return ended.returncode, " ".join(ended.stderr.split())


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"ENCRYPTION_KEY": ""}, 78, "ENCRYPTION_KEY is missing"),
        ({"FACEKEY_MATCH_FMR": "0.5"}, 78, "FACEKEY_MATCH_FMR"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/x"}, 75, "database"),
        ({"FACEKEY_PROFILE": "production", "SECRET_KEY": "s" * 40}, 78, "facekey accounts add"),
        ({"FACEKEY_MODELS_DIR": "/nonexistent"}, 70, "facekey models pull"),
        ({"REDIS_URL": "http://elsewhere"}, 78, "REDIS_URL"),
    ],
)
@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_what_cannot_start_says_why_once_and_how_it_ended(
    environment: dict[str, str], server: str, changes: dict[str, str], code: int, said: str
) -> None:
    port = environment["FACEKEY_PORT"]
    command = (
        gunicorn(2)
        if server == "gunicorn"
        else [sys.executable, "-m", "uvicorn", "app.main:app", "--port", port]
    )
    ended, stderr = exit_of(command, {**environment, **changes})
    assert ended == code, stderr
    assert stderr.count("FaceKey can't start:") == 1, stderr
    assert said in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize("lacking", ["retinaface", "liveness_resnet18", "mobilefacenet"])
def test_preflight_names_the_network_that_is_missing(
    environment: dict[str, str], tmp_path: Path, lacking: str
) -> None:
    here = default_models_dir()
    (tmp_path / "models").mkdir()
    for folder in here.iterdir():
        if folder.name != lacking:
            (tmp_path / "models" / folder.name).symlink_to(folder)
    preflight = facekey("preflight")
    assert exit_of(preflight, environment)[0] == 0
    code, stderr = exit_of(preflight, {**environment, "FACEKEY_MODELS_DIR": str(tmp_path / "models")})
    assert (code, "facekey models pull" in stderr) == (70, True), stderr
    assert (lacking if lacking != "mobilefacenet" else "recognition") in stderr


def test_init_db_says_in_one_line_what_stands_in_its_way(environment: dict[str, str]) -> None:
    command = [sys.executable, "-c", "from app.core.database import init_db; init_db()"]
    away = {**environment, "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/x"}
    code, stderr = exit_of(command, away)
    assert (code, "Traceback" in stderr, "the database" in stderr) == (75, False, True)


def test_production_waits_for_somebody_to_upgrade_an_older_schema(environment: dict[str, str]) -> None:
    subprocess.run(facekey("api-keys", "add", "shop"), env=environment, check=True, timeout=60)
    with sqlite3.connect(environment["DATABASE_URL"].removeprefix("sqlite:///")) as database:
        database.execute("DROP TABLE network_choices")
        database.execute("UPDATE alembic_version SET version_num = '0006'")
    production = {
        **environment,
        "FACEKEY_PROFILE": "production",
        "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
    }
    for command in (gunicorn(2), facekey("serve"), facekey("database", "check")):
        code, stderr = exit_of(command, production)
        assert (code, "facekey database upgrade" in stderr) == (78, True), stderr
    assert exit_of(facekey("database", "upgrade"), production)[0] == 0
    assert exit_of(facekey("database", "check"), production)[0] == 0
