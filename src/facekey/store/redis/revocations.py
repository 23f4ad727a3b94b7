"""Revoked tokens in Redis."""

from facekey.store.redis.connection import RedisConnection, Script
from facekey.store.redis.envelope import Envelope
from facekey.store.redis.single_use import milliseconds

# Revoking again may make the time longer, never shorter.
REVOKE = Script("""
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
end
return 1
""")


class RedisRevocations:
    """Implements `core.ports.shared.Revocations`."""

    def __init__(self, redis: RedisConnection, envelope: Envelope) -> None:
        """Take the Redis of all replicas."""
        self._redis = redis
        self._envelope = envelope

    async def revoke(self, token_id: str, *, ttl_s: float) -> None:
        """Let a token count no more."""
        await self._redis.run(REVOKE, [self._envelope.key("revoked", token_id)], [milliseconds(ttl_s)])

    async def is_revoked(self, token_id: str) -> bool:
        """Whether it counts no more."""
        return await self._redis.call("EXISTS", self._envelope.key("revoked", token_id)) != 0
