"""The one table from errors to HTTP answers (RFC 9457 problem details).

Each problem has a stable `code` for programs and a `detail` for people. What could tell
an attacker about the inside (keys, database, networks) is logged, and the answer gives a
fixed sentence instead.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facekey.core.errors import (
    AccessRefused,
    AccountExists,
    AccountUnknown,
    AuditBroken,
    FaceAlreadyEnrolled,
    FaceKeyError,
    ForeignPage,
    InputInvalid,
    KeyUnavailable,
    ModelError,
    NotAllowed,
    Overloaded,
    PasswordChangeRequired,
    RegistrationRefused,
    SealBroken,
    SpoofUnknown,
    StoreUnavailable,
    SubjectExists,
    SubjectUnknown,
    TooMany,
    Unavailable,
)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:facekey:problem:"
MAX_FAULTS, MAX_DEPTH, MAX_FIELD = 20, 8, 64
"""What a refusal of a request tells of it, at most."""

log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    code: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How one kind of error is told.

    Attributes:
        code: None takes the error's own.
        detail: None takes the error's own sentence, which is then fit for clients.
    """

    status: HTTPStatus
    code: str | None = None
    detail: str | None = None


INPUT_STATUS = {
    "image_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "image_too_many_pixels": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "image_format_unsupported": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "audio_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "audio_too_long": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "audio_format_unsupported": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
"""Faults of the input that have a status of their own; all others are 422."""

# The first row that fits is taken: the particular before the general.
TABLE: tuple[tuple[type[FaceKeyError], Answer], ...] = (
    (FaceAlreadyEnrolled, Answer(HTTPStatus.CONFLICT)),
    (RegistrationRefused, Answer(HTTPStatus.UNPROCESSABLE_ENTITY)),
    (SubjectExists, Answer(HTTPStatus.CONFLICT, "user_exists")),
    (SubjectUnknown, Answer(HTTPStatus.NOT_FOUND, "user_unknown")),
    (SpoofUnknown, Answer(HTTPStatus.NOT_FOUND, "spoof_unknown")),
    (NotAllowed, Answer(HTTPStatus.FORBIDDEN)),
    (PasswordChangeRequired, Answer(HTTPStatus.FORBIDDEN)),
    (ForeignPage, Answer(HTTPStatus.FORBIDDEN)),
    (AccessRefused, Answer(HTTPStatus.UNAUTHORIZED)),
    (AccountExists, Answer(HTTPStatus.CONFLICT, "account_exists")),
    (AccountUnknown, Answer(HTTPStatus.NOT_FOUND, "account_unknown")),
    (TooMany, Answer(HTTPStatus.TOO_MANY_REQUESTS)),
    (
        Overloaded,
        Answer(HTTPStatus.SERVICE_UNAVAILABLE, detail="too many requests are waiting; try again shortly"),
    ),
    (
        StoreUnavailable,
        Answer(
            HTTPStatus.SERVICE_UNAVAILABLE,
            detail="the database did not answer; nothing was decided or changed; try again",
        ),
    ),
    (
        KeyUnavailable,
        Answer(
            HTTPStatus.SERVICE_UNAVAILABLE,
            detail="stored templates can't be opened with the key at hand; an operator must restore it",
        ),
    ),
    (Unavailable, Answer(HTTPStatus.SERVICE_UNAVAILABLE, detail="nothing was decided; try again")),
    (
        SealBroken,
        Answer(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "template_unreadable",
            "a stored template was changed or damaged; nothing was decided; an operator must look at it",
        ),
    ),
    (
        AuditBroken,
        Answer(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "audit_broken",
            "the audit log was changed or damaged; nothing is decided until an operator has looked at it",
        ),
    ),
    (
        ModelError,
        Answer(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "model_error",
            "a network did not answer as it must; nothing was decided; an operator must look at it",
        ),
    ),
)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    extra: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem as a response."""
    body = Problem(
        type=TYPE_PREFIX + code,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
    )
    return JSONResponse(
        {**body.model_dump(), **(extra or {})},
        int(status),
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


HTTP_CODES = {
    400: "request_malformed",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_too_slow",
    413: "request_too_large",
    503: "overloaded",
}


def tell(error: FaceKeyError) -> tuple[str, str]:
    """The stable code of an error and a sentence fit for clients, where there is no HTTP status."""
    if isinstance(error, InputInvalid):
        return error.code, str(error)
    for kind, answer in TABLE:
        if isinstance(error, kind):
            if answer.detail is not None:
                log.error("stream_not_decided", error=type(error).__name__, cause=str(error))
            return answer.code or str(getattr(error, "code", "error")), answer.detail or str(error)
    log.error("defect", error=type(error).__name__, exc_info=error)
    return "internal_error", "FaceKey has a defect here; the log of the service has the details"


def http_problem(error: HTTPException) -> JSONResponse:
    """The framework's own refusals, in the same form as ours."""
    code = HTTP_CODES.get(error.status_code, "http_error")
    return problem(error.status_code, code, str(error.detail), headers=error.headers)


class Defects:
    """Answers what nobody foresaw with a problem, too.

    It stands inside the request log and the security headers; the framework's own place
    for this is outside of them.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; tell the client of a defect as long as nothing was sent."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            answer = _defect(error)
            if started:
                raise  # the server cuts the connection, so that half an answer isn't taken for one
            await answer(scope, receive, send)


def install(app: FastAPI) -> None:
    """Answer every error of this application as a problem."""
    app.add_exception_handler(FaceKeyError, _domain_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)


def retry_after_s(error: FaceKeyError) -> int | None:
    """When to come back, in whole seconds and at least one; None when that helps nobody."""
    if isinstance(error, TooMany | Unavailable):
        return max(1, math.ceil(error.retry_after_s))
    return None


async def _domain_error(_request: Request, error: Exception) -> JSONResponse:
    return domain_problem(error)


def domain_problem(error: Exception) -> JSONResponse:
    """An error of the domain, as the table says."""
    if isinstance(error, InputInvalid):
        status = INPUT_STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)
        return problem(status, error.code, str(error))
    for kind, answer in TABLE:
        if isinstance(error, kind):
            if answer.detail is not None:
                log.error("request_not_decided", error=type(error).__name__, cause=str(error))
            code = answer.code or str(getattr(error, "code", "error"))
            extra = {"samples": list(error.samples)} if isinstance(error, RegistrationRefused) else None
            wait_s = retry_after_s(error)
            headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
            if answer.status is HTTPStatus.UNAUTHORIZED:
                headers["WWW-Authenticate"] = "Bearer"
            return problem(answer.status, code, answer.detail or str(error), extra=extra, headers=headers)
    return _defect(error)


async def _invalid_request(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):  # the handler is installed for it alone
        raise error
    # Names of fields can be the client's own: no answer is longer for what was sent.
    faults = [
        {
            "field": ".".join(str(part)[:MAX_FIELD] for part in fault["loc"][:MAX_DEPTH]),
            "message": fault["msg"],
        }
        for fault in error.errors()[:MAX_FAULTS]
    ]
    summary = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
    return problem(422, "request_invalid", summary, extra={"faults": faults})


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):  # the handler is installed for it alone
        raise error
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework names the methods of the first route that has the path.
        allowed = request.app.state.methods.allowed(request.url.path)
        error.headers = {"Allow": allowed} if allowed else error.headers
    return http_problem(error)


def _defect(error: Exception) -> JSONResponse:
    log.error("defect", error=type(error).__name__, exc_info=error)
    return problem(500, "internal_error", "FaceKey has a defect here; the log of the service has the details")
