"""The service beside a real Redis that comes and goes."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import facekey, running
from tests.servers import RedisServer

SETTINGS_EXIT = 78
PATIENCE_S = 20.0


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, ("--requirepass", "hunter2"))
    server.start()
    yield server
    server.stop()


def until_status(url: str, status: int) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = httpx.get(url, timeout=10)
        if answer.status_code == status:
            return answer
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.1)


def test_readiness_follows_redis_and_logs_hold_no_password(
    environment: dict[str, str], own_redis: RedisServer, tmp_path: Path
) -> None:
    environment["REDIS_URL"] = f"redis://:hunter2@127.0.0.1:{own_redis.port}/0"
    log = tmp_path / "log.txt"
    with running(facekey("serve"), environment, log_to=log) as (url, process):
        own_redis.stop()
        away = until_status(f"{url}/health/ready", 503)
        assert away.json()["code"] == "store_unavailable"
        assert away.headers["retry-after"] == "1"
        assert httpx.get(f"{url}/health/live", timeout=10).status_code == 200
        # What Redis has no part in goes on.
        assert httpx.get(f"{url}/api/v1/users", timeout=10).status_code == 200
        own_redis.start()
        until_status(f"{url}/health/ready", 200)
        process.terminate()
        process.wait(timeout=30)
    said = log.read_text()
    assert "StoreUnavailable" in said
    assert "hunter2" not in said + away.text
    assert str(own_redis.port) not in away.text


@pytest.mark.parametrize("url", ["localhost:6379", "redis://:hunter2@localhost:many/0"])
def test_an_address_that_is_none_stops_the_start(environment: dict[str, str], url: str) -> None:
    refused = subprocess.run(
        facekey("serve"),
        env={**environment, "REDIS_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
    )
    assert refused.returncode == SETTINGS_EXIT, refused.stderr
    assert "REDIS_URL" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "hunter2" not in refused.stderr


def test_uvicorns_own_command_takes_the_guarded_protocol(environment: dict[str, str]) -> None:
    command = [
        *(sys.executable, "-m", "uvicorn", "app.main:app", "--port", environment["FACEKEY_PORT"]),
        *("--http", "facekey.api.server:GuardedHttp", "--no-proxy-headers", "--limit-concurrency", "10"),
    ]
    port = int(environment["FACEKEY_PORT"])
    with running(command, environment), socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nX-Endless: " + b"a" * 70_000)
        assert client.recv(1000).startswith(b"HTTP/1.1 431 ")


def test_the_worker_of_gunicorn_counts_for_all_processes(
    environment: dict[str, str], own_redis: RedisServer
) -> None:
    environment["REDIS_URL"] = f"redis://:hunter2@127.0.0.1:{own_redis.port}/0"
    environment["FACEKEY_RATE_READING"], environment["FACEKEY_RATE_READING_BURST"] = "0.001", "5"
    command = [
        *(sys.executable, "-m", "gunicorn", "app.main:app", "--workers", "2"),
        *("--worker-class", "app.worker.Worker", "--bind", f"127.0.0.1:{environment['FACEKEY_PORT']}"),
    ]
    with running(command, environment) as (url, _):
        # A connection each, so that both processes are asked; and a name each, which counts for nothing.
        answers = [
            httpx.get(f"{url}/api/v1/users", headers={"X-Forwarded-For": f"127.0.0.{number}"}, timeout=10)
            for number in range(2, 12)
        ]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 5
    assert int(answers[-1].headers["retry-after"]) > 900
