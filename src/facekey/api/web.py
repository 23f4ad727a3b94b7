"""The web app's files: what the service answers to a browser that opens one of its pages.

The pages are the app's own business: every path that is no part of the API gets the same
`index.html`, and the app shows the page, or says that there is none.
"""

from collections.abc import Iterable
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facekey.api.description import Methods
from facekey.api.rate import route_of

START_PAGE = "index.html"
HASHED = "/assets/"
"""Below it are files whose names change with what is in them."""

FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"

ARIA_STYLE = "'sha256-38RhXrc7EdReTKsOm23ZPOCUgniTUUcjky8QOOrQx6o='"
"""The one style sheet that React Aria writes into the page: what a touch of a button does."""

POLICY = (
    f"default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' {ARIA_STYLE}; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
}
PERMISSIONS = "camera=(self), microphone={}, geolocation=(), payment=(), usb=()"


class WebApp:
    """Answers requests for pages and their files; everything else goes on to the API."""

    def __init__(self, app: ASGIApp, *, folder: Path, microphone: bool = False) -> None:
        """Wrap an application; the web app was built into this folder, and may record with `microphone`."""
        permissions = PERMISSIONS.format("(self)" if microphone else "()")
        self._headers = {**HEADERS, "Permissions-Policy": permissions}
        self._app = app
        self._files = GZipMiddleware(StaticFiles(directory=folder), minimum_size=1000)
        self._folder = folder
        self._reserved: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a file of the app, or the app itself where a browser wants a page."""
        file = self._file_for(scope)
        if file is None:
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Cache-Control"] = FOR_EVER if file.startswith(HASHED) else ASK_EACH_TIME
                headers.update(self._headers)
            await send(message)

        await self._files({**scope, "path": file, "root_path": ""}, receive, dressed)

    def _file_for(self, scope: Scope) -> str | None:
        """Which file answers a request; None when it isn't one for the app."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return None
        path = route_of(scope)
        segment = path.strip("/").partition("/")[0]
        # Asked for late: routes are added after the middleware.
        self._reserved = self._reserved or _first_segments(_paths(scope["app"]))
        if segment in self._reserved:
            return None
        if segment and self._has(path):
            return path
        wants_page = "text/html" in Headers(scope=scope).get("accept", "")
        return f"/{START_PAGE}" if wants_page or not segment else None

    def _has(self, path: str) -> bool:
        """Whether there is such a file; never one outside of the folder."""
        try:
            file = (self._folder / path.lstrip("/")).resolve()
            return file.is_relative_to(self._folder.resolve()) and file.is_file()
        except (OSError, ValueError):  # a name that no file can have
            return False


def _paths(app: Starlette) -> Iterable[str]:
    """All paths of an application: its own routes', and included routers', which its description tells."""
    yield from (str(getattr(route, "path", "")) for route in app.routes)
    described: Methods | None = getattr(app.state, "methods", None)
    yield from () if described is None else described.patterns()


def _first_segments(paths: Iterable[str]) -> frozenset[str]:
    """What these paths begin with: none of it is a page's."""
    return frozenset(path.strip("/").partition("/")[0] for path in paths) - {""}


def built(folder: Path) -> bool:
    """Whether the web app was built there."""
    return (folder / START_PAGE).is_file()
