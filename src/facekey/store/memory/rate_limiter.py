"""Rate limits in the memory of one process."""

from collections import OrderedDict

from facekey.core.errors import RateLimited
from facekey.core.ports.clocks import Ticker
from facekey.core.ports.shared import Rate


class MemoryRateLimiter:
    """Implements `core.ports.shared.RateLimiter` by the generic cell rate algorithm.

    Each key has one number: the moment at which its budget is whole again. Whoever would
    move it further ahead than a burst lasts has to wait.
    """

    def __init__(self, ticker: Ticker, *, most: int) -> None:
        """Begin with every budget whole.

        Args:
            ticker: tells how much of a budget came back.
            most: how many keys are kept. The one that was used longest ago goes first, and
                begins anew with a whole budget.

        Raises:
            ValueError: none could be kept.
        """
        if most < 1:
            raise ValueError("a rate limiter must hold at least one key")
        self._ticker = ticker
        self._most = most
        self._whole_at_s: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._whole_at_s)

    async def spend(self, key: str, rate: Rate) -> None:
        """Take one from the budget of this key."""
        now_s = self._ticker.seconds()
        # No further ahead than a whole burst: a rate may have become higher meanwhile.
        burst_s = rate.burst / rate.per_s
        whole_at_s = min(max(self._whole_at_s.get(key, now_s), now_s), now_s + burst_s)
        wait_s = whole_at_s + 1 / rate.per_s - burst_s - now_s
        if wait_s > 1e-9:  # what floats lose
            raise RateLimited(f"too many requests; try again in {wait_s:.1f} seconds", retry_after_s=wait_s)
        self._whole_at_s[key] = whole_at_s + 1 / rate.per_s
        self._whole_at_s.move_to_end(key)
        while len(self._whole_at_s) > self._most:
            self._whole_at_s.popitem(last=False)
