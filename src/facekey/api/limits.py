"""Limits on requests: how large a body may be, how long it may take to come, how many at once.

Starlette has a limit of its own that answers in plain text; this one answers, like
everything here, as a problem, and also stops bodies that trickle in.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facekey.api.address import client_address
from facekey.api.problems import domain_problem, http_problem
from facekey.api.rate import FREE_PATHS, LASTING_PATHS, RECOGNITION_PATHS, network_of, route_of
from facekey.core.errors import FaceKeyError, Overloaded, TooManyAtOnce

BODY_TIMEOUT_S = 30.0
MAX_DIGITS = 18
MEGABYTE = 1024 * 1024
SMALL_BODY_BYTES = 64 * 1024
"""For requests without pictures. Some of them may be sent by anybody, and JSON and forms take
many times their size while they are read."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What all requests together may ask of the process.

    Attributes:
        at_once: requests that are worked on.
        at_once_per_address: of them, from one address: one slow caller doesn't take all places.
        body_bytes_at_once: bodies that are held in memory. One of the largest always fits.

    Raises:
        ValueError: a limit would let nothing through.
    """

    at_once: int = 256
    at_once_per_address: int = 64
    body_bytes_at_once: int = 256 * MEGABYTE

    def __post_init__(self) -> None:
        """Refuse limits that let nothing through."""
        if min(self.at_once, self.at_once_per_address, self.body_bytes_at_once) < 1:
            raise ValueError("the limits of requests are positive")


class Places:
    """So many at once, and so many for each caller."""

    def __init__(self) -> None:
        """Begin with all of them free."""
        self._taken: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many are taken."""
        return self._taken.total()

    @contextmanager
    def one(self, caller: str, *, most: int, most_per_caller: int) -> Iterator[None]:
        """Hold one of `most` places as long as this is open.

        Raises:
            Overloaded: all are taken.
            TooManyAtOnce: this caller has as many as one may have.
        """
        if self._taken.total() >= most:
            raise Overloaded("all places are taken")
        if self._taken[caller] >= most_per_caller:
            raise TooManyAtOnce(most_per_caller)
        self._taken[caller] += 1
        try:
            yield
        finally:
            self._taken[caller] -= 1
            if not self._taken[caller]:
                del self._taken[caller]  # whoever was here once is not remembered


class AtOnce:
    """Answers 503 while too many requests are worked on, and 429 to who has too many of them."""

    def __init__(self, app: ASGIApp, *, limits: RequestLimits) -> None:
        """Wrap an application."""
        self._app = app
        self._limits = limits
        self._places = Places()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if there is room."""
        if scope["type"] != "http" or route_of(scope) in FREE_PATHS:
            await self._app(scope, receive, send)
            return
        caller, limits = network_of(client_address(scope)), self._limits
        place = self._places.one(caller, most=limits.at_once, most_per_caller=limits.at_once_per_address)
        with ExitStack() as held:
            try:
                held.enter_context(place)
            except FaceKeyError as refusal:
                await domain_problem(refusal)(scope, receive, send)
                return

            async def until_it_begins(message: Message) -> None:
                held.close()  # from here on it has a place of its own (api/lasting.py)
                await send(message)

            lasting = route_of(scope) in LASTING_PATHS
            await self._app(scope, receive, until_it_begins if lasting else send)


class BodyLimit:
    """Refuses bodies that are too large (413) or too slow (408), before they are all here.

    And bodies for which there is no room now (503): what other requests hold counts as it comes,
    not as it is announced, so that announcing much and sending little keeps nobody out.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int,
        timeout_s: float = BODY_TIMEOUT_S,
        all_bytes: int | None = None,
    ) -> None:
        """Wrap an application; `all_bytes` is for all bodies together, and never less than one's.

        `max_bytes` is for requests that bring pictures; all others are small.
        """
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._all_bytes = max(max_bytes, all_bytes or 0)
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what comes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        max_bytes = self._max_bytes
        if route_of(scope) not in RECOGNITION_PATHS:
            max_bytes = min(max_bytes, SMALL_BODY_BYTES)
        too_large = HTTPException(413, f"such a request may have {max_bytes} bytes at most")
        for declared in Headers(scope=scope).getlist("content-length"):
            if not (declared.isascii() and declared.isdigit()):
                malformed = HTTPException(400, "Content-Length must be a number")
                await http_problem(malformed)(scope, receive, send)
                return
            # Their number first: Python refuses to read numbers of thousands of digits.
            if len(declared) > MAX_DIGITS or int(declared) > max_bytes:
                await http_problem(too_large)(scope, receive, send)
                return
            if self._held_bytes + int(declared) > self._all_bytes:
                await http_problem(_no_room())(scope, receive, send)
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
            came = len(message.get("body", b""))
            received += came
            self._held_bytes += came
            complete = not message.get("more_body", False)
            if received > max_bytes:
                raise too_large
            if self._held_bytes > self._all_bytes:
                raise _no_room()
            return message

        try:
            await self._app(scope, counted, send)
        finally:
            self._held_bytes -= received


def _no_room() -> HTTPException:
    return HTTPException(503, "too many pictures are held at once; try again", headers={"Retry-After": "1"})
