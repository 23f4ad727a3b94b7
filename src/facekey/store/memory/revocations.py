"""Revoked tokens in the memory of one process."""

from facekey.core.errors import StoreUnavailable
from facekey.core.ports.clocks import Ticker


class MemoryRevocations:
    """Implements `core.ports.shared.Revocations`. A full store refuses: forgetting would let one in again."""

    def __init__(self, ticker: Ticker, *, most: int) -> None:
        """Begin with nothing revoked.

        Args:
            ticker: tells when a token's own time is over.
            most: how many are kept.

        Raises:
            ValueError: none could be kept.
        """
        if most < 1:
            raise ValueError("a store of revocations must hold at least one")
        self._ticker = ticker
        self._most = most
        self._until_s: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._until_s)

    async def revoke(self, token_id: str, *, ttl_s: float) -> None:
        """Let a token count no more."""
        now_s = self._ticker.seconds()
        if len(self._until_s) >= self._most and token_id not in self._until_s:
            self._until_s = {one: until_s for one, until_s in self._until_s.items() if until_s > now_s}
            if len(self._until_s) >= self._most:
                raise StoreUnavailable("no more tokens can be revoked until earlier ones are over")
        self._until_s[token_id] = max(now_s + ttl_s, self._until_s.get(token_id, 0.0))

    async def is_revoked(self, token_id: str) -> bool:
        """Whether it counts no more."""
        until_s = self._until_s.get(token_id)
        return until_s is not None and until_s > self._ticker.seconds()
