"""The services on a real store, behind an analyzer that plays back what was prepared."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from facekey.api.collectors import BiasCollector
from facekey.api.meters import Meters
from facekey.api.metrics import ProcessMetrics
from facekey.api.rate import Budgets, RequestRates
from facekey.api.service import (
    NetworkStatus,
    Service,
    StreamFacts,
    StreamLimits,
    SystemFacts,
    VoiceVerbs,
)
from facekey.core.adaptation import AdaptationPolicy
from facekey.core.audit import verify_chain
from facekey.core.audit_statements import CheckpointPolicy
from facekey.core.consent import ConsentRule
from facekey.core.errors import ImageRefused
from facekey.core.labels import Vocabulary
from facekey.core.matching import Matcher
from facekey.core.policy import AuthenticatePolicy, IdentifyPolicy, RegisterPolicy
from facekey.core.ports.clocks import Clock, Ticker
from facekey.core.ports.shared import Rate
from facekey.core.ports.spoofs import UNWITNESSED, SpoofWitness
from facekey.core.types import Assessed, Evidence, Floats
from facekey.credentials.access_tokens import JwtAccessTokens, SecretKey
from facekey.credentials.face_tokens import FaceTokenKey, JwtFaceTokens
from facekey.credentials.signatures import Ed25519Signer
from facekey.services.adapt import Adapt
from facekey.services.assess import Assess
from facekey.services.authenticate import Authenticate
from facekey.services.bias import MonitorBias
from facekey.services.checkpoint import MakeCheckpoint
from facekey.services.consent import KeepConsent
from facekey.services.erase import Erase
from facekey.services.export import Export
from facekey.services.find_name import FindName
from facekey.services.follow_audit import FollowAudit
from facekey.services.identify import Identify
from facekey.services.know_caller import KnowCaller
from facekey.services.label import Label
from facekey.services.list_people import ListPeople
from facekey.services.manage_accounts import ManageAccounts
from facekey.services.read_audit import ReadAudit
from facekey.services.read_spoofs import ReadSpoofs
from facekey.services.register import Register
from facekey.services.retain import Retain, RetentionPolicy
from facekey.services.sign_in import SignIn, TokenPolicy
from facekey.services.stream import Stream
from facekey.services.undo_adaptation import UndoAdaptation
from facekey.services.unlock import Unlock
from facekey.services.verify_audit import VerifyAudit
from facekey.services.voice_step import VoiceStep
from facekey.store.memory import MemoryChanges, MemoryRateLimiter, MemoryRevocations
from facekey.store.sql.adaptation import SqlAdaptations
from facekey.store.sql.api_keys import SqlApiKeys
from facekey.store.sql.audit_tail import SqlAuditTail
from facekey.store.sql.audit_trail import SqlAuditTrail, SqlAuditView
from facekey.store.sql.checkpoints import SqlCheckpoints, Witness
from facekey.store.sql.consents import SqlConsents
from facekey.store.sql.key_inventory import SqlKeyInventory
from facekey.store.sql.labels import SqlLabels
from facekey.store.sql.operators import SqlOperators
from facekey.store.sql.personal_data import SqlPersonalRecords
from facekey.store.sql.refresh_tokens import SqlRefreshTokens
from facekey.store.sql.retention import SqlRetention
from facekey.store.sql.spoofs import SqlSpoofs
from tests.contract.store.opened import Store
from tests.unit.core.made import CALIBRATION, MODEL, direction, evidence, near
from tests.unit.core.test_head import documented_head
from tests.unit.services.staged import Stage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PICTURE_SIZE = 400, 400
TOKEN_KEY = SecretKey(b"0123456789abcdefghijklmnopqrstuv")
MATCHER = Matcher({MODEL: CALIBRATION})
AUTHENTICATE = AuthenticatePolicy(match_threshold=4.0, liveness_threshold=0.5, head=documented_head())
IDENTIFY = IdentifyPolicy(match_threshold=4.0, false_positive_rate=0.01, liveness_threshold=0.5)
GENEROUS = Budgets(Rate(1e6, 1_000_000), Rate(1e6, 1_000_000), Rate(1e6, 1_000_000))
REGISTER = RegisterPolicy(same_person_threshold=3.0, two_people_threshold=2.0, liveness_threshold=0.5)


class FixedClock:
    """Implements `core.ports.clocks.Clock`."""

    def now(self) -> datetime:
        return NOW


@dataclass
class HandClock:
    """Implements `core.ports.clocks.Clock`: time stands until a test moves it."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class QuickPasswords:
    """Implements `core.ports.accounts.Passwords` for tests of what stands around the hash."""

    async def hash(self, password: str) -> str:
        return hashlib.sha256(password.encode()).hexdigest()

    async def matches(self, password: str, password_hash: str | None) -> bool:
        return hashlib.sha256(password.encode()).hexdigest() == password_hash


@dataclass
class Playback:
    """Implements `core.ports.vision.Analyzer` and `Assessor`: each picture says what was prepared for it."""

    prepared: dict[bytes, Evidence | Exception] = field(default_factory=dict)
    seen: list[bytes] = field(default_factory=list)

    async def analyze(self, image: bytes) -> Evidence:
        self.seen.append(image)
        await asyncio.sleep(0)
        said = self.prepared.get(image, ImageRefused("image_corrupt", "the picture can't be read"))
        if isinstance(said, Exception):
            raise said
        return said

    async def assess(self, image: bytes) -> Assessed:
        said = await self.analyze(image)
        return Assessed(said.quality, said.detection.box.within(PICTURE_SIZE))

    def photo(self, said: Evidence | Exception) -> bytes:
        """A new picture that says this."""
        image = f"picture {len(self.prepared)}".encode()
        self.prepared[image] = said
        return image

    def photos_of(self, centre: Floats, count: int = 5) -> list[bytes]:
        """Distinct pictures of one person."""
        first = len(self.prepared)
        return [
            self.photo(evidence(near(centre, 0.9, 100_000 + first + number), picture=first + number))
            for number in range(count)
        ]


def person(seed: int) -> Floats:
    """Somebody's face."""
    return direction(seed)


class Accounts:
    """Operators, keys and tokens of a store."""

    def __init__(self, store: Store, clock: Clock, ticker: Ticker, *, open_to_all: bool = True) -> None:
        operators, api_keys = (
            SqlOperators(store.database, store.audit),
            SqlApiKeys(store.database, store.audit),
        )
        passwords, revocations = QuickPasswords(), MemoryRevocations(ticker, most=100)
        access_tokens = JwtAccessTokens(TOKEN_KEY)
        self.manage = ManageAccounts(operators=operators, api_keys=api_keys, passwords=passwords, clock=clock)
        self.know_caller = KnowCaller(
            operators=operators,
            api_keys=api_keys,
            access_tokens=access_tokens,
            revocations=revocations,
            clock=clock,
            open_to_all=open_to_all,
        )
        self.sign_in = SignIn(
            operators=operators,
            passwords=passwords,
            access_tokens=access_tokens,
            refresh_tokens=SqlRefreshTokens(store.database, store.audit),
            revocations=revocations,
            ledger=store.ledger,
            clock=clock,
            policy=TokenPolicy(),
        )
        self.face_tokens = JwtFaceTokens(
            [FaceTokenKey("first", b"1" * 32)], clock, issuer="https://faces.example", lasts_s=120
        )


SIGNER = Ed25519Signer([b"3" * 32])


def checkpointing(store: Store, clock: Clock, *, witness: Witness | None = None) -> MakeCheckpoint:
    """Checkpoints after ten records, or an hour."""
    return MakeCheckpoint(
        checkpoints=SqlCheckpoints(
            store.database, SIGNER, pseudonym_key=store.keys.pseudonyms, witness=witness
        ),
        policy=CheckpointPolicy(records=10),
        clock=clock,
    )


def verifying(store: Store) -> VerifyAudit:
    """The whole check, with all keys at hand."""
    return VerifyAudit(
        trail=SqlAuditTrail(store.database), verifier=SIGNER.public, pseudonym_key=store.keys.pseudonyms
    )


def erasing(store: Store, clock: Clock) -> Erase:
    """Erasures with signed receipts."""
    return Erase(
        templates=store.templates, signer=SIGNER, pseudonym_of=store.audit.names.pseudonym, clock=clock
    )


RETENTION = RetentionPolicy(
    ConsentRule.OPTIONAL,
    unused=timedelta(days=1095),
    grace=timedelta(days=30),
    spoofs=timedelta(days=30),
    traces=timedelta(days=30),
)


def retaining(store: Store, clock: Clock, policy: RetentionPolicy = RETENTION) -> Retain:
    """Three years for people, a month for traces."""
    return Retain(
        retention=SqlRetention(store.database, store.ring),
        erase=erasing(store, clock),
        policy=policy,
        clock=clock,
    )


def reading(store: Store, clock: Clock) -> ReadAudit:
    """The log for operators."""
    return ReadAudit(
        view=SqlAuditView(store.database, pseudonym_key=store.keys.pseudonyms),
        trail=SqlAuditTrail(store.database),
        verify=verifying(store),
        checkpoint=checkpointing(store, clock),
        audit=store.audit,
        clock=clock,
    )


def spoofs_of(store: Store, rule: ConsentRule = ConsentRule.OPTIONAL) -> SqlSpoofs:
    """Where evidence of suspected spoofs lies."""
    return SqlSpoofs(store.database, store.ring, store.audit.names, rule)


def reading_spoofs(store: Store, clock: Clock) -> ReadSpoofs:
    """Suspected spoofs for operators."""
    key = store.keys.pseudonyms
    return ReadSpoofs(
        read=reading(store, clock),
        view=SqlAuditView(store.database, pseudonym_key=key),
        store=spoofs_of(store),
        names=FindName(directory=store.directory, pseudonym_key=key),
        audit=store.audit,
        clock=clock,
    )


def services(
    store: Store,
    analyzer: Playback,
    stage: Stage | None = None,
    *,
    clock: Clock | None = None,
    accounts: Accounts | None = None,
    budgets: Budgets | None = None,
    adaptation: AdaptationPolicy | None = None,
    consent: ConsentRule = ConsentRule.OPTIONAL,
    keep_photos: bool = False,
    witness: SpoofWitness = UNWITNESSED,
    voice_step: VoiceStep | None = None,
    voice: VoiceVerbs | None = None,
) -> Service:
    clock = clock or FixedClock()
    stage = stage or Stage()
    accounts = accounts or Accounts(store, clock, stage.ticker)
    adaptations = SqlAdaptations(store.database, store.ring, store.audit)
    learning = (
        None if adaptation is None else Adapt(adaptations=adaptations, matcher=MATCHER, policy=adaptation)
    )
    labels = SqlLabels(store.database, store.ring, store.audit)
    meters = Meters()
    bias = MonitorBias(people=labels, matcher=MATCHER, match_threshold=4.0, audit=store.audit, clock=clock)
    return Service(
        assess=Assess(assessor=analyzer),
        register=Register(
            analyzer=analyzer,
            templates=store.templates,
            directory=store.directory,
            gallery=store.gallery,
            matcher=MATCHER,
            policy=REGISTER,
            enrolled_policy=IDENTIFY,
            audit=store.audit,
            clock=clock,
            consent=consent,
            keep_photos=keep_photos,
            meter=meters,
        ),
        authenticate=Authenticate(
            analyzer=analyzer,
            templates=store.templates,
            decoy=store.decoy,
            matcher=MATCHER,
            policy=AUTHENTICATE,
            ledger=store.ledger,
            clock=clock,
            learning=learning,
            consent=consent,
            meter=meters,
            witness=witness,
            voice=voice_step,
        ),
        identify=Identify(
            analyzer=analyzer,
            gallery=store.gallery,
            policy=IDENTIFY,
            ledger=store.ledger,
            clock=clock,
            consent=consent,
            meter=meters,
        ),
        erase=erasing(store, clock),
        consents=KeepConsent(
            consents=SqlConsents(store.database, store.audit), changes=MemoryChanges(), clock=clock
        ),
        export=Export(
            records=SqlPersonalRecords(store.database, store.ring, store.audit.names),
            audit=store.audit,
            clock=clock,
        ),
        retain=retaining(store, clock),
        stream=Stream(
            watcher=stage,
            templates=store.templates,
            decoy=store.decoy,
            matcher=MATCHER,
            policy=AUTHENTICATE,
            stream_policy=stage.policy,
            single_use=stage.single_use,
            seen_frames=stage.seen_frames,
            ledger=store.ledger,
            clock=clock,
            ticker=stage.ticker,
            random=stage,
            learning=learning,
            consent=consent,
            meter=meters,
            witness=witness,
        ),
        know_caller=accounts.know_caller,
        sign_in=accounts.sign_in,
        manage_accounts=accounts.manage,
        face_tokens=accounts.face_tokens,
        locks=store.ledger,
        unlock=Unlock(locks=store.ledger, clock=clock),
        label=Label(labels=labels, vocabulary=Vocabulary(), clock=clock),
        bias=bias,
        metrics=ProcessMetrics(meters, BiasCollector(lambda: bias.last)),
        meters=meters,
        undo_adaptation=UndoAdaptation(
            adaptations=adaptations,
            earlier=adaptations,
            policy=adaptation or AdaptationPolicy(match_threshold=4.0),
            clock=clock,
        ),
        read_audit=reading(store, clock),
        read_spoofs=reading_spoofs(store, clock),
        follow_audit=FollowAudit(tail=SqlAuditTail(store.database), audit=store.audit, clock=clock),
        audit_keys=SIGNER.public.pem().decode(),
        keys=SqlKeyInventory(store.database, store.ring),
        rates=RequestRates(MemoryRateLimiter(stage.ticker, most=100), budgets or GENEROUS),
        stream_limits=StreamLimits(max_frame_bytes=50_000, frames_per_s=30.0, connections=3),
        directory=store.directory,
        list_people=ListPeople(directory=store.directory, locks=store.ledger),
        readiness=StoreReadiness(store),
        facts=SystemFacts(
            version="0",
            profile="development",
            device="none",
            match_fmr=1e-4,
            match_threshold=0.65,
            liveness_threshold=0.5,
            networks=(NetworkStatus("made", "embed", "Made up", "MIT", True, True, None),),
            started_at=NOW,
            stream=StreamFacts(None, 24, 3.0, 60.0),
            images_stored=keep_photos,
            adaptation=adaptation is not None,
            consent_required=consent is ConsentRule.REQUIRED,
            max_image_bytes=10_000,
            voice=voice is not None,
        ),
        voice=voice,
    )


@dataclass(frozen=True)
class StoreReadiness:
    """Implements `api.service.Readiness`."""

    store: Store

    async def check(self) -> None:
        await self.store.gallery.refresh()


async def recorded(store: Store) -> list[Mapping[str, object]]:
    """All records, after a look at every link."""
    found = [record async for record in store.audit.records()]
    verify_chain(found)
    return [json.loads(record.body) for record in found]
