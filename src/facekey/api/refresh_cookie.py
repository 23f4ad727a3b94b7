"""The refresh token of a web app, in a cookie: no script reads it, and no other site's page uses it.

The browser keeps it from scripts (HttpOnly), from other sites (SameSite) and from all other
paths. What says that a page of another site asks is looked at here as well: SameSite lets
pages of other hosts of the same site through, and browsers differ.
"""

from starlette.requests import Request
from starlette.responses import Response

from facekey.core.errors import ForeignPage

NAME = "facekey_refresh"
PATH = "/api/v1/auth"


def put(response: Response, request: Request, token: str, *, lasts_s: int) -> None:
    """Give the browser a token to keep."""
    response.set_cookie(
        NAME,
        token,
        max_age=lasts_s,
        path=_path(request),
        secure=request.app.state.https,
        httponly=True,
        samesite="strict",
    )


def clear(response: Response, request: Request) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        NAME, path=_path(request), secure=request.app.state.https, httponly=True, samesite="strict"
    )


def require_own_page(request: Request) -> None:
    """Go on only when nothing says that a page of another origin asks.

    A program that is no browser sends neither header, and has no cookie that isn't its own.

    Raises:
        ForeignPage: one does.
    """
    headers = request.headers
    if any(site != "same-origin" for site in headers.getlist("sec-fetch-site")):
        raise ForeignPage
    schemes = ("https",) if request.app.state.https else ("http", "https")
    own = {f"{scheme}://{host}".lower() for scheme in schemes for host in headers.getlist("host")[:1]}
    if any(origin.lower() not in own for origin in headers.getlist("origin")):
        raise ForeignPage


def _path(request: Request) -> str:
    """As the browser sees it: with what a proxy puts before it."""
    root: str = request.scope.get("root_path", "")
    return root + PATH
