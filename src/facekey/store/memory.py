"""What sessions share, in the memory of one process: single-use keys and seen frames.

Both are bounded in number and in time; the oldest go first. A deployment of several
processes needs a shared store behind the same ports: here each process knows its own.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from facekey.core.ports import Ticker
from facekey.core.recurrence import same_frame, words
from facekey.core.types import FrameHash

WORDS = 16


class MemorySingleUse:
    """Implements `core.ports.SingleUse`."""

    def __init__(self, ticker: Ticker, *, most: int) -> None:
        """Begin empty.

        Args:
            ticker: tells how old a key is.
            most: how many keys are kept.

        Raises:
            ValueError: none could be kept.
        """
        if most < 1:
            raise ValueError("a store of single-use keys must hold at least one")
        self._ticker = ticker
        self._most = most
        self._kept: OrderedDict[str, tuple[float, str | None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    async def put(self, key: str, value: str, *, ttl_s: float) -> bool:
        """Keep a value under a key for a while; False when the key is taken."""
        now_s = self._ticker.seconds()
        held = self._kept.get(key)
        if held is not None and held[0] > now_s:
            return False
        self._kept.pop(key, None)
        while len(self._kept) >= self._most:
            self._kept.popitem(last=False)
        self._kept[key] = (now_s + ttl_s, value)
        return True

    async def take(self, key: str) -> str | None:
        """Give the value once. The key stays taken until its time is over."""
        held = self._kept.get(key)
        if held is None or held[0] <= self._ticker.seconds():
            return None
        self._kept[key] = (held[0], None)
        return held[1]


@dataclass(frozen=True, slots=True)
class _Owner:
    at_s: float
    session_id: str = field(repr=False)


class MemorySeenFrames:
    """Implements `core.ports.SeenFrames`. 256 bytes a frame; a search looks at all of them."""

    def __init__(self, ticker: Ticker, *, most: int, ttl_s: float) -> None:
        """Begin empty.

        Args:
            ticker: tells how old a frame is.
            most: how many frames are kept.
            ttl_s: for how long.

        Raises:
            ValueError: none could be kept.
        """
        if most < 1 or not ttl_s > 0:
            raise ValueError("a store of seen frames must hold at least one, for some time")
        self._ticker = ticker
        self._ttl_s = ttl_s
        # Two rings side by side, the whole of them there from the start; word by word, because
        # a search reads the first words of all frames and hardly any other.
        self._whole = np.zeros((most, WORDS), np.uint64, order="F")
        self._face = np.zeros((most, WORDS), np.uint64, order="F")
        self._owners: list[_Owner | None] = [None] * most
        self._oldest = 0
        self._count = 0
        self._used = 0  # rows from here on were never written

    def __len__(self) -> int:
        return self._count

    async def seen(self, frame_hash: FrameHash, *, session_id: str) -> bool:
        """Whether another session showed this frame."""
        self._forget()
        alike = same_frame(self._whole[: self._used], self._face[: self._used], words(frame_hash))
        owners = (self._owners[place] for place in alike)
        return any(owner is not None and owner.session_id != session_id for owner in owners)

    async def remember(self, frame_hash: FrameHash, *, session_id: str) -> None:
        """Keep a frame of this session; the oldest gives way."""
        whole, face = words(frame_hash)
        self._forget()
        if self._count == len(self._owners):
            self._drop()
        row = (self._oldest + self._count) % len(self._owners)
        self._whole[row], self._face[row] = whole, face
        self._owners[row] = _Owner(self._ticker.seconds(), session_id)
        self._count += 1
        self._used = max(self._used, row + 1)

    def _forget(self) -> None:
        limit_s = self._ticker.seconds() - self._ttl_s
        while (owner := self._owners[self._oldest]) is not None and owner.at_s <= limit_s:
            self._drop()

    def _drop(self) -> None:
        self._owners[self._oldest] = None
        self._whole[self._oldest], self._face[self._oldest] = 0, 0
        self._oldest = (self._oldest + 1) % len(self._owners)
        self._count -= 1
