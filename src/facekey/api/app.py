"""The ASGI application: routes, limits, errors, and the start and stop of what is behind them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import RedirectResponse

from facekey import __version__
from facekey.api import problems, ws
from facekey.api.access import CallerKnown
from facekey.api.address import Network
from facekey.api.counted import RequestsCounted
from facekey.api.description import describe, responses
from facekey.api.examined import Doctor
from facekey.api.limits import AtOnce, BodyLimit, Places, RequestLimits
from facekey.api.logs import RequestLog
from facekey.api.rate import RateLimits
from facekey.api.routes import (
    accounts,
    adaptation,
    assess,
    audit,
    auth,
    authenticate,
    bias,
    health,
    identify,
    metrics,
    privacy,
    register,
    spoofs,
    system,
    users,
    voice,
)
from facekey.api.security import LocalOnly, SecurityHeaders
from facekey.api.service import Service
from facekey.api.web import WebApp

MAX_FILES = 16  # more than a registration takes, so that eleven photos get the answer that counts them
MAX_FIELDS = 16
FORM_OVERHEAD_BYTES = 64 * 1024

DESCRIPTION = """Face authentication that keeps templates sealed, refuses spoofs and proves what it did.

A face that is turned away is a successful request: HTTP 200 with a `reason`. Only what could not be
decided is an error, told as an RFC 9457 problem with a stable `code`."""


@dataclass(frozen=True, slots=True)
class Doors:
    """From where and by whom the application is reached.

    Attributes:
        open_to_this_machine: no accounts are asked for, and nobody else is let in.
        https: the public address has TLS.
        trusted_proxies: networks whose word on a client's address is believed.
        cors_origins: web pages elsewhere that may call the API.
        microphone: pages of the web app may ask for it.
    """

    open_to_this_machine: bool = True
    https: bool = False
    trusted_proxies: tuple[Network, ...] = ()
    cors_origins: tuple[str, ...] = ()
    microphone: bool = False


def create_app(
    opened: AbstractAsyncContextManager[Service] | Service,
    *,
    max_image_bytes: int,
    doors: Doors | None = None,
    limits: RequestLimits | None = None,
    doctor: Doctor | None = None,
    web: Path | None = None,
    within: Sequence[Middleware] = (),
) -> FastAPI:
    """Build the application.

    Args:
        opened: everything behind the API; what isn't open yet is opened when the
            application starts and closed when it stops.
        max_image_bytes: largest picture that is taken.
        doors: who may come in; left out, this machine only.
        limits: what all requests together may ask for.
        doctor: what examines the deployment when an operator asks; left out, nobody does.
        web: folder of the built web app; left out, browsers find the description of the API.
        within: what else each request passes through, inside of the log and the counters.
    """
    limits = limits or RequestLimits()
    doors = doors or Doors()
    max_body_bytes = MAX_FILES * max_image_bytes + FORM_OVERHEAD_BYTES
    # Uploads stay in memory: Starlette would put large ones into files, and a face in a
    # temporary file is a face on a disk.
    MultiPartParser.spool_max_size = max_body_bytes

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with nullcontext(opened) if isinstance(opened, Service) else opened as service:
            app.state.service = service
            app.state.methods.prepare()
            yield

    app = FastAPIOffline(
        title="FaceKey",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        form_limits={"max_files": MAX_FILES, "max_fields": MAX_FIELDS},
        responses=responses(),
        middleware=[
            Middleware(RequestLog),
            Middleware(RequestsCounted),
            *within,
            Middleware(SecurityHeaders, https=doors.https),
            Middleware(problems.Defects),
            *_entrance(doors),
            *([] if web is None else [Middleware(WebApp, folder=web, microphone=doors.microphone)]),
            Middleware(RateLimits),
            Middleware(AtOnce, limits=limits),
            Middleware(CallerKnown),
            Middleware(BodyLimit, max_bytes=max_body_bytes, all_bytes=limits.body_bytes_at_once),
        ],
    )
    problems.install(app)
    describe(app)
    app.state.doctor = doctor
    app.state.stream_places = Places()
    app.state.lasting_places = Places()
    app.state.https = doors.https
    app.state.trusted_proxies = doors.trusted_proxies

    @app.get("/", include_in_schema=False)
    async def start_page() -> RedirectResponse:
        """Without the web app, whoever opens the address in a browser finds the description of the API."""
        return RedirectResponse("/docs")

    for module in (
        *(health, auth, system, assess, register, authenticate, identify, users, adaptation, bias, accounts),
        *(audit, privacy, spoofs, voice),
    ):
        app.include_router(module.router)
    app.include_router(auth.keys)
    app.include_router(metrics.router)
    app.include_router(audit.keys)
    app.include_router(ws.router)
    return app


def _entrance(doors: Doors) -> list[Middleware]:
    if doors.open_to_this_machine:
        return [Middleware(LocalOnly)]
    if not doors.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=list(doors.cors_origins),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After", "X-Request-ID"],
            max_age=600,
        )
    ]
