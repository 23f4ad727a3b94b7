"""The clocks of a process."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `core.ports.clocks.Clock`."""

    def now(self) -> datetime:
        """The time, aware, UTC."""
        return datetime.now(UTC)


class MonotonicTicker:
    """Implements `core.ports.clocks.Ticker`."""

    def seconds(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()
