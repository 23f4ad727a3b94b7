"""How a long pull tells where it is."""

from typing import Protocol


class Progress(Protocol):
    """Whoever wants to watch a pull."""

    def report(self, name: str, step: str, *, done: int = 0, total: int | None = None) -> None:
        """Say where one network is.

        Args:
            name: the network.
            step: what is being done, as a person would say it.
            done: bytes so far.
            total: bytes in all, None when that is not known.
        """
        ...


class Silent:
    """Implements `Progress` for callers that don't watch."""

    def report(self, name: str, step: str, *, done: int = 0, total: int | None = None) -> None:
        """Say nothing."""
