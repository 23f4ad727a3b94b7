"""Counts and times every request under its route's pattern."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facekey.api.meters import UNMATCHED
from facekey.api.rate import route_of
from facekey.api.service import Service


class RequestsCounted:
    """Tells the service's meters of each request, however it ended."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            service: Service = scope["app"].state.service
            seconds = time.perf_counter() - began
            service.meters.answered(scope["method"], _pattern(scope), status, seconds)


def _pattern(scope: Scope) -> str:
    """The route's pattern; also of a request that was refused before it came to its route."""
    route = getattr(scope.get("route"), "path", None)
    if isinstance(route, str):
        return route
    pattern: str | None = scope["app"].state.methods.pattern(route_of(scope))
    return UNMATCHED if pattern is None else pattern
