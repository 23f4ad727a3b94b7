"""Manage accounts: who may run the service, and which applications may use it."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from facekey.core.accounts import ApiKey, Operator, parse_account_name, parse_audience
from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.caller import Caller, Role
from facekey.core.errors import AccountUnknown, RequestInvalid
from facekey.core.ports.accounts import ApiKeys, Operators, Passwords
from facekey.core.ports.clocks import Clock
from facekey.services.know_caller import API_KEY_PREFIX
from facekey.services.sign_in import token_hash

ONE_TIME_LASTS = timedelta(hours=24)
ONE_TIME_BYTES = 15  # 20 characters of base64
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewOperator:
    """An operator who is still to choose a password.

    Attributes:
        one_time_password: shown once; good for choosing another, until `expires_at`.
    """

    operator: Operator
    one_time_password: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key as it is shown, once."""

    api_key: ApiKey
    key: str = field(repr=False)


class ManageAccounts:
    """Makes and ends accounts. Every change is on record, with who made it."""

    def __init__(
        self, *, operators: Operators, api_keys: ApiKeys, passwords: Passwords, clock: Clock
    ) -> None:
        """Take where accounts are kept."""
        self._operators = operators
        self._api_keys = api_keys
        self._passwords = passwords
        self._clock = clock

    async def operators(self) -> list[Operator]:
        """All operators, by name."""
        return await self._operators.everybody()

    async def api_keys(self) -> list[ApiKey]:
        """All API keys, by name."""
        return await self._api_keys.everything()

    async def any_way_in(self) -> bool:
        """Whether somebody could sign in: an operator or a key that counts."""
        now = self._clock.now()
        operators = await self._operators.everybody()
        keys = await self._api_keys.everything()
        return any(one.disabled_at is None for one in operators) or any(key.counts(now) for key in keys)

    async def add_operator(self, name: str, role: Role, *, caller: Caller) -> NewOperator:
        """Make an operator with a one-time password.

        Raises:
            RequestInvalid: the name or the role is not one for an operator.
            AccountExists: the name is taken.
        """
        name = parse_account_name(name)
        if role not in (Role.ADMIN, Role.OPERATOR):
            raise RequestInvalid("role_invalid", "an operator is admin or operator; machines have keys")
        password, now = secrets.token_urlsafe(ONE_TIME_BYTES), self._clock.now()
        hashed = await self._passwords.hash(password)
        expires_at = now + ONE_TIME_LASTS
        operator = Operator(secrets.token_hex(16), name, role, hashed, True, now, expires_at, now)
        event = self._event("add_operator", caller, {"operator": operator.uid, "role": role})
        await self._operators.add(operator, event)
        return NewOperator(operator, password, expires_at)

    async def reset_password(self, name: str, *, caller: Caller) -> NewOperator:
        """Give an operator a new one-time password; every sign-in ends.

        Raises:
            AccountUnknown: there is no such operator.
        """
        operator = await self._find(name)
        password = secrets.token_urlsafe(ONE_TIME_BYTES)
        expires_at = self._clock.now() + ONE_TIME_LASTS
        event = self._event("reset_password", caller, {"operator": operator.uid})
        hashed = await self._passwords.hash(password)
        await self._operators.set_password(operator.uid, hashed, expires_at=expires_at, event=event)
        return NewOperator(operator, password, expires_at)

    async def disable_operator(self, name: str, *, caller: Caller) -> None:
        """Let an operator sign in no more; every sign-in ends at once.

        Raises:
            AccountUnknown: there is no such operator.
            RequestInvalid: nobody would be left to manage accounts.
        """
        operator = await self._find(name)
        admins = [one for one in await self.operators() if one.role is Role.ADMIN and one.disabled_at is None]
        if [one.uid for one in admins] == [operator.uid]:
            raise RequestInvalid("last_admin", "this is the last admin; make another one first")
        event = self._event("disable_operator", caller, {"operator": operator.uid})
        await self._operators.disable(operator.uid, event)

    async def add_api_key(
        self,
        name: str,
        role: Role,
        *,
        lasts_days: int | None = None,
        audience: str | None = None,
        caller: Caller,
    ) -> NewApiKey:
        """Make a key for an application.

        Args:
            name: what it is for.
            role: usually `service`.
            lasts_days: None lets it last until it is revoked.
            audience: whom tokens that it asks for are for; None lets it ask for none.
            caller: who makes it.

        Raises:
            RequestInvalid: the name, the role or the time can't be used.
            AccountExists: the name is taken.
        """
        name = parse_account_name(name)
        if role is Role.ADMIN:
            raise RequestInvalid("role_invalid", "a key is for service, monitor or operator; admins sign in")
        now = self._clock.now()
        expires_at = None if lasts_days is None else now + timedelta(days=lasts_days)
        key = API_KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
        made = ApiKey(
            secrets.token_hex(16),
            name,
            role,
            token_hash(key),
            now,
            caller.actor,
            None if audience is None else parse_audience(audience),
            expires_at,
        )
        event = self._event("add_api_key", caller, {"api_key": made.uid, "role": role})
        await self._api_keys.add(made, event)
        return NewApiKey(made, key)

    async def revoke_api_key(self, uid: str, *, caller: Caller) -> None:
        """Let a key open nothing any more.

        Raises:
            AccountUnknown: there is no such key.
        """
        await self._api_keys.revoke(uid, self._event("revoke_api_key", caller, {"api_key": uid}))

    async def _find(self, name: str) -> Operator:
        operator = await self._operators.named(name)
        if operator is None:
            raise AccountUnknown(name)
        return operator

    def _event(self, action: str, caller: Caller, details: dict[str, AuditValue]) -> AuditEvent:
        return AuditEvent(action, caller.actor, None, "done", "asked", self._clock.now(), details)
