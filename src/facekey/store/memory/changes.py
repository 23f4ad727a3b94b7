"""Wake-ups within one process."""

import asyncio
from weakref import WeakSet

from facekey.core.ports.shared import Change


class MemoryListener:
    """Implements `core.ports.shared.Listener`."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._heard: set[Change] = set()
        self._news = asyncio.Event()

    def tell(self, change: Change) -> None:
        """Wake whoever waits. The same change twice before it is asked for is one."""
        self._heard.add(change)
        self._news.set()

    async def wait(self, *, within_s: float) -> frozenset[Change]:
        """What changed since the last call, as soon as anything did; empty when the time is over."""
        try:
            async with asyncio.timeout(within_s):
                await self._news.wait()
        except TimeoutError:
            return frozenset()
        heard = frozenset(self._heard)
        self._heard.clear()
        self._news.clear()
        return heard


class MemoryChanges:
    """Implements `core.ports.shared.Changes`. A listener that nobody holds any more is forgotten."""

    def __init__(self) -> None:
        """Begin without listeners."""
        self._listeners: WeakSet[MemoryListener] = WeakSet()

    def announce(self, change: Change) -> None:
        """Tell everybody in this process."""
        for listener in list(self._listeners):
            listener.tell(change)

    def listen(self) -> MemoryListener:
        """Hear what is announced from now on."""
        listener = MemoryListener()
        self._listeners.add(listener)
        return listener
