"""The ASGI application: routes, limits, errors, and the start and stop of what is behind them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.formparsers import MultiPartParser
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse

from facekey import __version__
from facekey.api import problems, ws
from facekey.api.limits import BodyLimit
from facekey.api.logs import RequestLog
from facekey.api.routes import authenticate, health, identify, register, system, users
from facekey.api.security import LocalOnly, SecurityHeaders
from facekey.api.service import Service

MAX_FILES = 16  # more than a registration takes, so that eleven photos get the answer that counts them
MAX_FIELDS = 16
FORM_OVERHEAD_BYTES = 64 * 1024

DESCRIPTION = """Face authentication that keeps templates sealed, refuses spoofs and proves what it did.

A face that is turned away is a successful request: HTTP 200 with a `reason`. Only what could not be
decided is an error, told as an RFC 9457 problem with a stable `code`."""


def create_app(opened: AbstractAsyncContextManager[Service] | Service, *, max_image_bytes: int) -> FastAPI:
    """Build the application.

    Args:
        opened: everything behind the API; what isn't open yet is opened when the
            application starts and closed when it stops.
        max_image_bytes: largest picture that is taken.
    """
    max_body_bytes = MAX_FILES * max_image_bytes + FORM_OVERHEAD_BYTES
    # Uploads stay in memory: Starlette would put large ones into files, and a face in a
    # temporary file is a face on a disk.
    MultiPartParser.spool_max_size = max_body_bytes

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with nullcontext(opened) if isinstance(opened, Service) else opened as service:
            app.state.service = service
            yield

    app = FastAPIOffline(
        title="FaceKey",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        form_limits={"max_files": MAX_FILES, "max_fields": MAX_FIELDS},
        responses={
            422: {"model": problems.Problem, "description": "The request can't be used"},
            503: {"model": problems.Problem, "description": "Nothing was decided; try again"},
        },
        middleware=[
            Middleware(RequestLog),
            Middleware(SecurityHeaders),
            Middleware(problems.Defects),
            Middleware(LocalOnly),
            Middleware(BodyLimit, max_bytes=max_body_bytes),
        ],
    )
    problems.install(app)
    app.state.stream_places = set()

    @app.get("/", include_in_schema=False)
    async def start_page() -> RedirectResponse:
        """Whoever opens the address in a browser finds the description of the API."""
        return RedirectResponse("/docs")

    for module in (health, system, register, authenticate, identify, users):
        app.include_router(module.router)
    app.include_router(ws.router)
    return app
