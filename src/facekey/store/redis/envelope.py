"""What Redis gets to see: names as keyed hashes, values sealed.

Whoever reads Redis learns how much there is and when, never whose. Whoever writes to it can
delete, but can't make a value that is taken for ours.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = "facekey"
NONCE_BYTES = 12
NAME_BYTES = 16


class Envelope:
    """Names and seals under keys that every replica of a deployment derives from one secret."""

    def __init__(self, secret: bytes) -> None:
        """Derive them.

        Raises:
            ValueError: the secret is too short to be one.
        """
        if len(secret) < 32:
            raise ValueError("the secret of a deployment has at least 32 bytes")
        derived = HKDF(SHA256(), 80, salt=None, info=b"facekey redis v1").derive(secret)
        self._names, self._seals = derived[:32], AESGCM(derived[32:64])
        # Deployments that share a Redis don't meet: each has its own part of it.
        self._space = f"{PREFIX}:{derived[64:72].hex()}"

    def digest(self, name: str) -> bytes:
        """What stands for a name, 16 bytes."""
        return hmac.digest(self._names, name.encode("utf-8", "surrogatepass"), hashlib.sha256)[:NAME_BYTES]

    def key(self, kind: str, name: str | None = None) -> str:
        """The key of something of this kind; of the only one when it has no name."""
        return f"{self._space}:{kind}" if name is None else f"{self._space}:{kind}:{self.digest(name).hex()}"

    def seal(self, value: bytes, *, key: str) -> bytes:
        """Seal a value for this key and no other."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._seals.encrypt(nonce, value, key.encode())

    def open(self, sealed: bytes, *, key: str) -> bytes | None:
        """The value; None when it was not sealed here, for this key."""
        try:
            return self._seals.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], key.encode())
        except (InvalidTag, ValueError):
            return None
