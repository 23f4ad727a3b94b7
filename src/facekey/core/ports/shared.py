"""The plugs of what replicas share, in Redis or in one process."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from facekey.core.types import FrameHash


class SingleUse(Protocol):
    """Things that may happen once: a session id, the answer to a challenge."""

    async def put(self, key: str, value: str, *, ttl_s: float) -> bool:
        """Keep a value under a key for a while; False when the key is taken: nothing was changed.

        Raises:
            StoreUnavailable: it is not known whether the key is free.
        """
        ...

    async def take(self, key: str) -> str | None:
        """Give the value once; None when it was never there, is given already, or is too old.

        Raises:
            StoreUnavailable: the value was not given.
        """
        ...


class SeenFrames(Protocol):
    """The frames of all sessions of the last while, as hashes."""

    async def seen(self, frame_hash: FrameHash, *, session_id: str) -> bool:
        """Whether another session showed this frame, by `core.recurrence.same_frame`.

        Raises:
            StoreUnavailable: it is not known.
        """
        ...

    async def remember(self, frame_hash: FrameHash, *, session_id: str) -> None:
        """Keep a frame of this session.

        Raises:
            StoreUnavailable: it was not kept.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may happen.

    Attributes:
        per_s: on average.
        burst: at once, after a pause.

    Raises:
        ValueError: nothing would be let through.
    """

    per_s: float
    burst: int

    def __post_init__(self) -> None:
        """Refuse a rate that lets nothing through."""
        if not 0 < self.per_s < float("inf") or self.burst < 1:
            raise ValueError("a rate must let something through")


class RateLimiter(Protocol):
    """Counts what callers do, for all replicas together."""

    async def spend(self, key: str, rate: Rate) -> None:
        """Take one from the budget of this key.

        Raises:
            RateLimited: there is none left; says when there will be.
        """
        ...


class Revocations(Protocol):
    """Tokens that don't count any more although their time isn't over."""

    async def revoke(self, token_id: str, *, ttl_s: float) -> None:
        """Let a token count no more; for good once its own time is over, after `ttl_s`.

        Raises:
            StoreUnavailable: it still counts.
        """
        ...

    async def is_revoked(self, token_id: str) -> bool:
        """Whether it counts no more.

        Raises:
            StoreUnavailable: it is not known.
        """
        ...


class Change(StrEnum):
    """What replicas tell each other of. The change itself is in the database."""

    GALLERY = "gallery"
    SETTINGS = "settings"


class Listener(Protocol):
    """Waits for changes."""

    async def wait(self, *, within_s: float) -> frozenset[Change]:
        """What changed since the last call, as soon as anything did; empty when the time is over."""
        ...


class Changes(Protocol):
    """Wakes whoever keeps a copy. A message can be lost, so nobody may rely on one."""

    def announce(self, change: Change) -> None:
        """Tell every replica, this one included. Never waits and never fails."""
        ...

    def listen(self) -> Listener:
        """Hear what is announced from now on."""
        ...
