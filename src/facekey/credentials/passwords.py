"""Argon2id password hashes (RFC 9106, the second recommended set: 64 MiB, 3 passes, 4 lanes)."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

AT_ONCE = 2
"""Each takes 64 MiB: more at the same time would let sign-ins eat the memory."""


class Argon2Passwords:
    """Implements `core.ports.accounts.Passwords`."""

    def __init__(self) -> None:
        """Make a hash for names that don't exist, so that trying one takes as long as any."""
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """The hash to store; it says how it was made."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password made this hash; None is nobody's hash and takes as long."""
        if self._nobodys is None:
            self._nobodys = await self.hash("nobody's password")
        async with self._turns:
            fits = await asyncio.to_thread(self._verify, password_hash or self._nobodys, password)
        return fits and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
