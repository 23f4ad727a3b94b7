"""What all requests share, and all replicas where there are several."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from facekey.core.ports.clocks import Ticker
from facekey.core.ports.shared import Changes, RateLimiter, Revocations, SeenFrames, SingleUse
from facekey.store.memory import (
    MemoryChanges,
    MemoryRateLimiter,
    MemoryRevocations,
    MemorySeenFrames,
    MemorySingleUse,
)

SINGLE_USE_KEYS = 100_000  # session ids and challenges that are remembered as used
REVOCATIONS = 100_000
RATE_KEYS = 100_000


@dataclass(frozen=True, slots=True)
class SeenFramesLimits:
    """How many frames replays are looked for among, and for how long."""

    most: int
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Shared:
    """One adapter for each port.

    Attributes:
        check: returns when the store behind them answers.

    Raises:
        StoreUnavailable: by `check`: it does not.
    """

    single_use: SingleUse
    seen_frames: SeenFrames
    rate_limiter: RateLimiter
    revocations: Revocations
    changes: Changes
    check: Callable[[], Awaitable[None]]


def in_process(ticker: Ticker, frames: SeenFramesLimits) -> Shared:
    """All of it in the memory of this process: right when there is no other."""

    async def always_there() -> None:
        """Memory doesn't go away."""

    return Shared(
        single_use=MemorySingleUse(ticker, most=SINGLE_USE_KEYS),
        seen_frames=MemorySeenFrames(ticker, most=frames.most, ttl_s=frames.ttl_s),
        rate_limiter=MemoryRateLimiter(ticker, most=RATE_KEYS),
        revocations=MemoryRevocations(ticker, most=REVOCATIONS),
        changes=MemoryChanges(),
        check=always_there,
    )
