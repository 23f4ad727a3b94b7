"""Rate limits in Redis, for all replicas together."""

import structlog

from facekey.core.errors import RateLimited, StoreUnavailable
from facekey.core.ports.clocks import Ticker
from facekey.core.ports.shared import Rate, RateLimiter
from facekey.store.redis.connection import RedisConnection, Script
from facekey.store.redis.envelope import Envelope

log = structlog.get_logger(__name__)

REST_S = 2.0  # after a failure Redis is left alone for so long: no request waits for a dead one

# The generic cell rate algorithm, in milliseconds of Redis's own clock; replicas' clocks have no
# say. Gives how long to wait, 0 when one was taken.
SPEND = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local whole = tonumber(redis.call('GET', KEYS[1]) or '') or now
whole = math.min(math.max(whole, now), now + burst)
local wait = whole + interval - burst - now
if wait > 0.001 then
  return math.ceil(wait)
end
redis.call('SET', KEYS[1], string.format('%.3f', whole + interval), 'PX', math.ceil(whole + interval - now))
return 0
""")


class RedisRateLimiter:
    """Implements `core.ports.shared.RateLimiter`.

    While Redis is away each replica counts for itself: a caller then gets at most as many
    budgets as there are replicas, which is better than turning everybody away, and better
    than counting nobody.
    """

    def __init__(
        self, redis: RedisConnection, envelope: Envelope, *, ticker: Ticker, alone: RateLimiter
    ) -> None:
        """Take the Redis of all replicas, and what counts without it."""
        self._redis = redis
        self._envelope = envelope
        self._ticker = ticker
        self._alone = alone
        self._rest_until_s: float | None = None

    async def spend(self, key: str, rate: Rate) -> None:
        """Take one from the budget of this key."""
        if self._rest_until_s is None or self._ticker.seconds() >= self._rest_until_s:
            try:
                wait_ms = await self._ask(key, rate)
            except StoreUnavailable as error:
                self._rest(error)
            else:
                self._back()
                if wait_ms > 0:
                    raise RateLimited(
                        f"too many requests; try again in {wait_ms / 1000:.1f} seconds",
                        retry_after_s=wait_ms / 1000,
                    )
                return
        await self._alone.spend(key, rate)

    async def _ask(self, key: str, rate: Rate) -> int:
        name = self._envelope.key("rate", key)
        interval_ms, burst_ms = 1000 / rate.per_s, 1000 * rate.burst / rate.per_s
        answer = await self._redis.run(SPEND, [name], [repr(interval_ms), repr(burst_ms)])
        return answer if isinstance(answer, int) else 0

    def _rest(self, error: StoreUnavailable) -> None:
        if self._rest_until_s is None:
            log.warning("rate_limits_per_process", cause=str(error))
        self._rest_until_s = self._ticker.seconds() + REST_S

    def _back(self) -> None:
        if self._rest_until_s is not None:
            log.info("rate_limits_shared_again")
            self._rest_until_s = None
