"""gunicorn's settings for `gunicorn app.main:app`; gunicorn reads them from the folder it is started in.

What stands on its command line counts more: `gunicorn app.main:app --workers 4`. The workers share
what doesn't change, because it is loaded before they part, and count into the same files.
"""

import asyncio
import os
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

# Before anything imports prometheus_client, which looks at this once. In memory where that can be.
_memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_folder = tempfile.mkdtemp(prefix="facekey-metrics-", dir=_memory if os.access(_memory, os.W_OK) else None)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = _folder

from facekey.cli.beginning import uncollected  # noqa: E402

with uncollected():
    from prometheus_client.multiprocess import mark_process_dead

    from app.halt import MASTER, halt
    from facekey.core.errors import FaceKeyError
    from facekey.settings import read_settings
    from facekey.wiring.preflight import preflight

if TYPE_CHECKING:
    from gunicorn.arbiter import Arbiter
    from gunicorn.workers.base import Worker

os.environ[MASTER] = str(os.getpid())
try:
    _settings = read_settings()
except FaceKeyError as error:
    shutil.rmtree(_folder, ignore_errors=True)
    halt(error)

bind = f"{_settings.host}:{_settings.port}"
worker_class = "app.worker.Worker"
preload_app = True
graceful_timeout = 30
control_socket_disable = True  # it would lie in the home folder, which a container may not write to
if os.access(_memory, os.W_OK):
    worker_tmp_dir = str(_memory)  # a slow disk must not make workers look dead


def on_starting(server: "Arbiter") -> None:
    """Look once, before there are workers, whether they could start; load what they share."""
    try:
        asyncio.run(preflight(_settings))
        if server.cfg.workers > 1:
            import_module("app.main").opening.share(server.cfg.workers)
    except FaceKeyError as error:
        shutil.rmtree(_folder, ignore_errors=True)
        halt(error)


def child_exit(_server: "Arbiter", worker: "Worker") -> None:
    """What a worker that ended had open or waiting counts no more; what it counted stays."""
    mark_process_dead(worker.pid)


def on_exit(_server: "Arbiter") -> None:
    """The figures end with the service."""
    shutil.rmtree(_folder, ignore_errors=True)
