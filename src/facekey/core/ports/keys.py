"""The plugs of keys: their rotation, and what people are told of them."""

from collections.abc import AsyncIterator
from typing import Protocol

from facekey.core.root_keys import KeyUse, Rewrapped, RootKey, SigningKey


class WrappedKeys(Protocol):
    """Everything that a root key protects."""

    async def uses(self) -> tuple[KeyUse, ...]:
        """Every record, by the key that it hangs on.

        Raises:
            KeyUnavailable: the current root key can't be had now.
            StoreUnavailable: the store did not answer.
        """
        ...

    def rewrap(self) -> AsyncIterator[Rewrapped]:
        """Go once over all records and put those under the current key that aren't, piece by piece.

        Raises:
            KeyUnavailable: the current root key can't be had now.
            StoreUnavailable: what was done so far is kept.
        """
        ...

    async def forget_old_forms(self) -> None:
        """Drop what was replaced from the files, as far as that can be done now."""
        ...


class KeyInventory(Protocol):
    """Which keys there are."""

    async def root_keys(self) -> tuple[RootKey, ...]:
        """The current key, and every other that records hang on.

        Raises:
            KeyUnavailable: the current root key can't be had now.
            StoreUnavailable: the store did not answer.
        """
        ...

    async def signing_keys(self) -> tuple[SigningKey, ...]:
        """Every signing key, the newest first.

        Raises:
            StoreUnavailable: the store did not answer.
        """
        ...
