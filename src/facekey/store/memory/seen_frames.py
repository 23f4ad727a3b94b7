"""Seen frames in the memory of one process."""

from dataclasses import dataclass, field

import numpy as np

from facekey.core.ports.clocks import Ticker
from facekey.core.recurrence import same_frame, words
from facekey.core.types import FrameHash

WORDS = 16


@dataclass(frozen=True, slots=True)
class _Owner:
    at_s: float
    session: str = field(repr=False)


class FrameRing:
    """Frames in the order they came, 256 bytes each; a search looks at all of them."""

    def __init__(self, *, most: int, ttl_s: float) -> None:
        """Begin empty.

        Args:
            most: how many frames are kept; the oldest gives way.
            ttl_s: for how long.

        Raises:
            ValueError: none could be kept.
        """
        if most < 1 or not ttl_s > 0:
            raise ValueError("a store of seen frames must hold at least one, for some time")
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

    def seen(self, frame_hash: FrameHash, *, session: str, now_s: float) -> bool:
        """Whether another session showed this frame."""
        self._forget(now_s)
        alike = same_frame(self._whole[: self._used], self._face[: self._used], words(frame_hash))
        owners = (self._owners[place] for place in alike)
        return any(owner is not None and owner.session != session for owner in owners)

    def add(self, frame_hash: FrameHash, *, session: str, at_s: float) -> None:
        """Keep a frame that was shown then; not before the frame that was added last.

        Raises:
            ValueError: a half of the hash doesn't have 128 bytes.
        """
        whole, face = words(frame_hash)
        self._forget(at_s)
        if self._count == len(self._owners):
            self._drop()
        row = (self._oldest + self._count) % len(self._owners)
        self._whole[row], self._face[row] = whole, face
        self._owners[row] = _Owner(at_s, session)
        self._count += 1
        self._used = max(self._used, row + 1)

    def _forget(self, now_s: float) -> None:
        limit_s = now_s - self._ttl_s
        while (owner := self._owners[self._oldest]) is not None and owner.at_s <= limit_s:
            self._drop()

    def _drop(self) -> None:
        self._owners[self._oldest] = None
        self._whole[self._oldest], self._face[self._oldest] = 0, 0
        self._oldest = (self._oldest + 1) % len(self._owners)
        self._count -= 1


class MemorySeenFrames:
    """Implements `core.ports.shared.SeenFrames`."""

    def __init__(self, ticker: Ticker, *, most: int, ttl_s: float) -> None:
        """Begin empty.

        Args:
            ticker: tells how old a frame is.
            most: how many frames are kept.
            ttl_s: for how long.

        Raises:
            ValueError: none could be kept.
        """
        self._ticker = ticker
        self._ring = FrameRing(most=most, ttl_s=ttl_s)

    def __len__(self) -> int:
        return len(self._ring)

    async def seen(self, frame_hash: FrameHash, *, session_id: str) -> bool:
        """Whether another session showed this frame."""
        return self._ring.seen(frame_hash, session=session_id, now_s=self._ticker.seconds())

    async def remember(self, frame_hash: FrameHash, *, session_id: str) -> None:
        """Keep a frame of this session; the oldest gives way."""
        self._ring.add(frame_hash, session=session_id, at_s=self._ticker.seconds())
