"""Who asks, found out before a body is read; and what each route takes, said in its signature."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from facekey.api.address import client_address
from facekey.api.problems import domain_problem
from facekey.api.rate import route_of
from facekey.api.service import Service
from facekey.core.caller import Caller, Permission
from facekey.core.errors import FaceKeyError, NotSignedIn

PROTECTED = "/api/v1/"
METRICS = "/metrics"
SIGN_IN = "/api/v1/auth/"
"""Below it are the routes that one calls in order to have a token."""

SIGN_OUT = "/api/v1/auth/logout"
WHO_AM_I = "/api/v1/auth/me"
SCHEME = "bearer"

DESCRIBED = Security(
    HTTPBearer(auto_error=False, description="An access token from /api/v1/auth/token, or an API key.")
)
"""For routers of protected routes: tells the API's description what a request needs."""


class CallerKnown:
    """Looks the credentials of each request up, and refuses those that don't count.

    Before the body: who may not ask must not fill the memory.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Put the caller into the request's state, or answer 401."""
        if scope["type"] != "http" or not is_protected(route_of(scope)):
            await self._app(scope, receive, send)
            return
        service: Service = scope["app"].state.service
        try:
            caller = await service.know_caller(credential_of(scope), address=client_address(scope))
        except FaceKeyError as error:
            await domain_problem(error)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)


def is_protected(path: str) -> bool:
    """Whether a path is for callers who are known."""
    if path.startswith(SIGN_IN):
        return path in (SIGN_OUT, WHO_AM_I)
    return path.startswith(PROTECTED) or path == METRICS


def credential_of(scope: Scope) -> str | None:
    """The token or key of a request.

    Raises:
        NotSignedIn: there is an Authorization header, and it is not `Bearer ...`, once.
    """
    shown = Headers(scope=scope).getlist("authorization")
    if not shown:
        return None
    scheme, _, credential = shown[0].partition(" ")
    if len(shown) > 1 or scheme.lower() != SCHEME or not credential.strip():
        raise NotSignedIn("write the header once, as: Authorization: Bearer <token or key>")
    return credential.strip()


def _needs(permission: Permission) -> Callable[[Request], Awaitable[Caller]]:
    async def caller(request: Request) -> Caller:
        known: Caller = request.state.caller
        known.require(permission)
        return known

    return caller


Recogniser = Annotated[Caller, Depends(_needs(Permission.RECOGNISE))]
Enroller = Annotated[Caller, Depends(_needs(Permission.ENROL))]
PeopleLister = Annotated[Caller, Depends(_needs(Permission.LIST_PEOPLE))]
Unlocker = Annotated[Caller, Depends(_needs(Permission.UNLOCK))]
RecordReader = Annotated[Caller, Depends(_needs(Permission.READ_RECORDS))]
Administrator = Annotated[Caller, Depends(_needs(Permission.ADMINISTER))]
Watcher = Annotated[Caller, Depends(_needs(Permission.WATCH))]
"""Who may call a route. The name stands in its signature."""


async def _anybody(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


KnownCaller = Annotated[Caller, Depends(_anybody)]
"""Anybody who is signed in."""
