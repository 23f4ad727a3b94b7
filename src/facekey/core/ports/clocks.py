"""The plugs of time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The time, aware, UTC."""
        ...


class Ticker(Protocol):
    """A clock that nobody can set: it tells durations, not the time of day."""

    def seconds(self) -> float:
        """Seconds since some moment; never goes back."""
        ...
