"""Limits on the request itself: how large a body may be and how long it may take to come.

Starlette has a limit of its own that answers in plain text; this one answers, like
everything here, as a problem, and also stops bodies that trickle in.
"""

import asyncio

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facekey.api.problems import http_problem

BODY_TIMEOUT_S = 30.0
MAX_DIGITS = 18


class BodyLimit:
    """Refuses bodies that are too large (413) or too slow (408), before they are all here."""

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout_s: float = BODY_TIMEOUT_S) -> None:
        """Wrap an application."""
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what comes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        too_large = HTTPException(413, f"a request may have {self._max_bytes} bytes at most")
        for declared in Headers(scope=scope).getlist("content-length"):
            if not (declared.isascii() and declared.isdigit()):
                malformed = HTTPException(400, "Content-Length must be a number")
                await http_problem(malformed)(scope, receive, send)
                return
            # Their number first: Python refuses to read numbers of thousands of digits.
            if len(declared) > MAX_DIGITS or int(declared) > self._max_bytes:
                await http_problem(too_large)(scope, receive, send)
                return

        deadline = asyncio.get_running_loop().time() + self._timeout_s
        received, complete = 0, False

        async def counted() -> Message:
            nonlocal received, complete
            if complete:  # now it waits for the client to go away, which may take any time
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(
                    408, f"the body must be here within {self._timeout_s:g} seconds"
                ) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > self._max_bytes:
                raise too_large
            return message

        await self._app(scope, counted, send)
