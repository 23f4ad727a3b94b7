"""Pace: how often something may happen."""

from facekey.core.ports.clocks import Ticker


class TokenBucket:
    """Lets through `rate_per_s` on average and `burst` at once."""

    def __init__(self, ticker: Ticker, *, rate_per_s: float, burst: float) -> None:
        """Begin full.

        Raises:
            ValueError: it would let nothing through.
        """
        if not rate_per_s > 0 or not burst >= 1:
            raise ValueError("a bucket must let something through")
        self._ticker = ticker
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = burst
        self._filled_s = ticker.seconds()

    def take(self) -> bool:
        """Whether one more is let through now."""
        now_s = self._ticker.seconds()
        # A clock that went back must not empty the bucket.
        self._tokens = min(self._burst, self._tokens + self._rate_per_s * max(0.0, now_s - self._filled_s))
        self._filled_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
