"""`uvicorn app.main:app`: the service for any ASGI server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from app.halt import halt
from facekey.api.app import create_app
from facekey.api.logs import configure
from facekey.api.service import Service
from facekey.core.errors import FaceKeyError
from facekey.doctor.serving import make_doctor
from facekey.settings import Settings, read_settings
from facekey.wiring.limits import doors, request_limits
from facekey.wiring.service import open_service
from facekey.wiring.web import web_app


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Service]:
    async with AsyncExitStack() as stack:
        try:
            service = await stack.enter_async_context(open_service(settings))
        except FaceKeyError as error:
            halt(error)
        yield service


try:
    _settings = read_settings()
    configure(_settings.log_level)
    app = create_app(
        _opened(_settings),
        max_image_bytes=_settings.max_image_bytes,
        doors=doors(_settings),
        limits=request_limits(_settings),
        doctor=make_doctor(_settings),
        web=web_app(_settings),
    )
except FaceKeyError as error:
    halt(error)
