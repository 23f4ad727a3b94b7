"""Where the web app is, if it was built."""

from pathlib import Path

from facekey.api.web import built
from facekey.settings import Settings


def web_app(settings: Settings) -> Path | None:
    """The folder of the built web app; None where there is none, and only the API is served."""
    return settings.web_dir if built(settings.web_dir) else None
