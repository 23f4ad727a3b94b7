"""Single-use keys in Redis."""

import structlog

from facekey.store.redis.connection import RedisConnection, Script
from facekey.store.redis.envelope import Envelope

log = structlog.get_logger(__name__)

GIVEN = b""

# Reading the value and marking it as given is one step: two replicas can't both get it.
TAKE = Script("""
local value = redis.call('GET', KEYS[1])
if value and value ~= '' then
  redis.call('SET', KEYS[1], '', 'KEEPTTL')
end
return value
""")


class RedisSingleUse:
    """Implements `core.ports.shared.SingleUse`. Keys and values can't be read in Redis."""

    def __init__(self, redis: RedisConnection, envelope: Envelope) -> None:
        """Take the Redis of all replicas."""
        self._redis = redis
        self._envelope = envelope

    async def put(self, key: str, value: str, *, ttl_s: float) -> bool:
        """Keep a value under a key for a while; False when the key is taken."""
        name = self._envelope.key("once", key)
        sealed = self._envelope.seal(value.encode("utf-8", "surrogatepass"), key=name)
        return await self._redis.call("SET", name, sealed, "NX", "PX", milliseconds(ttl_s)) is not None

    async def take(self, key: str) -> str | None:
        """Give the value once. The key stays taken until its time is over."""
        name = self._envelope.key("once", key)
        sealed = await self._redis.run(TAKE, [name])
        if not isinstance(sealed, bytes) or sealed == GIVEN:
            return None
        value = self._envelope.open(sealed, key=name)
        if value is None:
            log.error("redis_value_not_ours", kind="once")
            return None
        return value.decode("utf-8", "surrogatepass")


def milliseconds(seconds: float) -> int:
    """As Redis counts; at least one, for nothing else is a time to it."""
    return max(1, round(1000 * seconds))
