"""A gunicorn worker with FaceKey's limits on connections: `--worker-class app.worker.Worker`.

`uvicorn.workers.UvicornWorker` works as well; it then takes a proxy to bound slow and endless headers.
"""

from typing import Any

from uvicorn.workers import UvicornWorker

from app.halt import halt
from facekey.api.server import GuardedHttp
from facekey.core.errors import FaceKeyError
from facekey.settings import read_settings

try:
    _settings = read_settings()
except FaceKeyError as error:
    halt(error)


class Worker(UvicornWorker):
    """One process of the service."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - as in uvicorn
        "loop": "auto",
        "http": GuardedHttp,
        "limit_concurrency": _settings.max_connections,
        "proxy_headers": False,  # api/address.py finds out where a request comes from
        "server_header": False,
        "ws_per_message_deflate": False,  # pictures are compressed already
    }
