"""Answers that last for minutes: bounded by themselves, and over when the server stops.

They hold no place among ordinary requests (`api.limits.AtOnce`), but one of their own.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from facekey.api.limits import Places
from facekey.core.errors import FaceKeyError
from facekey.core.ports.clocks import Ticker

MOST, MOST_PER_CALLER = 32, 8
LASTS_S = 600.0
HEARTBEAT_S = 10.0
HEARTBEAT = b"\n"

ENDS = "ends_lasting_answer"
"""Under this name a request's state has what ends its answer early; the server calls it when it stops."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long an answer goes on, and who may still have it.

    Attributes:
        ticker: tells how long it went on.
        still_allowed: raises once the caller may not have it any more; asked at each heartbeat.
        ended: set when the server stops.
    """

    ticker: Ticker
    still_allowed: Callable[[], Awaitable[object]]
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def lines(
        self, found: AsyncGenerator[Sequence[_T], None], line: Callable[[_T], bytes | None]
    ) -> AsyncGenerator[bytes, None]:
        """Each thing as a line, an empty line every ten seconds, and the end.

        Args:
            found: must give something, or nothing, about once a second.
            line: None leaves one out.
        """
        began = beat = self.ticker.seconds()
        try:
            async with aclosing(found):
                async for things in found:
                    lines = [written for thing in things if (written := line(thing)) is not None]
                    if lines:
                        yield b"".join(lines)
                    now = self.ticker.seconds()
                    if self.ended.is_set() or now - began >= LASTS_S:
                        return
                    if now - beat >= HEARTBEAT_S:
                        beat = now
                        await self.still_allowed()
                        yield HEARTBEAT
        except FaceKeyError:
            return  # the head was sent long ago: who comes back is told what is wrong


class LastingResponse(StreamingResponse):
    """Gives its place back when it ends, however it ends."""

    def __init__(self, lines: AsyncGenerator[bytes, None], held: ExitStack, *, media_type: str) -> None:
        """Take the place that is held; it is given back after the last line."""
        super().__init__(lines, media_type=media_type)
        self._lines = lines
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send line after line."""
        with self._held:
            async with aclosing(self._lines):
                await super().__call__(scope, receive, send)


def lasting_place(places: Places, network: str) -> ExitStack:
    """A place for one answer of this network.

    Raises:
        Overloaded: all are taken.
        TooManyAtOnce: this network has as many as one may have.
    """
    with ExitStack() as held:
        held.enter_context(places.one(network, most=MOST, most_per_caller=MOST_PER_CALLER))
        return held.pop_all()
