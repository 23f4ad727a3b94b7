"""Recurrence: frames that come again, told by their hashes.

The figures are from the live clips of the spoof data and a television clip (856 frames, of
people who sit still before a fixed camera, turn and talk). The nearest of all frames a
second or more away differs in at least 26 of the 1,024 bits of the whole frame and in 47 of
the window around the face. Of recordings that are sent again (JPEG quality 40 to 95; full,
three quarter and half size; looked at 15 times and kept 10 times a second) a fifth or more
of the frames are within the lines below, and the fifth of them is there after 0.4 to 4
seconds. Within one session the lines are tighter: a person may come back to the very place.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekey.core.types import FrameHash

WHOLE_BITS, FACE_BITS = 20, 28
LOOP_WHOLE_BITS, LOOP_FACE_BITS = 12, 16
REPLAYED_FRAMES = 5  # one frame may look like another by chance; five don't
LOOP_S = 1.0  # neighbours in time are alike; what comes again later was gone in between
ELSEWHERE_BITS = 60  # how far away that is
MOST_KEPT = 1_000
COARSE = 2  # words that are looked at first

Words = NDArray[np.uint64]


def words(frame_hash: FrameHash) -> tuple[Words, Words]:
    """The two halves, each (16,) uint64.

    Raises:
        ValueError: a half doesn't have 128 bytes.
    """
    halves = frame_hash.whole, frame_hash.face
    if any(len(half) != 128 for half in halves):
        raise ValueError("each half of a frame hash has 128 bytes")
    whole, face = (np.frombuffer(half, np.uint64) for half in halves)
    return whole, face


def bits_apart(kept: Words, probe: Words) -> NDArray[np.int64]:
    """How many bits each kept hash differs in: (N, 16), (16,) to (N,)."""
    apart: NDArray[np.int64] = np.bitwise_count(kept ^ probe).sum(axis=1, dtype=np.int64)
    return apart


def same_frame(
    whole: Words,
    face: Words,
    probe: tuple[Words, Words],
    *,
    whole_bits: int = WHOLE_BITS,
    face_bits: int = FACE_BITS,
) -> NDArray[np.intp]:
    """Which of the kept frames show what the probe shows: (N, 16) twice to (M,) places."""
    # A part that is further away than the whole may be tells already, at an eighth of the work.
    places = np.flatnonzero(bits_apart(whole[:, :COARSE], probe[0][:COARSE]) <= whole_bits)
    places = places[bits_apart(whole[places], probe[0]) <= whole_bits]
    return places[bits_apart(face[places], probe[1]) <= face_bits]


@dataclass(slots=True)
class Loop:
    """Notices when one session's frames come round again: a loop, or frames put in another order."""

    _at_s: list[float] = field(default_factory=list)
    _whole: Words = field(default_factory=lambda: np.empty((0, 16), np.uint64))
    _face: Words = field(default_factory=lambda: np.empty((0, 16), np.uint64))
    _furthest: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    _again: int = 0

    def see(self, frame_hash: FrameHash, at_s: float) -> bool:
        """Take the next frame; true when too many were here before and gone in between."""
        probe = words(frame_hash)
        apart = bits_apart(self._whole, probe[0])
        alike = same_frame(
            self._whole, self._face, probe, whole_bits=LOOP_WHOLE_BITS, face_bits=LOOP_FACE_BITS
        )
        old = np.array(self._at_s)[alike] <= at_s - LOOP_S
        gone = self._furthest[alike] >= ELSEWHERE_BITS
        self._again += bool((old & gone).any())
        if len(self._at_s) < MOST_KEPT:
            self._at_s.append(at_s)
            self._whole = np.vstack((self._whole, probe[0]))
            self._face = np.vstack((self._face, probe[1]))
            self._furthest = np.append(np.maximum(self._furthest, apart), 0)
        return self._again >= REPLAYED_FRAMES
