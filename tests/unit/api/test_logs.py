import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from facekey.api.logs import RequestLog
from tests.unit.api.requests import ask, scope

SPEAKING = """
import asyncio, logging, logging.config, sys

import structlog
from uvicorn.config import LOGGING_CONFIG

from facekey.api.logs import RequestLog, configure
from facekey.api.problems import Defects
from tests.unit.api.requests import ask

before, after = sys.argv[1] == "before", sys.argv[1] == "after"
if before:
    logging.config.dictConfig(LOGGING_CONFIG)
configure("debug")
if after:  # gunicorn --preload, uvicorn --reload
    logging.config.dictConfig(LOGGING_CONFIG)

logging.getLogger("uvicorn.access").info(
    '%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "POST", "/api/v1/delete_user?user_id=SECRET", "1.1", 200
)
logging.getLogger("sqlalchemy.engine").debug("executing %s", ("SELECT ... WHERE user_id = ?", ("SECRET",)))
logging.getLogger("sqlalchemy.engine").info("SECRET")
logging.getLogger("uvicorn.error").info("started")
logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', "127.0.0.1:1", "/ws/SECRET")


async def application(scope, receive, send):
    embedding, key = "SECRET face", "SECRET key"
    raise RuntimeError("no names here")


asyncio.run(ask(RequestLog(Defects(application)), "GET", "/api/v1/users/SECRET", query=b"user_id=SECRET"))
structlog.get_logger().debug("at the lowest level")
"""


@pytest.mark.parametrize("moment", ["before", "after", "never"])
def test_no_secret_reaches_the_log_of_a_process(moment: str) -> None:
    spoken = subprocess.run(
        [sys.executable, "-c", SPEAKING, moment],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = spoken.stdout + spoken.stderr
    for expected in ("started", '"event": "defect"', "no names here", '"status": 500', "at the lowest level"):
        assert expected in said
    assert "SECRET" not in said


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v1/users/john_doe", "/api/v1/users/{user_id}"),
        ("/api/v1/users/john/doe", "unmatched"),
        ("/john_doe", "unmatched"),
        ("/health", "/health"),
    ],
)
async def test_a_request_is_logged_by_its_pattern(app: FastAPI, path: str, route: str) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = await ask(app, path=path, query=b"user_id=john_doe")
    (entry,) = logged
    assert (entry["event"], entry["route"], entry["status"]) == ("request", route, answer.status)
    assert entry["duration_ms"] >= 0
    assert "john" not in str(logged)


async def test_a_request_that_breaks_off_is_logged_as_failed() -> None:
    async def breaks(_: Scope, __: Receive, ___: Send) -> None:
        raise RuntimeError("broken")

    with structlog.testing.capture_logs() as logged, pytest.raises(RuntimeError):
        await ask(RequestLog(breaks))
    assert [(entry["event"], entry["status"]) for entry in logged] == [("request", 500)]


async def test_what_is_no_request_is_not_logged() -> None:
    reached: list[str] = []

    async def inside(given: Scope, *_: object) -> None:
        reached.append(given["type"])

    with structlog.testing.capture_logs() as logged:
        await RequestLog(inside)({**scope(), "type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert (reached, logged) == (["lifespan"], [])
