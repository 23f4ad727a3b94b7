"""The application as the settings want it."""

from app.halt import halt
from app.opening import Opening
from facekey.api.app import create_app
from facekey.api.logs import configure
from facekey.core.errors import FaceKeyError
from facekey.doctor.serving import make_doctor
from facekey.settings import read_settings
from facekey.wiring.limits import doors, request_limits
from facekey.wiring.traces import make_tracing
from facekey.wiring.web import web_app

try:
    _settings = read_settings()
    configure(_settings.log_level)
    _tracing = make_tracing(_settings)
    opening = Opening(_settings, _tracing)
    app = create_app(
        opening.service(),
        max_image_bytes=_settings.max_image_bytes,
        doors=doors(_settings),
        limits=request_limits(_settings),
        doctor=make_doctor(_settings),
        web=web_app(_settings),
        within=_tracing.within,
    )
except FaceKeyError as error:
    halt(error)
