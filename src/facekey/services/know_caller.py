"""Know the caller: from a token or an API key to who asks and what they may."""

from contextlib import suppress
from datetime import timedelta

from facekey.core.caller import Caller, Role
from facekey.core.errors import NotSignedIn, StoreUnavailable
from facekey.core.ports.accounts import AccessTokens, ApiKeys, Operators
from facekey.core.ports.clocks import Clock
from facekey.core.ports.shared import Revocations
from facekey.services.sign_in import token_hash

API_KEY_PREFIX = "fk_"
"""Tells a key from a token, and secret scanners what they found."""

OPERATOR = "operator:"
"""Before the uid of an operator, where actors are named."""

NOTE_USE_EVERY = timedelta(minutes=10)


class KnowCaller:
    """Looks credentials up. Who was disabled or revoked a moment ago is refused at once."""

    def __init__(
        self,
        *,
        operators: Operators,
        api_keys: ApiKeys,
        access_tokens: AccessTokens,
        revocations: Revocations,
        clock: Clock,
        open_to_all: bool,
    ) -> None:
        """Take `open_to_all` for the development profile: who shows nothing may everything."""
        self._operators = operators
        self._api_keys = api_keys
        self._access_tokens = access_tokens
        self._revocations = revocations
        self._clock = clock
        self._open_to_all = open_to_all

    async def __call__(self, credential: str | None, *, address: str | None) -> Caller:
        """Who asks.

        A credential that is shown must count, in an open service too.

        Args:
            credential: an access token or an API key; None when none came along.
            address: where the request comes from.

        Raises:
            NotSignedIn: there is none, or it doesn't count.
            StoreUnavailable: it can't be known.
        """
        if credential is None:
            if self._open_to_all:
                return Caller("open", Role.ADMIN, address)
            raise NotSignedIn("sign in first, or send an API key: Authorization: Bearer ...")
        if credential.startswith(API_KEY_PREFIX):
            return await self._application(credential)
        return await self._operator(credential, address)

    @property
    def open_to_all(self) -> bool:
        """Whether who shows nothing may everything."""
        return self._open_to_all

    async def name_of(self, caller: Caller) -> str | None:
        """What an operator is called; None for whoever is none.

        Raises:
            StoreUnavailable: it can't be known.
        """
        if not caller.actor.startswith(OPERATOR):
            return None
        operator = await self._operators.find(caller.actor.removeprefix(OPERATOR))
        return None if operator is None else operator.name

    async def _operator(self, token: str, address: str | None) -> Caller:
        claims = self._access_tokens.read(token, at=self._clock.now())
        if await self._revocations.is_revoked(claims.token_id):
            raise NotSignedIn("this sign-in was ended; sign in again")
        # The role is the one of now, not the one of when the token was made.
        operator = await self._operators.find(claims.uid)
        if operator is None or operator.disabled_at is not None or operator.one_time:
            raise NotSignedIn("this account can't be used any more")
        if claims.issued_at < operator.password_set_at.replace(microsecond=0):
            raise NotSignedIn("the password was changed since; sign in again")
        return Caller(f"{OPERATOR}{operator.uid}", operator.role, address)

    async def _application(self, key: str) -> Caller:
        now = self._clock.now()
        found = await self._api_keys.by_hash(token_hash(key))
        if found is None or not found.counts(now):
            raise NotSignedIn("this API key doesn't count (any more)")
        if found.last_used_at is None or now - found.last_used_at >= NOTE_USE_EVERY:
            with suppress(StoreUnavailable):  # it is a note; the request doesn't hang on it
                await self._api_keys.used(found.uid, at=now)
        # All its requests come from one address, which says nothing about those who are in front
        # of cameras: an application tells their address itself.
        return Caller(f"api_key:{found.uid}", found.role, None, found.audience)
