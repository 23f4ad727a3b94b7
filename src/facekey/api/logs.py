"""Structured logs: one line an event, without faces, names or bodies."""

import logging
import sys
import time
import uuid

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.tracebacks import ExceptionDictTransformer

log = structlog.get_logger(__name__)


def configure(level: str) -> None:
    """Write JSON lines to standard error from this level on."""
    lowest = logging.getLevelNamesMapping()[level.upper()]
    # Libraries stay at warnings: in their debug lines they repeat statements with their values.
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("uvicorn").setLevel(max(lowest, logging.INFO))
    # A filter, because servers that are started by their own command set levels of their own.
    logging.getLogger("uvicorn.access").addFilter(_dropped)
    logging.getLogger("uvicorn.error").addFilter(_names_no_path)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without local variables: among them are keys, names and pictures.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(lowest),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )


def _dropped(_: logging.LogRecord) -> bool:
    """A server's own access log holds paths and query strings, and those hold user ids."""
    return False


def _names_no_path(record: logging.LogRecord) -> bool:
    """The server tells of each WebSocket with its path, and that holds the client's id."""
    return '"WebSocket %s"' not in str(record.msg)


class RequestLog:
    """Gives every request an id, and logs its route, status and time."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # The route's pattern, not the path: a path can hold a user id.
            route = getattr(scope.get("route"), "path", "unmatched")
            duration_ms = round((time.perf_counter() - began) * 1000, 1)
            log.info("request", method=scope["method"], route=route, status=status, duration_ms=duration_ms)
