"""Seen frames of all replicas: a stream in Redis, and a copy of it in the memory of each replica.

A search compares with every frame there is, which Redis can't do. So each replica has the
frames in memory and takes in what is new before each search: a frame that any replica
remembered before is there.
"""

import asyncio
import secrets

import structlog

from facekey.core.errors import StoreUnavailable
from facekey.core.types import FrameHash
from facekey.store.memory.seen_frames import FrameRing
from facekey.store.redis.connection import RedisConnection, Script
from facekey.store.redis.envelope import NAME_BYTES, Envelope
from facekey.store.redis.single_use import milliseconds

log = structlog.get_logger(__name__)

CHUNK = 250  # opened between two turns of the event loop: about 5 ms
HALF_BYTES = 128

# A stream that begins anew (Redis lost its data, or nothing was shown for so long that all of
# it is over) gets another mark: places in the one before mean nothing in it.
REMEMBER = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('SET', KEYS[2], ARGV[4])
end
redis.call('XADD', KEYS[1], 'MAXLEN', '=', ARGV[2], '*', 'f', ARGV[1])
redis.call('XTRIM', KEYS[1], 'MINID', '=', string.format('%.0f', now - ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
""")

READ = Script("""
local time = redis.call('TIME')
local mark = redis.call('GET', KEYS[2]) or ''
local from = ARGV[2]
if mark ~= ARGV[1] or from == '' then from = '-' else from = '(' .. from end
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {now, mark, redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[3])}
""")


class RedisSeenFrames:
    """Implements `core.ports.shared.SeenFrames`. Sealed: the hash of a frame is a small picture of a face."""

    def __init__(self, redis: RedisConnection, envelope: Envelope, *, most: int, ttl_s: float) -> None:
        """Begin with an empty copy; the first search fills it.

        Args:
            redis: the Redis of all replicas.
            envelope: what it may see.
            most: how many frames are kept, of all replicas together.
            ttl_s: for how long.

        Raises:
            ValueError: none could be kept.
        """
        self._ring = FrameRing(most=most, ttl_s=ttl_s)
        self._redis = redis
        self._envelope = envelope
        self._most = most
        self._ttl_ms = milliseconds(ttl_s)
        self._keys = envelope.key("frames"), envelope.key("frames-mark")
        self._mark = b""
        self._last = b""
        self._now_s = 0.0  # by Redis's clock
        self._reading = asyncio.Lock()
        self._asked = 0
        self._answered = 0

    def __len__(self) -> int:
        return len(self._ring)

    async def seen(self, frame_hash: FrameHash, *, session_id: str) -> bool:
        """Whether another session showed this frame, to whichever replica."""
        await self._catch_up()
        session = self._envelope.digest(session_id).hex()
        return self._ring.seen(frame_hash, session=session, now_s=self._now_s)

    async def remember(self, frame_hash: FrameHash, *, session_id: str) -> None:
        """Keep a frame of this session; the oldest gives way."""
        if (len(frame_hash.whole), len(frame_hash.face)) != (HALF_BYTES, HALF_BYTES):
            raise ValueError("each half of a frame hash has 128 bytes")
        entry = self._envelope.digest(session_id) + frame_hash.whole + frame_hash.face
        sealed = self._envelope.seal(entry, key=self._keys[0])
        await self._redis.run(REMEMBER, self._keys, [sealed, self._most, self._ttl_ms, secrets.token_hex(8)])

    async def _catch_up(self) -> None:
        """Take in what was remembered before this call began.

        Whoever asks while another reads waits for the next reading, which then serves all who
        wait: one question at a time, however many sessions there are.
        """
        self._asked += 1
        ticket = self._asked
        async with self._reading:
            if self._answered >= ticket:
                return
            serves = self._asked
            while await self._read_chunk() == CHUNK:
                pass
            self._answered = serves

    async def _read_chunk(self) -> int:
        answer = await self._redis.run(READ, self._keys, [self._mark, self._last, CHUNK])
        match answer:
            case [int(now_ms), bytes(mark), list(entries)]:
                pass
            case _:
                raise StoreUnavailable("Redis did not answer as it must: not a stream")
        if mark != self._mark:
            self._mark, self._last = mark, b""
        self._now_s = now_ms / 1000
        foreign = sum(not self._take_in(place, fields) for place, fields in entries)
        if foreign:
            # Whoever can write these can delete ours as well: refusing to go on would gain nothing.
            log.error("redis_value_not_ours", kind="frames", entries=foreign)
        if entries:
            self._last = entries[-1][0]
        return len(entries)

    def _take_in(self, place: bytes, fields: list[bytes]) -> bool:
        """Keep one entry of the stream; false when it is none of ours."""
        entry = self._envelope.open(fields[1], key=self._keys[0])
        if entry is None or len(entry) != NAME_BYTES + 2 * HALF_BYTES:
            return False
        session, halves = entry[:NAME_BYTES].hex(), entry[NAME_BYTES:]
        frame_hash = FrameHash(halves[:HALF_BYTES], halves[HALF_BYTES:])
        self._ring.add(frame_hash, session=session, at_s=int(place.partition(b"-")[0]) / 1000)
        return True
