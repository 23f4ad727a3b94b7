"""What all replicas share, put together on one Redis."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from facekey.core.ports.clocks import Ticker
from facekey.core.ports.measures import UNMEASURED, StoreMeter
from facekey.store.memory import MemoryRateLimiter
from facekey.store.redis.changes import RedisChanges
from facekey.store.redis.connection import RedisConnection
from facekey.store.redis.envelope import Envelope
from facekey.store.redis.rate_limiter import RedisRateLimiter
from facekey.store.redis.revocations import RedisRevocations
from facekey.store.redis.seen_frames import RedisSeenFrames
from facekey.store.redis.single_use import RedisSingleUse
from facekey.store.shared import RATE_KEYS, SeenFramesLimits, Shared


@asynccontextmanager
async def in_redis(
    url: str, *, secret: bytes, ticker: Ticker, frames: SeenFramesLimits, meter: StoreMeter = UNMEASURED
) -> AsyncIterator[Shared]:
    """All of it in Redis; closed again at the end. A Redis that is away is no reason not to begin.

    Args:
        url: redis://, rediss:// or unix://.
        secret: the same for all replicas of a deployment and for nobody else.
        ticker: this process's clock.
        frames: how many frames are kept.
        meter: told how long Redis took to answer.

    Raises:
        SettingsInvalid: the address is none.
    """
    redis, envelope = RedisConnection(url, meter=meter), Envelope(secret)
    changes = RedisChanges(redis, envelope)

    async def check() -> None:
        """Ask for any answer."""
        await redis.call("PING")

    try:
        async with changes.running():
            yield Shared(
                single_use=RedisSingleUse(redis, envelope),
                seen_frames=RedisSeenFrames(redis, envelope, most=frames.most, ttl_s=frames.ttl_s),
                rate_limiter=RedisRateLimiter(
                    redis, envelope, ticker=ticker, alone=MemoryRateLimiter(ticker, most=RATE_KEYS)
                ),
                revocations=RedisRevocations(redis, envelope),
                changes=changes,
                check=check,
            )
    finally:
        await redis.close()
