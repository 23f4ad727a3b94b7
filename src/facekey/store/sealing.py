"""AES-256-GCM around everything that must not be read or swapped.

Each person has a data key of their own; the deployment's key wraps it. A sealed blob
says how it was made:

    1 byte format | 8 bytes key id | 12 bytes nonce | ciphertext | 16 bytes tag

and the caller's context (what this is, whose, by which network) is authenticated with
it, so a blob that is moved to another row doesn't open. Forgetting a data key makes all
that it sealed unreadable, copies in backups included.
"""

import hashlib
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from facekey.core.errors import KeyUnavailable, SealBroken
from facekey.store.keys.encryption_key import KEY_BYTES, KEY_ID_BYTES, EncryptionKey

FORMAT = 1
NONCE_BYTES = 12
_HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals and opens with one key."""

    secret: bytes = field(repr=False)
    key_id: bytes

    def close(self, plain: bytes, *context: str) -> bytes:
        """Seal bytes; they open only with the same context.

        Args:
            plain: what to protect.
            context: what the blob is and where it belongs, in order.
        """
        header = bytes([FORMAT]) + self.key_id + secrets.token_bytes(NONCE_BYTES)
        nonce = header[-NONCE_BYTES:]
        return header + AESGCM(self.secret).encrypt(nonce, plain, _associated(header, context))

    def open(self, blob: bytes, *context: str) -> bytes:
        """Give back what was sealed.

        Raises:
            SealBroken: it was changed, cut, or belongs elsewhere.
        """
        header, body = blob[:_HEADER_BYTES], blob[_HEADER_BYTES:]
        if key_id_of(blob) != self.key_id:
            raise SealBroken("a sealed record belongs to another key than the one beside it")
        try:
            return AESGCM(self.secret).decrypt(header[-NONCE_BYTES:], body, _associated(header, context))
        except InvalidTag as error:
            raise SealBroken("a sealed record was changed or moved since it was written") from error


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The deployment's key, and the data keys that it wraps."""

    root: EncryptionKey

    def new_data_key(self, owner: str) -> tuple[Seal, bytes]:
        """A fresh key for one owner, and its wrapped form to store."""
        secret = secrets.token_bytes(KEY_BYTES)
        return _data_seal(secret), self._root_seal().close(secret, "data key", owner)

    def unwrap(self, wrapped: bytes, owner: str) -> Seal:
        """The owner's key from its stored form.

        Raises:
            KeyUnavailable: another deployment key wrapped it.
            SealBroken: it was changed or belongs to another owner.
        """
        key_id = key_id_of(wrapped)
        if key_id != self.root.key_id:
            raise KeyUnavailable(
                f"a record was sealed with key {key_id.hex()}, "
                f"but the key at hand is {self.root.key_id.hex()}"
            )
        return _data_seal(self._root_seal().open(wrapped, "data key", owner))

    def _root_seal(self) -> Seal:
        return Seal(self.root.secret, self.root.key_id)


def key_id_of(blob: bytes) -> bytes:
    """Which key sealed a blob.

    Raises:
        SealBroken: it is no sealed blob of a format that this version knows.
    """
    if len(blob) < _HEADER_BYTES or blob[0] != FORMAT:
        raise SealBroken("a sealed record has no format that this version knows")
    return blob[1 : 1 + KEY_ID_BYTES]


def _data_seal(secret: bytes) -> Seal:
    return Seal(secret, hashlib.sha256(b"facekey data key id" + secret).digest()[:KEY_ID_BYTES])


def _associated(header: bytes, context: tuple[str, ...]) -> bytes:
    """Header and context, each part with its length in front, so that none can run into the next."""
    parts = [header, *(part.encode() for part in context)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
