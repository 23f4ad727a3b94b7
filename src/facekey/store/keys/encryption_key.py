"""A root key: how it is written, how it is named, and when it is too weak to use."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field

from facekey.core.errors import SettingsInvalid

KEY_BYTES = 32
KEY_ID_BYTES = 8
FIRST_VERSION = 1
LAST_VERSION = 0xFFFF  # two bytes of every sealed blob
MIN_DISTINCT_BYTES = 16  # of 32 random bytes about 30 differ; fewer than 16 never happens by chance
HOW_TO_MAKE_ONE = "make one with: facekey keys new"


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """256 bits from which every other key of the deployment is protected.

    Attributes:
        secret: 32 bytes.
        version: counts the deployment's root keys for people; programs go by `key_id`.

    Raises:
        ValueError: the version doesn't fit into two bytes, or is not a count.
    """

    secret: bytes = field(repr=False)
    version: int = FIRST_VERSION

    def __post_init__(self) -> None:
        """Refuse a version that a blob can't hold."""
        if not FIRST_VERSION <= self.version <= LAST_VERSION:
            raise ValueError(f"a key's version is {FIRST_VERSION} to {LAST_VERSION}, not {self.version}")

    @property
    def key_id(self) -> bytes:
        """8 bytes that name the key without telling anything about it."""
        return hashlib.sha256(b"facekey key id" + self.secret).digest()[:KEY_ID_BYTES]

    @classmethod
    def parse(cls, text: str, name: str = "ENCRYPTION_KEY") -> "EncryptionKey":
        """Read a key: base64 of 32 bytes or 64 hex digits, with `VERSION:` in front if it isn't the first.

        Args:
            text: the key as it is written.
            name: where it is written, for the error.

        Raises:
            SettingsInvalid: it is missing, not 32 bytes, or plainly not random.
        """
        text = text.strip()
        if not text:
            raise SettingsInvalid(f"{name} is missing; {HOW_TO_MAKE_ONE}")
        number, colon, written = text.rpartition(":")
        version = _version(number) if colon else FIRST_VERSION
        secret = _decode(written)
        if len(secret) != KEY_BYTES or version is None:
            raise SettingsInvalid(
                f"{name} must be {KEY_BYTES} bytes in base64 or hex, or VERSION: and that; {HOW_TO_MAKE_ONE}"
            )
        return cls.checked(secret, version, name)

    @classmethod
    def checked(cls, secret: bytes, version: int, name: str) -> "EncryptionKey":
        """A key from its bytes.

        Raises:
            SettingsInvalid: they are not 32, or plainly not random.
        """
        if len(secret) != KEY_BYTES or len(set(secret)) < MIN_DISTINCT_BYTES:
            raise SettingsInvalid(f"{name} is not random and could be guessed; {HOW_TO_MAKE_ONE}")
        return cls(secret, version)

    @classmethod
    def generate(cls, version: int = FIRST_VERSION) -> "EncryptionKey":
        """A new random key."""
        return cls(secrets.token_bytes(KEY_BYTES), version)

    def written(self) -> str:
        """The form that `parse` reads."""
        encoded = base64.urlsafe_b64encode(self.secret).decode()
        return encoded if self.version == FIRST_VERSION else f"{self.version}:{encoded}"


def _decode(text: str) -> bytes:
    try:
        if len(text) == 2 * KEY_BYTES:
            return bytes.fromhex(text)
        return base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (ValueError, binascii.Error):
        return b""


def _version(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LAST_VERSION))):
        return None
    version = int(text)
    return version if FIRST_VERSION <= version <= LAST_VERSION else None
