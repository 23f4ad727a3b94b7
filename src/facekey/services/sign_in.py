"""Sign in, stay signed in, sign out: what operators do with a password and tokens."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from facekey.core.accounts import MAX_PASSWORD, Operator, RefreshToken, check_password
from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent
from facekey.core.caller import Caller
from facekey.core.errors import CredentialsWrong, PasswordChangeRequired, RequestInvalid
from facekey.core.ports.accounts import AccessTokens, Operators, Passwords, RefreshTokens
from facekey.core.ports.attempts import Ledger
from facekey.core.ports.clocks import Clock
from facekey.core.ports.shared import Revocations

TOKEN_BYTES = 32
NOBODY = "nobody"
"""The actor of a sign-in that failed."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Tokens for an operator.

    Attributes:
        access_token: goes with each request, for a few minutes.
        refresh_token: gives the next pair, once.
        expires_in_s: of the access token.
        refresh_expires_in_s: of the refresh token, when nobody uses it.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int
    refresh_expires_in_s: int


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """How long tokens last.

    Attributes:
        access_s: of an access token.
        refresh_s: of a refresh token that nobody uses.
    """

    access_s: int = 600
    refresh_s: int = 12 * 3600


class SignIn:
    """Passwords in, tokens out."""

    def __init__(
        self,
        *,
        operators: Operators,
        passwords: Passwords,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        revocations: Revocations,
        ledger: Ledger,
        clock: Clock,
        policy: TokenPolicy,
    ) -> None:
        """Take what a sign-in needs; `wiring` chooses the implementations."""
        self._operators = operators
        self._passwords = passwords
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._revocations = revocations
        self._ledger = ledger
        self._clock = clock
        self._policy = policy

    async def __call__(self, name: str, password: str, *, address: str | None) -> SignedIn:
        """Check a password and give tokens.

        Raises:
            AttemptsExhausted: too many sign-ins to this name, or from this address, failed.
            CredentialsWrong: name and password don't belong together.
            PasswordChangeRequired: they do, but it is a one-time password.
        """
        operator = await self._proven(name, password, address, "sign_in")
        if operator.one_time:
            raise PasswordChangeRequired
        now = self._clock.now()
        token = secrets.token_urlsafe(TOKEN_BYTES)
        expires_at = now + timedelta(seconds=self._policy.refresh_s)
        await self._refresh_tokens.begin(
            RefreshToken(token_hash(token), secrets.token_hex(16), operator.uid, now, expires_at)
        )
        return self._signed_in(operator.uid, token)

    async def refresh(self, refresh_token: str) -> SignedIn:
        """Change a refresh token for a new pair.

        Raises:
            NotSignedIn: it doesn't count (any more).
        """
        following = secrets.token_urlsafe(TOKEN_BYTES)
        token = await self._refresh_tokens.exchange(
            token_hash(refresh_token),
            token_hash(following),
            at=self._clock.now(),
            lasts_s=self._policy.refresh_s,
        )
        return self._signed_in(token.operator_uid, following)

    async def out(self, caller: Caller, *, access_token: str, refresh_token: str | None) -> None:
        """End a sign-in: its tokens count no more.

        Raises:
            StoreUnavailable: they still count.
        """
        now = self._clock.now()
        claims = self._access_tokens.read(access_token, at=now)
        await self._revocations.revoke(claims.token_id, ttl_s=(claims.expires_at - now).total_seconds())
        if refresh_token is not None:
            event = AuditEvent("sign_out", caller.actor, None, "done", "asked", now, {})
            await self._refresh_tokens.end(token_hash(refresh_token), event)

    async def change_password(
        self, name: str, password: str, new_password: str, *, address: str | None
    ) -> None:
        """Replace a password by one that only its owner knows; every sign-in ends.

        Raises:
            RequestInvalid: the new one is too easy to guess, or the old one.
            AttemptsExhausted, CredentialsWrong: as for signing in.
        """
        check_password(new_password, name=name)
        if new_password == password:
            raise RequestInvalid("password_unfit", "the new password must differ from the old one")
        operator = await self._proven(name, password, address, "change_password")
        event = AuditEvent(
            "change_password", f"operator:{operator.uid}", None, "done", "asked", self._clock.now(), {}
        )
        await self._operators.set_password(
            operator.uid, await self._passwords.hash(new_password), expires_at=None, event=event
        )

    async def _proven(self, name: str, password: str, address: str | None, action: str) -> Operator:
        """The operator of this name and password; a failure is counted and on record."""
        now = self._clock.now()
        claim = Claim(None, address, operator=name)
        await self._ledger.admit(claim, at=now)
        operator = await self._operators.named(name)
        # No longer password than one that could be right is hashed: hashing takes time.
        known = None if operator is None else operator.password_hash
        fits = await self._passwords.matches(password[: MAX_PASSWORD + 1], known)
        if operator is None or not fits or _closed(operator, self._clock):
            event = AuditEvent(action, NOBODY, None, "refused", "credentials_wrong", now, {})
            await self._ledger.settle(event, claim, Result.FAILURE)
            raise CredentialsWrong
        event = AuditEvent(action, f"operator:{operator.uid}", None, "accept", "password", now, {})
        await self._ledger.settle(event, claim, Result.SUCCESS)
        return operator

    def _signed_in(self, uid: str, refresh_token: str) -> SignedIn:
        lasts_s = self._policy.access_s
        access = self._access_tokens.issue(uid, at=self._clock.now(), lasts_s=lasts_s)
        return SignedIn(access, refresh_token, lasts_s, self._policy.refresh_s)


def token_hash(token: str) -> str:
    """What is kept of a token with 256 random bits; there is nothing to guess from."""
    return hashlib.sha256(token.encode()).hexdigest()


def _closed(operator: Operator, clock: Clock) -> bool:
    """Whether an operator can't sign in although the password is right."""
    expires_at = operator.password_expires_at
    return operator.disabled_at is not None or (expires_at is not None and clock.now() >= expires_at)
