"""Ed25519 signatures under which a deployment speaks: checkpoints of its log, receipts of erasures."""

import hashlib
from collections.abc import Sequence
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from facekey.core.audit_statements import Signature
from facekey.core.errors import SettingsInvalid, SignatureWrong

KID_BYTES = 8
_PURPOSE = b"facekey audit signatures"
_END = b"-----END PUBLIC KEY-----"


class Ed25519Signer:
    """Implements `core.ports.audit.Signer`."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """Take the secrets that keys are derived from: the one to sign with, then older ones."""
        self._keys = [_private_key(secret) for secret in secrets]
        self._kid = _kid(self._keys[0].public_key())

    def sign(self, statement: bytes) -> Signature:
        """Sign with the current key."""
        return Signature(self._kid, self._keys[0].sign(statement))

    @property
    def public(self) -> "PublicKeys":
        """What others need to verify."""
        return PublicKeys([key.public_key() for key in self._keys])


class PublicKeys:
    """Implements `core.ports.audit.SignatureVerifier`."""

    def __init__(self, keys: Sequence[Ed25519PublicKey]) -> None:
        """Take every key that ever signed."""
        self._keys = {_kid(key): key for key in keys}

    @classmethod
    def parse(cls, pem: bytes) -> Self:
        """Read what `pem` wrote.

        Raises:
            SettingsInvalid: there is no Ed25519 public key in it.
        """
        found = []
        for block in pem.split(_END)[:-1]:
            try:
                key = load_pem_public_key(block.strip() + b"\n" + _END + b"\n")
            except ValueError as error:
                raise SettingsInvalid("the public key can't be read: it must be PEM") from error
            if isinstance(key, Ed25519PublicKey):
                found.append(key)
        if not found:
            raise SettingsInvalid("there is no Ed25519 public key in PEM in that file")
        return cls(found)

    def pem(self) -> bytes:
        """All keys in PEM, one after the other."""
        return b"".join(
            key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in self._keys.values()
        )

    def verify(self, statement: bytes, signature: Signature) -> None:
        """Return when one of these keys signed this.

        Raises:
            SignatureWrong: none did.
        """
        key = self._keys.get(signature.kid)
        if key is None:
            raise SignatureWrong(f"it was signed with key {signature.kid}, which isn't among those at hand")
        try:
            key.verify(signature.value, statement)
        except InvalidSignature as error:
            raise SignatureWrong("its signature doesn't fit what it says") from error


def _private_key(secret: bytes) -> Ed25519PrivateKey:
    seed = HKDF(hashes.SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret)
    return Ed25519PrivateKey.from_private_bytes(seed)


def _kid(key: Ed25519PublicKey) -> str:
    """From the key itself, so that a PEM file needs no names beside it."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[: 2 * KID_BYTES]
