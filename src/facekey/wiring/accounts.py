"""Operators, API keys, tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from facekey.core.ports.shared import Revocations
from facekey.credentials.access_tokens import JwtAccessTokens, SecretKey
from facekey.credentials.face_tokens import FaceTokenKey, JwtFaceTokens
from facekey.credentials.passwords import Argon2Passwords
from facekey.services.know_caller import KnowCaller
from facekey.services.manage_accounts import ManageAccounts
from facekey.services.sign_in import SignIn, TokenPolicy
from facekey.services.unlock import Unlock
from facekey.settings import Settings
from facekey.store.sealing import KeyRing
from facekey.store.sql.accounts import SqlApiKeys, SqlOperators, SqlRefreshTokens
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import DeploymentKeys, load_deployment_keys
from facekey.store.sql.ledger import SqlLedger
from facekey.store.sql.signing_keys import SqlSigningKeys
from facekey.wiring.clocks import SystemClock
from facekey.wiring.database import prepare_database
from facekey.wiring.keys import open_keys
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
    access_tokens: JwtAccessTokens
    passwords: Argon2Passwords
    clock: SystemClock

    @property
    def manage(self) -> ManageAccounts:
        """What makes and ends accounts."""
        return ManageAccounts(
            operators=self.operators, api_keys=self.api_keys, passwords=self.passwords, clock=self.clock
        )

    def know_caller(self, revocations: Revocations, *, open_to_all: bool) -> KnowCaller:
        """What tells who asks."""
        return KnowCaller(
            operators=self.operators,
            api_keys=self.api_keys,
            access_tokens=self.access_tokens,
            revocations=revocations,
            clock=self.clock,
            open_to_all=open_to_all,
        )

    def sign_in(self, revocations: Revocations, ledger: SqlLedger, policy: TokenPolicy) -> SignIn:
        """What turns passwords into tokens."""
        return SignIn(
            operators=self.operators,
            passwords=self.passwords,
            access_tokens=self.access_tokens,
            refresh_tokens=self.refresh_tokens,
            revocations=revocations,
            ledger=ledger,
            clock=self.clock,
            policy=policy,
        )


def make_accounts(
    settings: Settings, database: Database, audit: SqlAuditLog, keys: DeploymentKeys
) -> Accounts:
    """Operators, keys and tokens of this database."""
    return Accounts(
        operators=SqlOperators(database, audit),
        api_keys=SqlApiKeys(database, audit),
        refresh_tokens=SqlRefreshTokens(database, audit),
        access_tokens=_access_tokens(settings, keys),
        passwords=Argon2Passwords(),
        clock=SystemClock(),
    )


def _access_tokens(settings: Settings, keys: DeploymentKeys) -> JwtAccessTokens:
    """Signed with SECRET_KEY; without one, in development only, with a key of the database."""
    text = settings.secret_key.get_secret_value()
    if not text and settings.profile == "development":
        return JwtAccessTokens(SecretKey(keys.tokens))
    previous = settings.secret_key_previous.get_secret_value().split(",")
    return JwtAccessTokens(SecretKey.parse(text), [SecretKey.parse(key) for key in previous if key.strip()])


@asynccontextmanager
async def open_accounts(settings: Settings) -> AsyncIterator[tuple[ManageAccounts, Unlock]]:
    """Accounts and limits, without loading a network; for the command line."""
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    database = Database(settings.database_url)
    try:
        keys = await load_deployment_keys(database, ring)
        audit = audit_log(settings, database, keys)
        ledger = SqlLedger(database, audit, attempt_policy(settings), pseudonym_key=keys.pseudonyms)
        manage = ManageAccounts(
            operators=SqlOperators(database, audit),
            api_keys=SqlApiKeys(database, audit),
            passwords=Argon2Passwords(),
            clock=SystemClock(),
        )
        yield manage, Unlock(locks=ledger, clock=SystemClock())
    finally:
        await database.close()


async def face_tokens(
    settings: Settings, database: Database, ring: KeyRing, clock: SystemClock
) -> JwtFaceTokens:
    """What signs people in elsewhere, with the keys of this deployment."""
    lasts = timedelta(seconds=settings.face_token_seconds)
    secrets = await SqlSigningKeys(database, ring).load(
        FACE_TOKENS, at=clock.now(), retired_for=RETIRED_KEYS_STAY
    )
    return JwtFaceTokens(
        [FaceTokenKey(one.kid, one.secret) for one in secrets],
        clock,
        issuer=settings.public_url or "facekey",
        lasts_s=int(lasts.total_seconds()),
    )
