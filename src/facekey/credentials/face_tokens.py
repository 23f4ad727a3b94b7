"""Tokens that say: this person was in front of the camera, live, a moment ago.

JSON Web Tokens signed with ECDSA on P-256 (ES256, RFC 7518), so that an application can
verify them with public keys alone (RFC 7517, `/.well-known/jwks.json`). `amr` holds `face`
(RFC 8176), `liveness` says how liveness was found out, and `aud` is whom it is for: a token
for one application must not open another.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import ECAlgorithm

from facekey.core.accounts import FaceTokenRequest
from facekey.core.ports.clocks import Clock

ALGORITHM = "ES256"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
EXTRA_BYTES = 48  # 128 bits more than the order has, so that the remainder is even (FIPS 186-5, A.2.1)


@dataclass(frozen=True, slots=True)
class FaceTokenKey:
    """One signing key.

    Attributes:
        kid: names it in tokens and in the key set.
        secret: 32 random bytes from which the private key is derived.
    """

    kid: str
    secret: bytes = field(repr=False)

    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """The private key, always the same for the same secret."""
        derived = HKDF(hashes.SHA256(), EXTRA_BYTES, salt=None, info=b"facekey face token P-256").derive(
            self.secret
        )
        return ec.derive_private_key(int.from_bytes(derived) % (P256_ORDER - 1) + 1, ec.SECP256R1())


class JwtFaceTokens:
    """Implements `core.ports.accounts.FaceTokens`."""

    def __init__(self, keys: Sequence[FaceTokenKey], clock: Clock, *, issuer: str, lasts_s: int) -> None:
        """Sign with the first key; publish all of them.

        Raises:
            ValueError: there is no key.
        """
        if not keys:
            raise ValueError("face tokens need a key to sign with")
        self._kid, self._private_key = keys[0].kid, keys[0].private_key()
        self._clock = clock
        self._issuer = issuer
        self._lasts_s = lasts_s
        self._published = [_public(key) for key in keys]

    @property
    def lasts_s(self) -> int:
        """For how long a token counts, in seconds."""
        return self._lasts_s

    def issue(self, request: FaceTokenRequest) -> str:
        """A token for one person and one application."""
        at = self._clock.now()
        claims = {
            "iss": self._issuer,
            "sub": request.subject_id,
            "aud": request.audience,
            "amr": ["face"],
            "liveness": request.liveness,
            "auth_time": int(at.timestamp()),
            "iat": at,
            "nbf": at,
            "exp": at + timedelta(seconds=self._lasts_s),
            "jti": secrets.token_hex(16),
        }
        return jwt.encode(claims, self._private_key, ALGORITHM, headers={"kid": self._kid})

    def key_set(self) -> dict[str, list[dict[str, str]]]:
        """The public keys, as a JSON Web Key Set."""
        return {"keys": self._published}


def _public(key: FaceTokenKey) -> dict[str, str]:
    written: dict[str, str] = json.loads(ECAlgorithm.to_jwk(key.private_key().public_key()))
    return {**written, "kid": key.kid, "use": "sig", "alg": ALGORITHM}
