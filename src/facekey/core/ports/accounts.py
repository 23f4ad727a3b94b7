"""The plugs of accounts: where operators, keys and tokens are kept, and what proves a password.

As with templates, each change is one transaction with its audit record: both or neither.
"""

from datetime import datetime
from typing import Protocol

from facekey.core.accounts import AccessClaims, ApiKey, FaceTokenRequest, Operator, RefreshToken
from facekey.core.audit import AuditEvent


class Operators(Protocol):
    """People who run the service."""

    async def named(self, name: str) -> Operator | None:
        """The operator of that name, disabled ones included."""
        ...

    async def find(self, uid: str) -> Operator | None:
        """The operator of that uid, disabled ones included."""
        ...

    async def everybody(self) -> list[Operator]:
        """All of them, by name."""
        ...

    async def add(self, operator: Operator, event: AuditEvent) -> None:
        """Store a new operator.

        Raises:
            AccountExists: the name is taken.
        """
        ...

    async def set_password(
        self, uid: str, password_hash: str, *, expires_at: datetime | None, event: AuditEvent
    ) -> None:
        """Replace the password, and end every sign-in of this operator.

        Args:
            uid: whose.
            password_hash: of the new password.
            expires_at: makes it a one-time password that is good until then.
            event: what goes on record.
        """
        ...

    async def disable(self, uid: str, event: AuditEvent) -> None:
        """Let an operator sign in no more, and end every sign-in."""
        ...


class RefreshTokens(Protocol):
    """Chains of refresh tokens, one for each sign-in."""

    async def begin(self, token: RefreshToken) -> None:
        """Keep the first token of a chain."""
        ...

    async def exchange(
        self, token_hash: str, following: str, *, at: datetime, lasts_s: float
    ) -> RefreshToken:
        """Use a token once and keep the one that follows; give the new one.

        Raises:
            NotSignedIn: it is unknown, expired or revoked; or it was used before, and then the
                whole chain is revoked and that is on record: one of two holders is a thief.
        """
        ...

    async def end(self, token_hash: str, event: AuditEvent) -> None:
        """Revoke the chain of this token; unknown ones are passed over."""
        ...


class ApiKeys(Protocol):
    """Keys of applications."""

    async def by_hash(self, key_hash: str) -> ApiKey | None:
        """The key with this hash, revoked ones included."""
        ...

    async def everything(self) -> list[ApiKey]:
        """All of them, by name."""
        ...

    async def add(self, key: ApiKey, event: AuditEvent) -> None:
        """Store a new key.

        Raises:
            AccountExists: the name is taken.
        """
        ...

    async def revoke(self, uid: str, event: AuditEvent) -> None:
        """Let a key open nothing any more.

        Raises:
            AccountUnknown: there is no such key.
        """
        ...

    async def used(self, uid: str, *, at: datetime) -> None:
        """Note that a key was used."""
        ...


class Passwords(Protocol):
    """Slow hashes."""

    async def hash(self, password: str) -> str:
        """The hash to store."""
        ...

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password made this hash; None never matches and takes as long."""
        ...


class AccessTokens(Protocol):
    """Short-lived proofs of a sign-in."""

    def issue(self, uid: str, *, at: datetime, lasts_s: float) -> str:
        """A token for one operator."""
        ...

    def read(self, token: str, *, at: datetime) -> AccessClaims:
        """What a token says.

        Raises:
            NotSignedIn: it doesn't count.
        """
        ...


class FaceTokens(Protocol):
    """Short-lived proofs, for other applications, that a person was let in."""

    @property
    def lasts_s(self) -> int:
        """For how long a token counts, in seconds."""
        ...

    def issue(self, request: FaceTokenRequest) -> str:
        """A token for one person and one application."""
        ...

    def key_set(self) -> dict[str, list[dict[str, str]]]:
        """The public keys to verify tokens with, as a JSON Web Key Set."""
        ...
