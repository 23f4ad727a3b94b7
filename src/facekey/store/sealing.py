"""AES-256-GCM around everything that must not be read or swapped.

Each person has a data key of their own; a root key of the deployment wraps it. A sealed
blob says how it was made:

    1 byte format (2) | 8 bytes key id | 2 bytes key version | 12 bytes nonce | ciphertext | 16 bytes tag

All before the ciphertext, and the caller's context (what this is, whose, by which
network, which revision), is authenticated with it, so a blob that is moved to another
row doesn't open. Forgetting a data key makes all that it sealed unreadable, copies in
backups included.

A wrapped data key is such a blob as well: sealed by the root key, bound to its owner,
and in it 2 bytes of the data key's own version before the key. Blobs of format 1, which
had no versions, still open; nothing new is written in it.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from facekey.core.errors import KeyUnavailable, SealBroken
from facekey.store.keys.encryption_key import FIRST_VERSION, KEY_BYTES, KEY_ID_BYTES, EncryptionKey

FORMAT = 2
FORMAT_WITHOUT_VERSIONS = 1
NONCE_BYTES = 12
VERSION_BYTES = 2
MARK_BYTES = 1 + KEY_ID_BYTES + VERSION_BYTES


class KeyProvider(Protocol):
    """Where root keys come from."""

    def current(self) -> EncryptionKey:
        """The key to seal with.

        Raises:
            KeyUnavailable: it can't be had now.
        """
        ...

    def find(self, key_id: bytes) -> EncryptionKey | None:
        """The key of this id, to open with; None when it is not among the keys at hand.

        Raises:
            KeyUnavailable: it can't be known now.
        """
        ...

    def made_at(self, key_id: bytes) -> datetime | None:
        """When a key was made; None where that isn't known."""
        ...


@dataclass(frozen=True, slots=True)
class SealedBy:
    """What a blob says of itself.

    Attributes:
        format: how it is laid out.
        key_id: which key sealed it.
        version: that key's version; 1 where the format has none.
    """

    format: int
    key_id: bytes
    version: int


@dataclass(frozen=True, slots=True)
class Seal:
    """Seals and opens with one key."""

    secret: bytes = field(repr=False)
    key_id: bytes
    version: int = FIRST_VERSION

    def close(self, plain: bytes, *context: str) -> bytes:
        """Seal bytes; they open only with the same context.

        Args:
            plain: what to protect.
            context: what the blob is and where it belongs, in order.
        """
        header = _mark(self.key_id, self.version) + secrets.token_bytes(NONCE_BYTES)
        nonce = header[-NONCE_BYTES:]
        return header + AESGCM(self.secret).encrypt(nonce, plain, _associated(header, context))

    def open(self, blob: bytes, *context: str) -> bytes:
        """Give back what was sealed.

        Raises:
            SealBroken: it was changed, cut, or belongs elsewhere.
        """
        made = sealed_by(blob)
        if made.key_id != self.key_id:
            raise SealBroken("a sealed record belongs to another key than the one beside it")
        length = _header_bytes(made.format)
        header, body = blob[:length], blob[length:]
        try:
            return AESGCM(self.secret).decrypt(header[-NONCE_BYTES:], body, _associated(header, context))
        except InvalidTag as error:
            raise SealBroken("a sealed record was changed or moved since it was written") from error


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The deployment's root keys, and the data keys that they wrap."""

    keys: KeyProvider

    def new_data_key(self, owner: str) -> tuple[Seal, bytes]:
        """A fresh key for one owner, and its wrapped form to store.

        Raises:
            KeyUnavailable: the current root key can't be had now.
        """
        secret = secrets.token_bytes(KEY_BYTES)
        return _data_seal(secret, FIRST_VERSION), self.wrap(secret, owner)

    def wrap(self, secret: bytes, owner: str, version: int = FIRST_VERSION) -> bytes:
        """The form in which an owner's secret is stored, under the current root key.

        Raises:
            KeyUnavailable: the current root key can't be had now.
        """
        plain = version.to_bytes(VERSION_BYTES, "big") + secret
        return _root_seal(self.keys.current()).close(plain, "data key", owner)

    def unwrap(self, wrapped: bytes, owner: str) -> Seal:
        """The owner's key from its stored form.

        Raises:
            KeyUnavailable: a root key wrapped it that is not at hand; names it.
            SealBroken: it was changed or belongs to another owner.
        """
        made = sealed_by(wrapped)
        root = self.keys.find(made.key_id)
        if root is None:
            raise KeyUnavailable(
                f"a record was sealed with key {made.key_id.hex()}, and no key at hand has that id"
            )
        plain = _root_seal(root).open(wrapped, "data key", owner)
        if made.format == FORMAT_WITHOUT_VERSIONS:
            return _data_seal(plain, FIRST_VERSION)
        return _data_seal(plain[VERSION_BYTES:], int.from_bytes(plain[:VERSION_BYTES], "big"))

    def rewrap(self, wrapped: bytes, owner: str) -> bytes:
        """The same secret under the current root key.

        Raises:
            KeyUnavailable: the root key that wrapped it, or the current one, is not at hand.
            SealBroken: it was changed or belongs to another owner.
        """
        seal = self.unwrap(wrapped, owner)
        return self.wrap(seal.secret, owner, seal.version)

    def holds(self, wrapped: bytes) -> bool:
        """Whether the root key of a wrapped key is at hand."""
        return self.keys.find(sealed_by(wrapped).key_id) is not None

    def mark(self) -> bytes:
        """How everything begins that the current root key wraps.

        Raises:
            KeyUnavailable: it can't be had now.
        """
        root = self.keys.current()
        return _mark(root.key_id, root.version)


def sealed_by(blob: bytes) -> SealedBy:
    """Which key sealed a blob, and how.

    Raises:
        SealBroken: it is no sealed blob of a format that this version knows.
    """
    known = blob[:1] in (bytes([FORMAT]), bytes([FORMAT_WITHOUT_VERSIONS]))
    if not known or len(blob) < _header_bytes(blob[0]):
        raise SealBroken("a sealed record has no format that this version knows")
    return SealedBy(*read_mark(blob[:MARK_BYTES]))


def read_mark(mark: bytes) -> tuple[int, bytes, int]:
    """Format, key id and key version from the first bytes of a blob."""
    form = int.from_bytes(mark[:1], "big")
    key_id, version = mark[1 : 1 + KEY_ID_BYTES], mark[1 + KEY_ID_BYTES : MARK_BYTES]
    if form == FORMAT_WITHOUT_VERSIONS:
        return form, key_id, FIRST_VERSION
    return form, key_id, int.from_bytes(version, "big")


def _root_seal(root: EncryptionKey) -> Seal:
    return Seal(root.secret, root.key_id, root.version)


def _data_seal(secret: bytes, version: int) -> Seal:
    key_id = hashlib.sha256(b"facekey data key id" + secret).digest()[:KEY_ID_BYTES]
    return Seal(secret, key_id, version)


def _mark(key_id: bytes, version: int) -> bytes:
    return bytes([FORMAT]) + key_id + version.to_bytes(VERSION_BYTES, "big")


def _header_bytes(form: int) -> int:
    return (1 + KEY_ID_BYTES if form == FORMAT_WITHOUT_VERSIONS else MARK_BYTES) + NONCE_BYTES


def _associated(header: bytes, context: tuple[str, ...]) -> bytes:
    """Header and context, each part with its length in front, so that none can run into the next."""
    parts = [header, *(part.encode() for part in context)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
