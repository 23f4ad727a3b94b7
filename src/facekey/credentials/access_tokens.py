"""Access tokens of operators: JSON Web Tokens that only this deployment makes and reads.

HMAC with SHA-256 under SECRET_KEY; keys of SECRET_KEY_PREVIOUS still open what they signed.
The algorithm is fixed here and never taken from the token.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt

from facekey.core.accounts import AccessClaims
from facekey.core.errors import NotSignedIn, SettingsInvalid

ALGORITHM = "HS256"
ISSUER = "facekey"
AUDIENCE = "facekey-api"
MIN_SECRET_BYTES = 32
MIN_DISTINCT_BYTES = 10  # of 32 characters of random base64 or hex; words and repetitions have fewer
REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti"]


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key of SECRET_KEY or SECRET_KEY_PREVIOUS."""

    secret: bytes = field(repr=False)

    @property
    def kid(self) -> str:
        """Names the key without telling anything about it."""
        return hashlib.sha256(b"facekey token key" + self.secret).hexdigest()[:16]

    @classmethod
    def parse(cls, text: str) -> "SecretKey":
        """Read a key as written in the settings.

        Raises:
            SettingsInvalid: it is too short or plainly not random.
        """
        secret = text.strip().encode()
        if len(secret) < MIN_SECRET_BYTES or len(set(secret)) < MIN_DISTINCT_BYTES:
            raise SettingsInvalid(
                f"SECRET_KEY needs {MIN_SECRET_BYTES} random characters or more; "
                "make one with: facekey keys new"
            )
        return cls(secret)


class JwtAccessTokens:
    """Implements `core.ports.accounts.AccessTokens`."""

    def __init__(self, current: SecretKey, previous: Sequence[SecretKey] = ()) -> None:
        """Sign with the current key; open with all of them."""
        self._current = current
        self._keys = {key.kid: key for key in (current, *previous)}

    def issue(self, uid: str, *, at: datetime, lasts_s: float) -> str:
        """A token for one operator."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": uid,
            "jti": secrets.token_hex(16),
            "iat": at,
            "exp": at + timedelta(seconds=lasts_s),
        }
        return jwt.encode(claims, self._current.secret, ALGORITHM, headers={"kid": self._current.kid})

    def read(self, token: str, *, at: datetime) -> AccessClaims:
        """What a token says, when it is one of ours and counts at this time.

        Raises:
            NotSignedIn: it is forged, expired, for others, or signed with a key that is gone.
        """
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None:
                raise NotSignedIn("the token was signed with a key that is not in use; sign in again")
            # Times are held against the service's own clock, not the library's.
            read = jwt.decode(
                token,
                key.secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            uid, token_id, issued, expires = read["sub"], read["jti"], int(read["iat"]), int(read["exp"])
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            raise NotSignedIn("the token doesn't count here; sign in again") from None
        if not (isinstance(uid, str) and isinstance(token_id, str)):
            raise NotSignedIn("the token doesn't count here; sign in again")
        if at.timestamp() >= expires:
            raise NotSignedIn("the token has expired; refresh it or sign in again")
        return AccessClaims(
            uid,
            token_id,
            datetime.fromtimestamp(issued, at.tzinfo),
            datetime.fromtimestamp(expires, at.tzinfo),
        )
