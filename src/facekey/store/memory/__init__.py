"""What sessions and requests share, in the memory of one process.

Everything is bounded in number and in time; what that means for the oldest stands with each.
A deployment of several processes needs a shared store behind the same ports (`store.redis`):
here each process knows its own.
"""

from facekey.store.memory.changes import MemoryChanges
from facekey.store.memory.rate_limiter import MemoryRateLimiter
from facekey.store.memory.revocations import MemoryRevocations
from facekey.store.memory.seen_frames import MemorySeenFrames
from facekey.store.memory.single_use import MemorySingleUse

__all__ = [
    "MemoryChanges",
    "MemoryRateLimiter",
    "MemoryRevocations",
    "MemorySeenFrames",
    "MemorySingleUse",
]
