"""Operators and API keys: who may ask, and what a name and a password must be like."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from facekey.core.caller import Role
from facekey.core.errors import RequestInvalid
from facekey.core.types import SubjectId

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]")
AUDIENCE = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]{1,200}")
MIN_PASSWORD = 15
"""NIST SP 800-63B-4, 3.1.1.2: at least 15 characters where the password stands alone."""

MAX_PASSWORD = 128
MIN_DISTINCT = 6  # characters: "aaaaaaaaaaaaaaa" and "123123123123123" have fewer


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who runs the service.

    Attributes:
        uid: random; what appears on record.
        one_time: the password does for choosing another and for nothing else.
        password_set_at: access tokens from before don't count any more.
        password_expires_at: of a one-time password.
    """

    uid: str
    name: str
    role: Role
    password_hash: str = field(repr=False)
    one_time: bool
    password_set_at: datetime
    password_expires_at: datetime | None
    created_at: datetime
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What an application signs in with. The key itself is shown once and kept nowhere.

    Attributes:
        uid: random; what appears on record.
        key_hash: SHA-256, hex, of the key, which has 256 random bits: nothing to guess from.
        created_by: the actor who made it.
        audience: whom tokens that it asks for are for; None lets it ask for none.
    """

    uid: str
    name: str
    role: Role
    key_hash: str = field(repr=False)
    created_at: datetime
    created_by: str
    audience: str | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Whether it opens anything at this time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link of a chain of refresh tokens: each is used once, and gives the next.

    Attributes:
        token_hash: SHA-256, hex.
        family: the sign-in that the chain began with.
    """

    token_hash: str = field(repr=False)
    family: str
    operator_uid: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says.

    Attributes:
        uid: the operator's.
        token_id: for revoking this one.
        issued_at: to the second.
    """

    uid: str
    token_id: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class FaceTokenRequest:
    """What a token for a person who was just let in is to say.

    Attributes:
        audience: the application that it is for.
        liveness: how liveness was found out: `passive` from one picture or a stream that
            asked for nothing, `challenge` from a stream whose actions were answered.
    """

    subject_id: SubjectId
    audience: str
    liveness: Literal["passive", "challenge"]


def parse_audience(text: str) -> str:
    """An audience: an application's address or name.

    Raises:
        RequestInvalid: it is empty, too long, or has characters that neither has.
    """
    if AUDIENCE.fullmatch(text) is None:
        raise RequestInvalid(
            "audience_invalid", "an audience is a name or an https address of 1 to 200 plain characters"
        )
    return text


def parse_account_name(text: str) -> str:
    """A name for an operator or a key.

    Raises:
        RequestInvalid: it has characters or a length that names don't have.
    """
    if NAME.fullmatch(text) is None:
        raise RequestInvalid(
            "account_name_invalid",
            "a name has 3 to 64 characters: small letters, digits and . _ -, a letter or digit at both ends",
        )
    return text


def check_password(password: str, *, name: str) -> None:
    """Refuse passwords that are too easy to guess.

    Raises:
        RequestInvalid: says what is missing, never what was given.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise RequestInvalid("password_unfit", f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    if len(set(password)) < MIN_DISTINCT:
        raise RequestInvalid("password_unfit", f"a password has at least {MIN_DISTINCT} different characters")
    if name.lower() in password.lower():
        raise RequestInvalid("password_unfit", "a password must not hold the name of the account")
