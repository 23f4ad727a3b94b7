"""Operators, API keys, tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from facekey.core.audit import AuditEvent
from facekey.core.caller import COMMAND_LINE
from facekey.core.ports.accounts import AccessTokens
from facekey.core.ports.measures import UNMEASURED, LockOutMeter
from facekey.core.ports.shared import Revocations
from facekey.credentials.access_tokens import JwtAccessTokens, SecretKey
from facekey.credentials.face_tokens import FaceTokenKey, JwtFaceTokens
from facekey.credentials.passwords import Argon2Passwords
from facekey.services.know_caller import KnowCaller
from facekey.services.manage_accounts import ManageAccounts
from facekey.services.sign_in import SignIn, TokenPolicy
from facekey.services.unlock import Unlock
from facekey.settings import Settings
from facekey.store.sql.api_keys import SqlApiKeys
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.ledger import SqlLedger
from facekey.store.sql.operators import SqlOperators
from facekey.store.sql.refresh_tokens import SqlRefreshTokens
from facekey.store.sql.signing_keys import SqlSigningKeys
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import Deployment, open_deployment
from facekey.wiring.limits import attempt_policy
from facekey.wiring.records import audit_log

FACE_TOKENS = "face_token"

RETIRED_KEYS_STAY = timedelta(days=1)  # longer than any face token lasts


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where operators, keys and tokens are kept, and the services around them."""

    operators: SqlOperators
    api_keys: SqlApiKeys
    refresh_tokens: SqlRefreshTokens
    passwords: Argon2Passwords
    clock: SystemClock

    @property
    def manage(self) -> ManageAccounts:
        """What makes and ends accounts."""
        return ManageAccounts(
            operators=self.operators, api_keys=self.api_keys, passwords=self.passwords, clock=self.clock
        )

    def know_caller(
        self, access_tokens: AccessTokens, revocations: Revocations, *, open_to_all: bool
    ) -> KnowCaller:
        """What tells who asks."""
        return KnowCaller(
            operators=self.operators,
            api_keys=self.api_keys,
            access_tokens=access_tokens,
            revocations=revocations,
            clock=self.clock,
            open_to_all=open_to_all,
        )

    def sign_in(
        self, access_tokens: AccessTokens, revocations: Revocations, ledger: SqlLedger, policy: TokenPolicy
    ) -> SignIn:
        """What turns passwords into tokens."""
        return SignIn(
            operators=self.operators,
            passwords=self.passwords,
            access_tokens=access_tokens,
            refresh_tokens=self.refresh_tokens,
            revocations=revocations,
            ledger=ledger,
            clock=self.clock,
            policy=policy,
        )


def make_ledger(deployment: Deployment, audit: SqlAuditLog, *, meter: LockOutMeter = UNMEASURED) -> SqlLedger:
    """Where failed attempts are counted."""
    return SqlLedger(
        deployment.database,
        audit,
        attempt_policy(deployment.settings),
        pseudonym_key=deployment.keys.pseudonyms,
        meter=meter,
    )


def make_accounts(deployment: Deployment, audit: SqlAuditLog) -> Accounts:
    """Operators, keys and tokens of this database. Needs no SECRET_KEY: the first account comes before it."""
    database = deployment.database
    return Accounts(
        operators=SqlOperators(database, audit),
        api_keys=SqlApiKeys(database, audit),
        refresh_tokens=SqlRefreshTokens(database, audit),
        passwords=Argon2Passwords(),
        clock=SystemClock(),
    )


def make_access_tokens(deployment: Deployment) -> JwtAccessTokens:
    """Signed with SECRET_KEY; without one, in development only, with a key of the database."""
    settings = deployment.settings
    text = settings.secret_key.get_secret_value()
    if not text and settings.profile == "development":
        return JwtAccessTokens(SecretKey(deployment.keys.tokens))
    previous = settings.secret_key_previous.get_secret_value().split(",")
    return JwtAccessTokens(SecretKey.parse(text), [SecretKey.parse(key) for key in previous if key.strip()])


@asynccontextmanager
async def open_accounts(settings: Settings) -> AsyncIterator[tuple[ManageAccounts, Unlock]]:
    """Accounts and limits, without loading a network; raises what `open_deployment` raises."""
    async with open_deployment(settings) as deployment:
        audit = audit_log(deployment)
        accounts = make_accounts(deployment, audit)
        yield accounts.manage, Unlock(locks=make_ledger(deployment, audit), clock=accounts.clock)


async def renew_face_tokens(settings: Settings) -> None:
    """Let services sign face tokens with a new key from their next start on.

    Raises:
        SettingsInvalid, KeyUnavailable, StoreUnavailable: nothing was changed.
    """
    async with open_deployment(settings) as deployment:
        event = AuditEvent(
            "renew_face_token_key", COMMAND_LINE.actor, None, "done", "asked", SystemClock().now(), {}
        )
        keys = SqlSigningKeys(deployment.database, deployment.ring)
        await keys.renew(FACE_TOKENS, audit_log(deployment), event)


async def face_tokens(deployment: Deployment, clock: SystemClock) -> JwtFaceTokens:
    """What signs people in elsewhere, with the keys of this deployment."""
    settings = deployment.settings
    lasts = timedelta(seconds=settings.face_token_seconds)
    secrets = await SqlSigningKeys(deployment.database, deployment.ring).load(
        FACE_TOKENS, at=clock.now(), retired_for=RETIRED_KEYS_STAY
    )
    return JwtFaceTokens(
        [FaceTokenKey(one.kid, one.secret) for one in secrets],
        clock,
        issuer=settings.public_url or "facekey",
        lasts_s=int(lasts.total_seconds()),
    )
