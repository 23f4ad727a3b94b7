"""A real service in a process of its own, on a fresh database, for measuring from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from facekey.store.keys.encryption_key import EncryptionKey

STARTUP_TIMEOUT_S = 60.0
RATES = ("READING", "READING_BURST", "RECOGNITION", "RECOGNITION_BURST")


@dataclass(frozen=True, slots=True)
class Server:
    """A service that answers.

    Attributes:
        url: where.
        process_id: of the service.
        startup_s: from starting the process to the first healthy answer.
    """

    url: str
    process_id: int
    startup_s: float

    def resident_mb(self) -> float:
        """Memory that the process holds now."""
        status = Path(f"/proc/{self.process_id}/status").read_text()
        kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
        return int(kilobytes) / 1024


def deployment(folder: Path) -> dict[str, str]:
    """The environment of a deployment of its own: a new key, an empty database, a free port."""
    return {
        **os.environ,
        "ENCRYPTION_KEY": EncryptionKey.generate().written(),
        "DATABASE_URL": f"sqlite:///{folder}/bench.db",
        "FACEKEY_PORT": str(_free_port()),
        "FACEKEY_LOG_LEVEL": "error",
        # All requests come from one address here, and it isn't the budgets that are measured.
        **{f"FACEKEY_RATE_{name}": "100000" for name in RATES},
        "FACEKEY_MAX_REQUESTS_PER_ADDRESS": "1000",
        "FACEKEY_STREAM_CONNECTIONS_PER_ADDRESS": "1000",
    }


@contextmanager
def running_server(environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start `facekey serve` and stop it at the end.

    Args:
        environment: of the service; left out, a deployment of its own.

    Raises:
        TimeoutError: it didn't get healthy.
    """
    with TemporaryDirectory() as folder:
        environment = dict(environment or deployment(Path(folder)))
        url = f"http://127.0.0.1:{environment['FACEKEY_PORT']}"
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "facekey", "serve"], env=environment)
        try:
            _wait(url, process)
            yield Server(url, process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait(10)


def facekey(environment: Mapping[str, str], *words: str) -> str:
    """Run a command of the deployment; the last line that it prints.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    done = subprocess.run(
        [sys.executable, "-m", "facekey", *words],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"facekey {' '.join(words)}: {done.returncode}: {done.stdout}{done.stderr}")
    return (done.stdout.strip().splitlines() or [""])[-1]


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTUP_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise TimeoutError("the service didn't get healthy")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
