"""A stage for the stream: a clock that tests turn, frames that say what was prepared, known chance."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from facekey.core.challenge import Action
from facekey.core.errors import ImageRefused
from facekey.core.types import Glimpse, Liveness
from facekey.services.stream import StreamPolicy
from facekey.store.memory import MemorySeenFrames, MemorySingleUse
from tests.unit.core.glimpsed import glimpse

_T = TypeVar("_T")


@dataclass
class HandTicker:
    """Implements `core.ports.clocks.Ticker`: time stands until a test moves it."""

    now_s: float = 1000.0

    def seconds(self) -> float:
        return self.now_s


@dataclass
class Stage:
    """Implements `core.ports.vision.Watcher` and `core.challenge.Random`, and holds what streams share.

    Attributes:
        actions: what the next challenges ask for.
        scores: the liveness of whole sessions.
    """

    actions: list[Action] = field(default_factory=lambda: [Action.TURN_LEFT, Action.BLINK])
    scores: float = 0.95
    policy: StreamPolicy = field(default_factory=StreamPolicy)
    ticker: HandTicker = field(default_factory=HandTicker)
    prepared: dict[bytes, Glimpse | Exception] = field(default_factory=dict)
    judged: list[Sequence[Glimpse]] = field(default_factory=list)
    drawn: int = 0

    def __post_init__(self) -> None:
        self.single_use = MemorySingleUse(self.ticker, most=100)
        self.seen_frames = MemorySeenFrames(self.ticker, most=1000, ttl_s=3600.0)

    async def glimpse(self, image: bytes, *, at_s: float) -> Glimpse:
        await asyncio.sleep(0)
        said = self.prepared.get(image, ImageRefused("image_corrupt", "the picture can't be read"))
        if isinstance(said, Exception):
            raise said
        return replace(said, at_s=at_s)

    async def liveness(self, glimpses: Sequence[Glimpse]) -> Liveness:
        self.judged.append(glimpses)
        return Liveness(self.scores, {})

    def picture(self, said: Glimpse | Exception) -> bytes:
        """A new frame that says this."""
        image = json.dumps({"frame": len(self.prepared)}).encode()
        self.prepared[image] = said
        return image

    def face(self, **what: object) -> bytes:
        """A new frame of a face that looks like this."""
        number = len(self.prepared)
        return self.picture(glimpse(0.0, picture=number, **what))  # type: ignore[arg-type]

    def sample(self, population: tuple[_T, ...], k: int) -> list[_T]:
        assert set(self.actions) <= set(population)
        return list(self.actions[:k])  # type: ignore[arg-type]

    def randint(self, a: int, b: int) -> int:
        assert a <= len(self.actions) <= b
        return len(self.actions)

    def getrandbits(self, k: int) -> int:
        self.drawn += 1
        return self.drawn
