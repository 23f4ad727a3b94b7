"""The deployment's key: how ENCRYPTION_KEY is written, and when it is too weak to use."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field

from facekey.core.errors import SettingsInvalid

KEY_BYTES = 32
KEY_ID_BYTES = 8
MIN_DISTINCT_BYTES = 16  # of 32 random bytes about 30 differ; fewer than 16 never happens by chance
HOW_TO_MAKE_ONE = "make one with: facekey keys new"


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """256 bits from which every other key of the deployment is protected.

    Attributes:
        secret: 32 bytes.
    """

    secret: bytes = field(repr=False)

    @property
    def key_id(self) -> bytes:
        """8 bytes that name the key without telling anything about it."""
        return hashlib.sha256(b"facekey key id" + self.secret).digest()[:KEY_ID_BYTES]

    @classmethod
    def parse(cls, text: str) -> "EncryptionKey":
        """Read a key as written in the settings: base64 of 32 bytes, or 64 hex digits.

        Raises:
            SettingsInvalid: it is missing, not 32 bytes, or plainly not random.
        """
        text = text.strip()
        if not text:
            raise SettingsInvalid(f"ENCRYPTION_KEY is missing; {HOW_TO_MAKE_ONE}")
        secret = _decode(text)
        if len(secret) != KEY_BYTES:
            raise SettingsInvalid(
                f"ENCRYPTION_KEY must be {KEY_BYTES} bytes in base64 or hex; {HOW_TO_MAKE_ONE}"
            )
        if len(set(secret)) < MIN_DISTINCT_BYTES:
            raise SettingsInvalid(f"ENCRYPTION_KEY is not random and could be guessed; {HOW_TO_MAKE_ONE}")
        return cls(secret)

    @classmethod
    def generate(cls) -> "EncryptionKey":
        """A new random key."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def written(self) -> str:
        """The form that `parse` reads."""
        return base64.urlsafe_b64encode(self.secret).decode()


def _decode(text: str) -> bytes:
    try:
        if len(text) == 2 * KEY_BYTES:
            return bytes.fromhex(text)
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (ValueError, binascii.Error):
        return b""
