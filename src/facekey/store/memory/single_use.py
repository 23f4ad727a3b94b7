"""Single-use keys in the memory of one process."""

from collections import OrderedDict

from facekey.core.ports.clocks import Ticker


class MemorySingleUse:
    """Implements `core.ports.shared.SingleUse`. The oldest go first."""

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
