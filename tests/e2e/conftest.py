"""The service as a user starts it: real processes, real ports."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx
import pytest

from facekey.store.keys.encryption_key import EncryptionKey
from facekey.zoo.zoo import Zoo

ROOT = Path(__file__).parents[2]
HEALTHY_TIMEOUT_S = 60.0


@pytest.fixture
def environment(tmp_path: Path, zoo: Zoo) -> dict[str, str]:
    """A deployment of its own: a new key and an empty database."""
    return {
        **os.environ,
        "ENCRYPTION_KEY": EncryptionKey.generate().written(),
        "DATABASE_URL": f"sqlite:///{tmp_path}/facekey.db",
        "FACEKEY_PORT": str(free_port()),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def facekey(*words: str) -> list[str]:
    return [sys.executable, "-m", "facekey", *words]


@contextmanager
def running(
    command: list[str], environment: Mapping[str, str], *, log_to: Path | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A service process that answers, and its address; what it logs goes to a file."""
    url = f"http://127.0.0.1:{environment['FACEKEY_PORT']}"
    # Not a pipe: nobody reads it while the service runs, and a full one would stop it.
    with tempfile.TemporaryFile("w+") if log_to is None else log_to.open("w+") as log:
        process = subprocess.Popen(
            command, env=dict(environment), cwd=ROOT, stderr=log, text=True, start_new_session=True
        )
        try:
            _until_healthy(url, process, log)
            yield url, process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _until_healthy(url: str, process: subprocess.Popen[str], log: IO[str]) -> None:
    deadline = time.monotonic() + HEALTHY_TIMEOUT_S
    while True:
        try:
            if httpx.get(f"{url}/health", timeout=10).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.05)
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            log.seek(0)
            pytest.fail(f"the service did not start: {log.read()}")
