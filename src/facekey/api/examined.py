"""The doctor's list inside the running service: examined when somebody asks, at most once a minute."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from facekey.core.ports.clocks import Clock, Ticker

EVERY_S = 60.0

State = Literal["ok", "warn", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Item:
    """One finding.

    Attributes:
        name: of the item of the list that it belongs to; an item can have several findings.
        verdict: `unknown` could not be checked, which is not the same as fit.
        found: one sentence.
        advice: what to do; None when there is nothing.
    """

    name: str
    verdict: State
    found: str
    advice: str | None


@dataclass(frozen=True, slots=True)
class Examined:
    """The whole list as it was at one time."""

    at: datetime
    checks: tuple[Item, ...]


class Examination(Protocol):
    """Looks at this deployment from inside a service."""

    async def __call__(self) -> Sequence[Item]:
        """Every finding, in the order of the list. One check that fails stops no other."""
        ...


class Doctor:
    """Has the deployment examined, once for all who ask."""

    def __init__(self, examination: Examination, *, clock: Clock, ticker: Ticker) -> None:
        """Take who examines; `facekey.doctor` stands above the API and is handed in."""
        self._examination = examination
        self._clock = clock
        self._ticker = ticker
        self._lock = asyncio.Lock()
        self._last: Examined | None = None
        self._ended_s = 0.0

    async def __call__(self) -> Examined:
        """The last list, if it isn't older than a minute; else a new one. One examination at a time."""
        async with self._lock:
            last = self._last
            if last is None or self._ticker.seconds() - self._ended_s >= EVERY_S:
                at = self._clock.now()
                last = self._last = Examined(at, tuple(await self._examination()))
                self._ended_s = self._ticker.seconds()
            return last
