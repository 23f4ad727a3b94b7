import base64
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from facekey.core.errors import NotSignedIn, SettingsInvalid
from facekey.credentials.access_tokens import AUDIENCE, ISSUER, JwtAccessTokens, SecretKey

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = SecretKey(b"0123456789abcdefghijklmnopqrstuv" * 2)
OTHER = SecretKey(b"another-key-of-32-random-letters")
TOKENS = JwtAccessTokens(KEY)
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "uid",
    "jti": "id",
    "iat": NOW,
    "exp": NOW + timedelta(minutes=10),
}


def signed(
    claims: dict[str, object], *, key: SecretKey = KEY, kid: str = KEY.kid, algorithm: str = "HS256"
) -> str:
    return jwt.encode(claims, key.secret, algorithm, headers={"kid": kid})


def part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def unsigned(algorithm: str) -> str:
    claims = {**CLAIMS, "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 600}
    return f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': KEY.kid})}.{part(claims)}."


def test_a_token_says_whose_it_is() -> None:
    claims = TOKENS.read(TOKENS.issue("uid", at=NOW, lasts_s=600), at=NOW)
    assert (claims.uid, claims.issued_at, claims.expires_at) == ("uid", NOW, NOW + timedelta(minutes=10))


def test_tokens_differ() -> None:
    assert TOKENS.issue("uid", at=NOW, lasts_s=600) != TOKENS.issue("uid", at=NOW, lasts_s=600)


def test_the_form_that_the_attacks_are_made_from_is_accepted() -> None:
    assert TOKENS.read(signed(CLAIMS), at=NOW).uid == "uid"


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("a.b.c", id="nonsense"),
        pytest.param("é.é.é", id="no ASCII"),
        pytest.param(unsigned("none"), id="alg none"),
        pytest.param(unsigned("None"), id="alg None"),
        pytest.param(unsigned("HS256"), id="no signature"),
        pytest.param(signed(CLAIMS, key=OTHER), id="another key under our kid"),
        pytest.param(signed(CLAIMS, key=OTHER, kid=OTHER.kid), id="unknown kid"),
        pytest.param(signed(CLAIMS, kid="../../etc/passwd"), id="a path as kid"),
        pytest.param(signed(CLAIMS, algorithm="HS512"), id="another algorithm"),
        pytest.param(signed({**CLAIMS, "aud": "shop"}), id="another audience"),
        pytest.param(signed({**CLAIMS, "iss": "other"}), id="another issuer"),
        pytest.param(signed({**CLAIMS, "sub": 1}), id="subject no text"),
        pytest.param(signed({**CLAIMS, "exp": "soon"}), id="expiry no number"),
        pytest.param(signed(CLAIMS)[:-2] + "xx", id="changed signature"),
        *[
            pytest.param(
                signed({name: value for name, value in CLAIMS.items() if name != gone}), id=f"no {gone}"
            )
            for gone in CLAIMS
        ],
    ],
)
def test_tokens_that_do_not_count(token: str) -> None:
    with pytest.raises(NotSignedIn):
        TOKENS.read(token, at=NOW)


def test_a_kid_that_is_no_text() -> None:
    token = f"{part({'alg': 'HS256', 'kid': ['x']})}.{part({})}.x"
    with pytest.raises(NotSignedIn):
        TOKENS.read(token, at=NOW)


def test_time_is_over_to_the_second() -> None:
    token = TOKENS.issue("uid", at=NOW, lasts_s=600)
    TOKENS.read(token, at=NOW + timedelta(seconds=599.9))
    with pytest.raises(NotSignedIn, match="expired"):
        TOKENS.read(token, at=NOW + timedelta(seconds=600))


def test_a_changed_secret_key_overlaps_with_the_one_before() -> None:
    before = TOKENS.issue("uid", at=NOW, lasts_s=600)
    after = JwtAccessTokens(OTHER, [KEY])
    assert after.read(before, at=NOW).uid == "uid"
    with pytest.raises(NotSignedIn, match="not in use"):
        JwtAccessTokens(OTHER).read(before, at=NOW)
    with pytest.raises(NotSignedIn, match="not in use"):
        TOKENS.read(after.issue("uid", at=NOW, lasts_s=600), at=NOW)


@pytest.mark.parametrize("text", ["", "short", "x" * 40, "password" * 5, " " * 40])
def test_weak_secret_keys_are_refused(text: str) -> None:
    with pytest.raises(SettingsInvalid, match="SECRET_KEY"):
        SecretKey.parse(text)


def test_secrets_stay_out_of_repr() -> None:
    assert "0123" not in repr(KEY)
