"""Who stands behind which port. Only this file reads settings and chooses."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from secrets import SystemRandom

import numpy as np

from facekey import __version__
from facekey.api.app import Doors
from facekey.api.limits import RequestLimits
from facekey.api.metrics import ProcessMetrics
from facekey.api.rate import Budgets, RequestRates
from facekey.api.service import NetworkStatus, Service, StreamLimits, SystemFacts
from facekey.core.adaptation import AdaptationPolicy
from facekey.core.alert_ports import Notifier, SubjectNames
from facekey.core.alerts import AlertPolicy
from facekey.core.attempts import AttemptPolicy
from facekey.core.audit import ChainedRecord
from facekey.core.audit_statements import CheckpointPolicy
from facekey.core.calibration import confidence, evidence_of_fmr
from facekey.core.consent import ConsentRule
from facekey.core.errors import ModelError, ModelUnavailable, SealBroken, SettingsInvalid
from facekey.core.head import Head
from facekey.core.labels import Vocabulary
from facekey.core.matching import Matcher
from facekey.core.policy import AuthenticatePolicy, IdentifyPolicy, RegisterPolicy
from facekey.core.ports import Embedder, LivenessNetwork, Rate, Revocations, SequenceNetwork
from facekey.core.root_keys import KeyUse
from facekey.core.types import ModelId
from facekey.credentials.access_tokens import JwtAccessTokens, SecretKey
from facekey.credentials.face_tokens import FaceTokenKey, JwtFaceTokens
from facekey.credentials.passwords import Argon2Passwords
from facekey.credentials.signatures import Ed25519Signer, PublicKeys
from facekey.notify.email import EmailNotifier, MailServer, MailTls
from facekey.notify.log import LogNotifier
from facekey.notify.webhook import WebhookNotifier
from facekey.services.adapt import Adapt
from facekey.services.authenticate import Authenticate
from facekey.services.bias import MonitorBias
from facekey.services.checkpoint import MakeCheckpoint
from facekey.services.consent import KeepConsent
from facekey.services.deliver import Deliver
from facekey.services.erase import Erase
from facekey.services.export import Export
from facekey.services.find_name import FindName
from facekey.services.identify import Identify
from facekey.services.know_caller import KnowCaller
from facekey.services.label import Label
from facekey.services.manage_accounts import ManageAccounts
from facekey.services.read_audit import ReadAudit
from facekey.services.rebuild_index import RebuildIndex
from facekey.services.register import Register
from facekey.services.repeat import repeating
from facekey.services.retain import Retain, RetentionPolicy, in_turn
from facekey.services.rotate_keys import RotateKeys
from facekey.services.seal_audit import SealAudit
from facekey.services.sign_in import SignIn, TokenPolicy
from facekey.services.stream import Stream, StreamPolicy
from facekey.services.undo_adaptation import UndoAdaptation
from facekey.services.unlock import Unlock
from facekey.services.verify_audit import VerifyAudit
from facekey.services.watch_audit import CheckTail, TellAuditBroken, WatchAudit
from facekey.settings import Settings, read_settings
from facekey.store.announced import AnnouncedTemplates
from facekey.store.checkpoint_file import CheckpointFile
from facekey.store.decoy import Population, PopulationDecoy
from facekey.store.follower import following
from facekey.store.gallery import MemoryGallery
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.keys.stored import InTheOpen, KeyWrapping, StoredKeys
from facekey.store.redis.shared import in_redis
from facekey.store.sealing import KeyProvider, KeyRing
from facekey.store.shared import SeenFramesLimits, Shared, in_process
from facekey.store.shared_gallery import SharedGallery
from facekey.store.shared_index import SharedIndex
from facekey.store.sql.accounts import SqlApiKeys, SqlOperators, SqlRefreshTokens
from facekey.store.sql.adaptation import SqlAdaptations
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.audit_tail import SqlAuditTail
from facekey.store.sql.audit_trail import SqlAuditTrail, SqlAuditView
from facekey.store.sql.checkpoints import SqlCheckpoints
from facekey.store.sql.consents import SqlConsents
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import DeploymentKeys, load_deployment_keys
from facekey.store.sql.labels import SqlLabels
from facekey.store.sql.ledger import SqlLedger
from facekey.store.sql.migrate import migrate
from facekey.store.sql.names import Names
from facekey.store.sql.outbox import SqlOutbox
from facekey.store.sql.personal_data import SqlPersonalRecords
from facekey.store.sql.retention import SqlRetention
from facekey.store.sql.rotation import SqlWrappedKeys
from facekey.store.sql.signing_keys import SqlSigningKeys
from facekey.store.sql.subjects import SqlDirectory, SqlTemplates
from facekey.vision.align import CONTEXT_SIDE
from facekey.vision.detect.hybrid import HybridDetector
from facekey.vision.detect.mtcnn import Mtcnn
from facekey.vision.detect.retinaface import RetinaFace
from facekey.vision.embed.arcface import arcface_embedder
from facekey.vision.embed.facenet import facenet_embedder
from facekey.vision.embed.mobilefacenet import mobilefacenet_embedder
from facekey.vision.headers import DecodeLimits
from facekey.vision.landmarks.eyelids import EyelidReader
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.vision.liveness.cnn import LivenessCnn
from facekey.vision.liveness.depth import DepthReader, MeshDepth, MidasDepth
from facekey.vision.liveness.parallax import MODEL as PARALLAX_MODEL
from facekey.vision.liveness.parallax import ParallaxLiveness
from facekey.vision.liveness.temporal import TemporalLiveness
from facekey.vision.pipeline import Pipeline, StageObserver
from facekey.vision.pool import AnalyzerPool, WatcherPool, Workers
from facekey.vision.sequence import SequenceJudge
from facekey.vision.subject import SubjectPolicy
from facekey.zoo.cards import Card, Task
from facekey.zoo.fusion import read_fusion
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo, default_cards_dir

SAME_PERSON_FMR = 1e-3  # a photo must match the mean of the others this well to join a template
ENROLLED_FMR = 1e-5  # a face counts as enrolled already from here on, and for large galleries when
ENROLLED_FPIR = 1e-3  # no more than one newcomer in a thousand would wrongly be taken for somebody
TWO_PEOPLE_FMR = 1e-2  # 99 % of all pairs of different people stay below

FACE_TOKENS = "face_token"
AUDIT_SIGNATURES = "audit"
KEPT_FOR_EVER = timedelta(days=365_000)  # what they signed must be verifiable as long as anybody has it
CHECKPOINT_LOOKS_S = 10.0
RETENTION_LOOKS_S = 600.0  # one service an hour does it
AUDIT_LOOKS_S = 300.0
OUTBOX_LOOKS_S = 2.0
SMTP_PORTS = {MailTls.STARTTLS: 587, MailTls.IMPLICIT: 465, MailTls.NONE: 25}
RETIRED_KEYS_STAY = timedelta(days=1)  # longer than any face token lasts
EMBEDDERS: Mapping[str, Callable[[OnnxSession], Embedder]] = {
    "mobilefacenet": mobilefacenet_embedder,
    "arcface_r100": arcface_embedder,
    "arcface_r50": arcface_embedder,
    "arcface_mobile": arcface_embedder,
    "facenet": facenet_embedder,
}
"""The adapter for each recognition network, in the order of the evidence."""

SUPPORT = ("retinaface", "mtcnn_pnet", "mtcnn_rnet", "mtcnn_onet", "facemesh", "iris", "liveness_temporal")
"""Networks that find, read and watch the face; all must be there."""


class SystemClock:
    """Implements `core.ports.Clock`."""

    def now(self) -> datetime:
        """The time, aware, UTC."""
        return datetime.now(UTC)


class MonotonicTicker:
    """Implements `core.ports.Ticker`."""

    def seconds(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Vision:
    """The networks of one process, and what their cards say of them."""

    pipeline: Pipeline
    sequence: SequenceJudge
    matcher: Matcher
    populations: Mapping[ModelId, Population]
    liveness_threshold: float
    device: str
    networks: tuple[NetworkStatus, ...]


def open_zoo(settings: Settings) -> Zoo:
    """The zoo that the settings name."""
    return Zoo(cache_dir=settings.models_dir, mirror=settings.models_mirror)


def open_vision(
    zoo: Zoo,
    *,
    limits: DecodeLimits | None = None,
    subject: SubjectPolicy | None = None,
    observe: StageObserver | None = None,
) -> Vision:
    """Load every network that is installed and measured.

    Raises:
        ModelUnavailable: a network that decisions need is missing; says what to run.
        ModelError: a network can't be loaded or is not what its card says.
    """
    detector = open_detector(zoo)
    mesh_session = zoo.open("facemesh")
    cards = {name: zoo.card(name) for name in zoo.names()}
    embedders = [adapter(zoo.open(name)) for name, adapter in EMBEDDERS.items() if _usable(zoo, cards[name])]
    if not embedders:
        raise ModelUnavailable("recognition", "no network is installed; run `facekey models pull`")
    live = [_open_liveness(zoo, card) for card in cards.values() if _tells_liveness(card)]
    if not live:
        raise ModelUnavailable("liveness", "no network is installed; run `facekey models pull`")
    in_use = {*SUPPORT, *(name for name in EMBEDDERS if _usable(zoo, cards[name]))}
    in_use |= {card.name for card in cards.values() if _tells_liveness(card)}
    calibrations = {
        card.model_id: card.calibration
        for card in cards.values()
        if card.name in in_use and card.calibration is not None
    }
    return Vision(
        pipeline=Pipeline(
            detector=detector,
            landmarker=FaceMeshLandmarker(mesh_session),
            embedders=embedders,
            liveness=[network for network, _ in live],
            eyes=EyelidReader(zoo.open("iris")),
            subject=subject,
            limits=limits,
            observe=observe,
        ),
        sequence=open_judge(zoo),
        matcher=Matcher(calibrations),
        populations={model: _population(model) for model in calibrations},
        # Their scores are averaged; should their cards differ, the strictest line holds for the mean.
        liveness_threshold=max(threshold for _, threshold in live),
        device=mesh_session.provider.removesuffix("ExecutionProvider"),
        networks=tuple(_network_status(zoo, card, in_use=card.name in in_use) for card in cards.values()),
    )


def open_detector(zoo: Zoo) -> HybridDetector:
    """RetinaFace, with MTCNN behind it.

    Raises:
        ModelUnavailable: one of their networks is missing; says what to run.
    """
    mtcnn = Mtcnn(pnet=zoo.open("mtcnn_pnet"), rnet=zoo.open("mtcnn_rnet"), onet=zoo.open("mtcnn_onet"))
    return HybridDetector(RetinaFace(zoo.open("retinaface")), mtcnn)


def load_head() -> Head:
    """The trained authentication head that comes with FaceKey.

    Raises:
        ModelError: the file is not one.
    """
    path = default_cards_dir() / "weights" / "head.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        first, second, third = (
            (np.array(weight, dtype=np.float32), np.array(bias, dtype=np.float32))
            for weight, bias in zip(values["weights"], values["biases"], strict=True)
        )
        return Head((first[0], second[0], third[0]), (first[1], second[1], third[1]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path.name} is no authentication head: {error}") from error


def open_judge(zoo: Zoo) -> SequenceJudge:
    """What judges several frames together: frames, movement, parallax, and what each is worth.

    Raises:
        ModelUnavailable: the temporal network is missing; says what to run.
        ModelError: a file is not what it should be.
    """
    file = read_fusion()
    use = zoo.card("liveness_temporal").sequence
    if use is None or file.parallax_model != PARALLAX_MODEL:
        raise ModelError("liveness_temporal has no calibration, or parallax is not the one that was measured")
    networks: dict[str, SequenceNetwork] = {
        "temporal": TemporalLiveness(zoo.open("liveness_temporal"), slope=use.slope, intercept=use.intercept),
        "parallax": ParallaxLiveness(slope=file.parallax_slope, intercept=file.parallax_intercept),
    }
    return SequenceJudge(networks, file.fusion)


def open_depth(zoo: Zoo) -> DepthReader:
    """MiDaS where it is installed, else the depth that the face mesh believes in."""
    return MidasDepth(zoo.open("midas_small")) if zoo.status("midas_small").installed else MeshDepth()


def stream_limits(settings: Settings) -> StreamLimits:
    """What a live stream may ask of a process with these settings."""
    return StreamLimits(
        max_frame_bytes=settings.stream_max_frame_bytes,
        frames_per_s=settings.stream_frames_per_second,
        connections=settings.stream_connections,
        connections_per_address=settings.stream_connections_per_address,
    )


def request_limits(settings: Settings) -> RequestLimits:
    """What all requests together may ask of a process with these settings."""
    return RequestLimits(
        at_once=settings.max_requests,
        at_once_per_address=settings.max_requests_per_address,
        body_bytes_at_once=settings.max_body_bytes_at_once,
    )


def _budgets(settings: Settings) -> Budgets:
    return Budgets(
        reading=Rate(settings.rate_reading, settings.rate_reading_burst),
        recognition=Rate(settings.rate_recognition, settings.rate_recognition_burst),
        login=Rate(settings.rate_login_per_minute / 60, settings.rate_login_burst),
    )


def prepare_database(settings: Settings | None = None) -> None:
    """Create the database or bring it to this version's schema.

    Raises:
        SettingsInvalid: DATABASE_URL can't be used, or a newer version wrote the database.
        StoreUnavailable: it is locked, full, or not a database.
    """
    migrate((settings or read_settings()).database_url)


def open_keys(settings: Settings) -> KeyProvider:
    """The root keys that the settings name.

    Raises:
        SettingsInvalid: they are missing, too weak, or can't be read.
        KeyUnavailable: the key management service doesn't open them.
    """
    if settings.key_provider == "environment":
        return EnvironmentKeys.parse(
            settings.encryption_key.get_secret_value(), settings.encryption_key_previous.get_secret_value()
        )
    path, wrapping = open_key_file(settings)
    return StoredKeys(path, wrapping)


def open_key_file(settings: Settings) -> tuple[Path, KeyWrapping]:
    """The key file that the settings name, and what protects the keys in it.

    Raises:
        SettingsInvalid: keys come from the environment, or a setting is missing.
    """
    if settings.key_provider == "environment":
        raise SettingsInvalid(
            "keys come from the environment (FACEKEY_KEY_PROVIDER), where only you can put them: make one "
            "with `facekey keys new` and follow docs/keys.md"
        )
    if settings.key_file is None:
        raise SettingsInvalid(
            f"FACEKEY_KEY_FILE is missing; the key provider {settings.key_provider} needs it"
        )
    if settings.key_provider == "file":
        return settings.key_file, InTheOpen()
    if settings.kms_key_id is None:
        raise SettingsInvalid("FACEKEY_KMS_KEY_ID is missing; the key provider kms needs it")
    return settings.key_file, _aws_kms(settings.kms_key_id)


def _aws_kms(key_id: str) -> KeyWrapping:
    """Loaded by name: boto3 is there only where somebody chose it."""
    try:
        adapter = import_module("facekey.store.keys.aws_kms")
    except ModuleNotFoundError as error:
        raise SettingsInvalid(
            f"the key provider kms needs {error.name}, which isn't installed; run: pip install 'facekey[kms]'"
        ) from error
    wrapping: KeyWrapping = adapter.AwsKms(key_id)
    return wrapping


@asynccontextmanager
async def open_rotation(settings: Settings) -> AsyncIterator[RotateKeys]:
    """Key rotation, without loading a network.

    Raises:
        SettingsInvalid: a setting can't be used.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used.
    """
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    database = Database(settings.database_url)
    try:
        keys = await load_deployment_keys(database, ring)
        audit = audit_log(settings, database, keys)
        yield RotateKeys(keys=SqlWrappedKeys(database, ring), audit=audit, clock=SystemClock())
    finally:
        await database.close()


async def key_uses(settings: Settings) -> tuple[KeyUse, ...]:
    """How many records hang on which root key. Needs the current key only.

    Raises:
        SettingsInvalid: a setting can't be used.
        StoreUnavailable: the database can't be used.
    """
    database = Database(settings.database_url)
    try:
        return await SqlWrappedKeys(database, KeyRing(open_keys(settings))).uses()
    finally:
        await database.close()


@asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """Everything behind the API, ready to decide; closed again at the end.

    Raises:
        SettingsInvalid: a setting can't be used.
        ModelUnavailable: a network is missing.
        KeyUnavailable: ENCRYPTION_KEY is not the key of this database.
        StoreUnavailable: the database can't be used.
    """
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    limits = DecodeLimits(max_bytes=settings.max_image_bytes, max_pixels=settings.max_image_pixels)
    vision = await asyncio.to_thread(open_vision, open_zoo(settings), limits=limits)
    database = Database(settings.database_url)
    workers = Workers(workers=settings.vision_threads, max_waiting=settings.vision_queue)
    try:
        keys = await load_deployment_keys(database, ring)
        records = await _records(settings, database, ring, keys)
        gallery = await _open_gallery(settings, database, ring, vision.matcher, keys)
        async with (
            open_shared(settings, keys) as shared,
            following(gallery.refresh, shared.changes.listen()),
            repeating("audit_checkpoint", records.checkpoint, every_s=CHECKPOINT_LOOKS_S),
            alerting(settings, database, ring, keys),
        ):
            service = await _assemble(
                settings, ring, vision, database, workers, keys, gallery, shared, records
            )
            async with (
                repeating("bias_report", service.bias, every_s=3600 * settings.bias_report_hours),
                repeating("retention", in_turn(service.retain, shared.single_use), every_s=RETENTION_LOOKS_S),
            ):
                yield service
    finally:
        await workers.close()
        await database.close()


@asynccontextmanager
async def open_shared(settings: Settings, keys: DeploymentKeys) -> AsyncIterator[Shared]:
    """What all replicas share: in Redis when the settings name one, else in this process.

    Raises:
        SettingsInvalid: REDIS_URL is none.
    """
    ticker = MonotonicTicker()
    frames = SeenFramesLimits(settings.stream_seen_frames, 3600 * settings.stream_seen_hours)
    url = "" if settings.redis_url is None else settings.redis_url.get_secret_value().strip()
    if not url:
        yield in_process(ticker, frames)
        return
    # Derived from, never equal to: the pseudonyms of the audit log have this key for themselves.
    async with in_redis(url, secret=keys.pseudonyms, ticker=ticker, frames=frames) as shared:
        yield shared


@asynccontextmanager
async def open_audit_records(settings: Settings) -> AsyncIterator[AsyncIterator[ChainedRecord]]:
    """The audit chain, without loading a network or needing a key."""
    async with open_audit_trail(settings) as trail:
        yield trail.records()


@asynccontextmanager
async def open_audit_trail(settings: Settings) -> AsyncIterator[SqlAuditTrail]:
    """The audit log as it is stored; reading it needs no key."""
    database = Database(settings.database_url)
    try:
        yield SqlAuditTrail(database)
    finally:
        await database.close()


def read_public_keys(path: Path) -> PublicKeys:
    """Public keys from a PEM file.

    Raises:
        SettingsInvalid: there is none in it.
    """
    return PublicKeys.parse(path.read_bytes())


@dataclass(frozen=True, slots=True)
class Records:
    """The audit log and what is around it."""

    log: SqlAuditLog
    trail: SqlAuditTrail
    signer: Ed25519Signer
    checkpoint: MakeCheckpoint
    verify: VerifyAudit
    read: ReadAudit
    seal: SealAudit


@asynccontextmanager
async def open_records(settings: Settings) -> AsyncIterator[Records]:
    """The audit log with its keys, without loading a network; for the command line.

    Raises:
        SettingsInvalid: a setting can't be used.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used.
    """
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    database = Database(settings.database_url)
    try:
        yield await _records(settings, database, ring, await load_deployment_keys(database, ring))
    finally:
        await database.close()


async def _records(settings: Settings, database: Database, ring: KeyRing, keys: DeploymentKeys) -> Records:
    clock = SystemClock()
    secrets = await SqlSigningKeys(database, ring).load(
        AUDIT_SIGNATURES, at=clock.now(), retired_for=KEPT_FOR_EVER
    )
    signer = Ed25519Signer([one.secret for one in secrets])
    log = audit_log(settings, database, keys)
    trail = SqlAuditTrail(database)
    verify = VerifyAudit(
        trail=trail,
        verifier=signer.public,
        pseudonym_key=keys.pseudonyms,
        tell=TellAuditBroken(alarm=open_outbox(settings, database, keys), clock=clock),
    )
    file = settings.audit_checkpoint_file
    checkpoint = MakeCheckpoint(
        checkpoints=SqlCheckpoints(
            database,
            signer,
            pseudonym_key=keys.pseudonyms,
            witness=None if file is None else CheckpointFile(file),
        ),
        policy=CheckpointPolicy(records=settings.audit_checkpoint_records),
        clock=clock,
    )
    read = ReadAudit(
        view=SqlAuditView(database, pseudonym_key=keys.pseudonyms),
        trail=trail,
        verify=verify,
        checkpoint=checkpoint,
        audit=log,
        clock=clock,
    )
    seal = SealAudit(trail=trail, seal=log, clock=clock)
    return Records(log, trail, signer, checkpoint, verify, read, seal)


async def _open_gallery(
    settings: Settings, database: Database, ring: KeyRing, matcher: Matcher, keys: DeploymentKeys
) -> MemoryGallery | SharedGallery:
    gallery: MemoryGallery | SharedGallery = MemoryGallery(database, ring, matcher)
    if settings.index == "pgvector":
        index = await _prepared_index(settings, database, ring, keys)
        gallery = SharedGallery(database, ring, matcher, index)
    try:
        await gallery.refresh()
    except SealBroken as error:
        raise SealBroken(
            f"a stored template can't be opened, so nobody can be identified: {error}"
        ) from error
    return gallery


async def _prepared_index(
    settings: Settings, database: Database, ring: KeyRing, keys: DeploymentKeys
) -> SharedIndex:
    if not settings.database_url.startswith("postgres"):
        raise SettingsInvalid("FACEKEY_INDEX=pgvector needs DATABASE_URL=postgresql://...")
    index = SharedIndex(database, ring, audit_log(settings, database, keys))
    await index.prepare()
    return index


@asynccontextmanager
async def open_index(settings: Settings) -> AsyncIterator[RebuildIndex]:
    """Rebuilding of the shared index, without loading a network.

    Raises:
        SettingsInvalid: a setting can't be used, or there is no shared index.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used, or has no pgvector.
    """
    if settings.index != "pgvector":
        raise SettingsInvalid("there is no shared index: FACEKEY_INDEX is not pgvector")
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    database = Database(settings.database_url)
    try:
        keys = await load_deployment_keys(database, ring)
        index = await _prepared_index(settings, database, ring, keys)
        yield RebuildIndex(index=index, clock=SystemClock())
    finally:
        await database.close()


async def _assemble(  # noqa: PLR0917 - each is needed once, here
    settings: Settings,
    ring: KeyRing,
    vision: Vision,
    database: Database,
    workers: Workers,
    keys: DeploymentKeys,
    gallery: MemoryGallery | SharedGallery,
    shared: Shared,
    records: Records,
) -> Service:
    pool = AnalyzerPool(vision.pipeline.analyze, workers)
    clock, ticker = SystemClock(), MonotonicTicker()
    audit = records.log
    ledger = SqlLedger(database, audit, attempt_policy(settings), pseudonym_key=keys.pseudonyms)
    accounts = _accounts(settings, database, audit, keys)
    if settings.profile != "development" and not await accounts.manage.any_way_in():
        raise SettingsInvalid(
            f"FACEKEY_PROFILE is {settings.profile}, and there is nobody who could sign in; make the first "
            "account with: facekey accounts add NAME --role admin"
        )
    decoy = PopulationDecoy(vision.populations, key=keys.decoys)
    templates = AnnouncedTemplates(SqlTemplates(database, ring, audit, decoy), shared.changes)
    directory = SqlDirectory(database, ring, audit.names)
    privacy = _privacy(settings, database, ring, records, templates, shared)
    rule = consent_rule(settings)

    match_threshold = evidence_of_fmr(settings.match_fmr)
    authenticate_policy = AuthenticatePolicy(
        match_threshold, vision.liveness_threshold, load_head(), drift=settings.adaptation_drift
    )
    adaptations = SqlAdaptations(database, ring, audit)
    adaptation_policy = AdaptationPolicy(
        match_threshold, drift=settings.adaptation_drift, from_images=settings.adaptation_from_images
    )
    adapt = Adapt(adaptations=adaptations, matcher=vision.matcher, policy=adaptation_policy)
    learning = adapt if settings.adaptation == "on" else None
    labels = SqlLabels(database, ring, audit)
    bias = MonitorBias(
        people=labels, matcher=vision.matcher, match_threshold=match_threshold, audit=audit, clock=clock
    )
    identify_policy = IdentifyPolicy(match_threshold, settings.identify_fpir, vision.liveness_threshold)
    return Service(
        register=Register(
            analyzer=pool,
            templates=templates,
            directory=directory,
            gallery=gallery,
            matcher=vision.matcher,
            policy=RegisterPolicy(
                same_person_threshold=evidence_of_fmr(SAME_PERSON_FMR),
                two_people_threshold=evidence_of_fmr(TWO_PEOPLE_FMR),
                liveness_threshold=vision.liveness_threshold,
            ),
            # Mean faces of one person are far more alike than a probe and a template, so this
            # can be strict, and must be: it turns people away who did nothing wrong.
            enrolled_policy=IdentifyPolicy(
                evidence_of_fmr(ENROLLED_FMR), ENROLLED_FPIR, vision.liveness_threshold
            ),
            audit=audit,
            clock=clock,
            consent=rule,
            keep_photos=settings.store_images,
        ),
        authenticate=Authenticate(
            analyzer=pool,
            templates=templates,
            decoy=decoy,
            matcher=vision.matcher,
            policy=authenticate_policy,
            ledger=ledger,
            clock=clock,
            learning=learning,
            consent=rule,
        ),
        identify=Identify(
            analyzer=pool,
            gallery=gallery,
            policy=identify_policy,
            ledger=ledger,
            clock=clock,
            consent=rule,
        ),
        erase=privacy.erase,
        consents=privacy.consents,
        export=privacy.export,
        retain=privacy.retain,
        stream=Stream(
            watcher=WatcherPool(vision.pipeline.glimpse, vision.sequence.judge, workers),
            templates=templates,
            decoy=decoy,
            matcher=vision.matcher,
            policy=replace(authenticate_policy, liveness_threshold=vision.sequence.threshold),
            stream_policy=_stream_policy(settings),
            single_use=shared.single_use,
            seen_frames=shared.seen_frames,
            ledger=ledger,
            clock=clock,
            ticker=ticker,
            random=SystemRandom(),
            learning=learning,
            consent=rule,
        ),
        know_caller=accounts.know_caller(shared.revocations, open_to_all=settings.profile == "development"),
        sign_in=accounts.sign_in(shared.revocations, ledger, _token_policy(settings)),
        manage_accounts=accounts.manage,
        face_tokens=await _face_tokens(settings, database, ring, clock),
        locks=ledger,
        unlock=Unlock(locks=ledger, clock=clock),
        label=Label(labels=labels, vocabulary=vocabulary(settings), clock=clock),
        bias=bias,
        metrics=ProcessMetrics(bias),
        undo_adaptation=UndoAdaptation(
            adaptations=adaptations,
            earlier=adaptations,
            policy=adaptation_policy,
            clock=clock,
        ),
        read_audit=records.read,
        audit_keys=records.signer.public.pem().decode(),
        stream_limits=stream_limits(settings),
        directory=directory,
        rates=RequestRates(shared.rate_limiter, _budgets(settings)),
        readiness=StoresReadiness(gallery, shared),
        facts=SystemFacts(
            version=__version__,
            profile=settings.profile,
            device=vision.device,
            match_fmr=settings.match_fmr,
            match_threshold=confidence(match_threshold),
            liveness_threshold=vision.liveness_threshold,
            networks=vision.networks,
        ),
    )


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


def _accounts(settings: Settings, database: Database, audit: SqlAuditLog, keys: DeploymentKeys) -> Accounts:
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


async def _face_tokens(
    settings: Settings, database: Database, ring: KeyRing, clock: SystemClock
) -> JwtFaceTokens:
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


def consent_rule(settings: Settings) -> ConsentRule:
    """What it takes to be compared at all."""
    if settings.consent is not None:
        return ConsentRule(settings.consent)
    return ConsentRule.REQUIRED if settings.profile == "strict" else ConsentRule.OPTIONAL


def retention_policy(settings: Settings) -> RetentionPolicy:
    """How long things are kept."""
    unused = settings.retention_days_unused
    return RetentionPolicy(
        consent_rule(settings),
        timedelta(days=unused) if unused else None,
        grace=timedelta(days=settings.consent_grace_days),
        traces=timedelta(days=settings.retention_days_traces),
    )


@dataclass(frozen=True, slots=True)
class Privacy:
    """What people may ask for, without a network."""

    consents: KeepConsent
    export: Export
    erase: Erase
    retain: Retain


@asynccontextmanager
async def open_privacy(settings: Settings) -> AsyncIterator[Privacy]:
    """Consents, exports and retention, without loading a network; for the command line.

    Raises:
        SettingsInvalid: a setting can't be used.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used.
    """
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    database = Database(settings.database_url)
    try:
        keys = await load_deployment_keys(database, ring)
        records = await _records(settings, database, ring, keys)
        # Nobody is compared here: the stand-ins for unknown ids need no likeness to faces.
        decoy = PopulationDecoy({}, key=keys.decoys)
        async with open_shared(settings, keys) as shared:
            templates = AnnouncedTemplates(SqlTemplates(database, ring, records.log, decoy), shared.changes)
            yield _privacy(settings, database, ring, records, templates, shared)
    finally:
        await database.close()


def _privacy(  # noqa: PLR0917 - each is needed once, here
    settings: Settings,
    database: Database,
    ring: KeyRing,
    records: Records,
    templates: AnnouncedTemplates,
    shared: Shared,
) -> Privacy:
    names, clock = records.log.names, SystemClock()
    erase = Erase(templates=templates, signer=records.signer, pseudonym_of=names.pseudonym, clock=clock)
    return Privacy(
        KeepConsent(consents=SqlConsents(database, records.log), changes=shared.changes, clock=clock),
        Export(records=SqlPersonalRecords(database, ring, names), audit=records.log, clock=clock),
        erase,
        Retain(
            retention=SqlRetention(database, ring),
            erase=erase,
            policy=retention_policy(settings),
            clock=clock,
        ),
    )


def attempt_policy(settings: Settings) -> AttemptPolicy:
    """How many failed attempts cost what.

    Raises:
        SettingsInvalid: the settings contradict each other.
    """
    try:
        return AttemptPolicy(
            free=settings.lockout_free,
            first_wait_s=settings.lockout_first_wait_seconds,
            longest_wait_s=settings.lockout_longest_wait_seconds,
            locked_at=settings.lockout_locked_at,
        )
    except ValueError as error:
        raise SettingsInvalid(f"FACEKEY_LOCKOUT_...: {error}") from error


def vocabulary(settings: Settings) -> Vocabulary:
    """The groups that people can declare.

    Raises:
        SettingsInvalid: the setting can't be read.
    """
    try:
        return Vocabulary.parse(settings.bias_labels)
    except ValueError as error:
        raise SettingsInvalid(f"FACEKEY_BIAS_LABELS: {error}") from error


@asynccontextmanager
async def open_bias(settings: Settings) -> AsyncIterator[MonitorBias]:
    """Bias reports on the enrolled who declared groups; loads no network, only what their cards say.

    Raises:
        SettingsInvalid: a setting can't be used.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used.
    """
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    database, zoo = Database(settings.database_url), open_zoo(settings)
    try:
        keys = await load_deployment_keys(database, ring)
        audit = audit_log(settings, database, keys)
        cards = [zoo.card(name) for name in EMBEDDERS if _usable(zoo, zoo.card(name))]
        matcher = Matcher({one.model_id: one.calibration for one in cards if one.calibration is not None})
        yield MonitorBias(
            people=SqlLabels(database, ring, audit),
            matcher=matcher,
            match_threshold=evidence_of_fmr(settings.match_fmr),
            audit=audit,
            clock=SystemClock(),
        )
    finally:
        await database.close()


def _token_policy(settings: Settings) -> TokenPolicy:
    return TokenPolicy(
        access_s=settings.access_token_seconds, refresh_s=int(3600 * settings.refresh_token_hours)
    )


def doors(settings: Settings) -> Doors:
    """From where and by whom the service with these settings is reached."""
    return Doors(
        open_to_this_machine=settings.profile == "development",
        https=settings.public_url.startswith("https:"),
        trusted_proxies=settings.trusted_proxies,
        cors_origins=settings.cors_origins,
    )


def _stream_policy(settings: Settings) -> StreamPolicy:
    return StreamPolicy(
        actions=None if settings.stream_actions == "random" else int(settings.stream_actions),
        passive_frames=settings.stream_passive_frames,
        passive_s=settings.stream_passive_seconds,
        session_s=settings.stream_seconds,
    )


@dataclass(frozen=True, slots=True)
class StoresReadiness:
    """Implements `api.service.Readiness`: networks are loaded by then, so the stores are what is asked."""

    gallery: MemoryGallery | SharedGallery
    shared: Shared

    async def check(self) -> None:
        """Ask what replicas share, read the database and open what is new in it.

        Raises:
            Unavailable: one of them doesn't answer, or can't be opened.
        """
        await self.shared.check()
        await self.gallery.refresh()


def _usable(zoo: Zoo, card: Card) -> bool:
    return card.calibration is not None and zoo.status(card.name).installed


def _tells_liveness(card: Card) -> bool:
    """Whether a network has a threshold. All that have one were measured together: each must be there."""
    return card.task is Task.LIVENESS and card.liveness is not None and card.liveness.threshold is not None


def _open_liveness(zoo: Zoo, card: Card) -> tuple[LivenessNetwork, float]:
    use = card.liveness
    if use is None or use.threshold is None:
        raise ModelError(f"{card.name}: its card has no liveness threshold")
    if (use.box_scale, use.live_index) != (CONTEXT_SIDE, 0):
        # What its card asks for is not what it would be shown, and its scores would mean nothing.
        raise ModelError(
            f"{card.name}: wants a crop of {use.box_scale} face boxes and output {use.live_index}; "
            f"crops are {CONTEXT_SIDE} boxes and the one output is 0"
        )
    network = LivenessCnn(zoo.open(card.name), slope=1.0 / use.temperature, intercept=use.bias)
    return network, use.threshold


def _population(model: ModelId) -> Population:
    """What `training/calibrate.py` measured beside the calibration: row 0 the mean, below it the factor."""
    path = _population_path(model)
    try:
        values = np.load(path, allow_pickle=False).astype(np.float32)
        return Population(mean=values[0], factor=values[1:])
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise ModelError(f"{model}: {path.name} can't be read: {error}") from error


def _population_path(model: ModelId) -> Path:
    return default_cards_dir() / "weights" / f"{model.partition(':')[0]}-population.npy"


def _network_status(zoo: Zoo, card: Card, *, in_use: bool) -> NetworkStatus:
    status = zoo.status(card.name)
    note = status.reason
    if note is None and not in_use:
        note = "installed, but without a measured calibration in its card it has no say"
    return NetworkStatus(card.name, card.task, card.title, card.licence, status.installed, in_use, note)


def audit_log(settings: Settings, database: Database, keys: DeploymentKeys) -> SqlAuditLog:
    """The audit log, in whose transactions alerts are written."""
    return SqlAuditLog(
        database, pseudonym_key=keys.pseudonyms, follower=open_outbox(settings, database, keys)
    )


def open_outbox(settings: Settings, database: Database, keys: DeploymentKeys) -> SqlOutbox:
    """Where alerts wait until they are sent."""
    return SqlOutbox(
        database,
        channels=channels(settings),
        policy=AlertPolicy(every=timedelta(minutes=settings.alert_every_minutes)),
        pseudonym_key=keys.pseudonyms,
    )


def channels(settings: Settings) -> tuple[str, ...]:
    """The ways by which alerts leave; the log of the service is always one."""
    wanted = {"log": True, "email": bool(settings.smtp_host), "webhook": bool(_webhook_url(settings))}
    return tuple(channel for channel, is_wanted in wanted.items() if is_wanted)


def notifiers(settings: Settings) -> dict[str, Notifier]:
    """The carriers of alerts, by channel.

    Raises:
        SettingsInvalid: a setting can't be used.
    """
    made: dict[str, Notifier] = {"log": LogNotifier()}
    clock, console = SystemClock(), settings.public_url
    if settings.smtp_host:
        tls = MailTls(settings.smtp_tls)
        server = MailServer(
            host=settings.smtp_host,
            port=settings.smtp_port or SMTP_PORTS[tls],
            tls=tls,
            context=_trusted(settings),
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value(),
        )
        made["email"] = EmailNotifier(
            server=server,
            sender=settings.alert_from,
            recipients=settings.alert_to,
            clock=clock,
            console=console,
        )
    if _webhook_url(settings):
        made["webhook"] = WebhookNotifier(
            url=_webhook_url(settings),
            secret=settings.webhook_secret.get_secret_value(),
            clock=clock,
            tls=_trusted(settings),
            console=console,
            user_agent=f"FaceKey/{__version__}",
        )
    return made


@asynccontextmanager
async def alerting(
    settings: Settings, database: Database, ring: KeyRing, keys: DeploymentKeys
) -> AsyncIterator[None]:
    """Send alerts and watch the audit log, as long as this is open.

    Raises:
        SettingsInvalid: a setting can't be used.
    """
    outbox, clock = open_outbox(settings, database, keys), SystemClock()
    names: SubjectNames | None = None
    if settings.alert_names:
        directory = SqlDirectory(database, ring, Names(keys.pseudonyms))
        names = FindName(directory=directory, pseudonym_key=keys.pseudonyms)
    watch = WatchAudit(
        check=CheckTail(tail=SqlAuditTail(database), pseudonym_key=keys.pseudonyms),
        tell=TellAuditBroken(alarm=outbox, clock=clock),
    )
    async with AsyncExitStack() as running:
        for channel, notifier in notifiers(settings).items():
            deliver = Deliver(
                channel=channel,
                outbox=outbox,
                notifier=notifier,
                clock=clock,
                chance=SystemRandom().random,
                names=names,
            )
            await running.enter_async_context(repeating(f"alerts_{channel}", deliver, every_s=OUTBOX_LOOKS_S))
        await running.enter_async_context(repeating("audit_watch", watch, every_s=AUDIT_LOOKS_S))
        yield


@asynccontextmanager
async def open_alerts(settings: Settings) -> AsyncIterator[SqlOutbox]:
    """The outbox, without loading a network; for the command line.

    Raises:
        SettingsInvalid: a setting can't be used.
        KeyUnavailable: the deployment's own keys can't be opened with the keys at hand.
        StoreUnavailable: the database can't be used.
    """
    ring = KeyRing(open_keys(settings))
    await asyncio.to_thread(prepare_database, settings)
    database = Database(settings.database_url)
    try:
        yield open_outbox(settings, database, await load_deployment_keys(database, ring))
    finally:
        await database.close()


def _webhook_url(settings: Settings) -> str:
    return settings.webhook_url.get_secret_value().strip()


def _trusted(settings: Settings) -> ssl.SSLContext:
    """The authorities that mail servers and webhooks are believed by."""
    try:
        context = ssl.create_default_context()
        if settings.alert_ca_file is not None:
            context.load_verify_locations(settings.alert_ca_file)
    except OSError as error:  # ssl.SSLError is one
        raise SettingsInvalid(f"FACEKEY_ALERT_CA_FILE can't be read: {error.strerror}") from error
    return context
