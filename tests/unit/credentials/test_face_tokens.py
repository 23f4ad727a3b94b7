from dataclasses import dataclass
from datetime import UTC, datetime

import jwt
import pytest

from facekey.core.accounts import FaceTokenRequest
from facekey.core.types import SubjectId
from facekey.credentials.face_tokens import FaceTokenKey, JwtFaceTokens

KEYS = [FaceTokenKey("new", b"n" * 32), FaceTokenKey("old", b"o" * 32)]
REQUEST = FaceTokenRequest(SubjectId("alice"), "https://shop.example", "challenge")
ISSUER = "https://faces.example"


@dataclass
class Now:
    """Implements `core.ports.clocks.Clock`: the real time, for the library that verifies."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def tokens(keys: list[FaceTokenKey] = KEYS, lasts_s: int = 120) -> JwtFaceTokens:
    return JwtFaceTokens(keys, Now(), issuer=ISSUER, lasts_s=lasts_s)


def verified(
    token: str, key_set: dict[str, list[dict[str, str]]], audience: str = REQUEST.audience
) -> dict[str, object]:
    """As an application does it that knows the public keys only."""
    kid = jwt.get_unverified_header(token)["kid"]
    key = next(key for key in jwt.PyJWKSet.from_dict(key_set).keys if key.key_id == kid)
    claims: dict[str, object] = jwt.decode(
        token, key.key, algorithms=["ES256"], audience=audience, issuer=ISSUER
    )
    return claims


def test_an_application_can_verify_with_public_keys_alone() -> None:
    made = tokens()
    claims = verified(made.issue(REQUEST), made.key_set())
    assert (claims["sub"], claims["amr"], claims["liveness"]) == ("alice", ["face"], "challenge")
    assert claims["exp"] - claims["iat"] == made.lasts_s == 120  # type: ignore[operator]


def test_keys_of_before_still_verify_and_sign_no_more() -> None:
    old = tokens(KEYS[1:]).issue(REQUEST)
    assert verified(old, tokens().key_set())["sub"] == "alice"
    assert jwt.get_unverified_header(tokens().issue(REQUEST))["kid"] == "new"


def test_public_keys_hold_nothing_private() -> None:
    assert all(
        set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"} for key in tokens().key_set()["keys"]
    )


def test_a_key_is_the_same_after_a_restart() -> None:
    assert tokens().key_set() == tokens().key_set()


def test_for_another_application_it_does_not_count() -> None:
    made = tokens()
    with pytest.raises(jwt.InvalidAudienceError):
        verified(made.issue(REQUEST), made.key_set(), audience="https://bank.example")


def test_of_another_deployment_it_does_not_count() -> None:
    forged = tokens([FaceTokenKey("new", b"x" * 32)]).issue(REQUEST)
    with pytest.raises(jwt.InvalidSignatureError):
        verified(forged, tokens().key_set())


def test_without_a_key_there_are_no_tokens() -> None:
    with pytest.raises(ValueError, match="key"):
        tokens([])
