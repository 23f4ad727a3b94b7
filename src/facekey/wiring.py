"""Who stands behind which port. Only this file reads settings and chooses."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import SystemRandom

import numpy as np

from facekey import __version__
from facekey.api.service import NetworkStatus, Service, StreamLimits, SystemFacts
from facekey.core.audit import ChainedRecord
from facekey.core.calibration import confidence, evidence_of_fmr
from facekey.core.errors import ModelError, ModelUnavailable, SealBroken
from facekey.core.head import Head
from facekey.core.matching import Matcher
from facekey.core.policy import AuthenticatePolicy, IdentifyPolicy, RegisterPolicy
from facekey.core.ports import Embedder, LivenessNetwork, SequenceNetwork
from facekey.core.types import ModelId
from facekey.services.authenticate import Authenticate
from facekey.services.erase import Erase
from facekey.services.identify import Identify
from facekey.services.register import Register
from facekey.services.stream import Stream, StreamPolicy
from facekey.settings import Settings, read_settings
from facekey.store.decoy import Population, PopulationDecoy
from facekey.store.gallery import MemoryGallery
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.memory import MemorySeenFrames, MemorySingleUse
from facekey.store.sealing import KeyProvider, KeyRing
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import load_deployment_keys
from facekey.store.sql.migrate import migrate
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

SINGLE_USE_KEYS = 100_000  # session ids and challenges that are remembered as used

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
    """
    return EnvironmentKeys.parse(
        settings.encryption_key.get_secret_value(), settings.encryption_key_previous.get_secret_value()
    )


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
        yield await _assemble(settings, ring, vision, database, workers)
    finally:
        await workers.close()
        await database.close()


@asynccontextmanager
async def open_audit_records(settings: Settings) -> AsyncIterator[AsyncIterator[ChainedRecord]]:
    """The audit chain, without loading a network or needing a key."""
    database = Database(settings.database_url)
    try:
        # Reading needs no key: the pseudonyms were made when the records were written.
        yield SqlAuditLog(database, pseudonym_key=b"").records()
    finally:
        await database.close()


async def _assemble(
    settings: Settings, ring: KeyRing, vision: Vision, database: Database, workers: Workers
) -> Service:
    pool = AnalyzerPool(vision.pipeline.analyze, workers)
    keys = await load_deployment_keys(database, ring)
    clock, ticker = SystemClock(), MonotonicTicker()
    audit = SqlAuditLog(database, pseudonym_key=keys.pseudonyms)
    decoy = PopulationDecoy(vision.populations, key=keys.decoys)
    templates = SqlTemplates(database, ring, audit, decoy)
    directory = SqlDirectory(database)
    gallery = MemoryGallery(database, ring, vision.matcher)
    try:
        await gallery.refresh()
    except SealBroken as error:
        raise SealBroken(
            f"a stored template can't be opened, so nobody can be identified: {error}"
        ) from error

    match_threshold = evidence_of_fmr(settings.match_fmr)
    authenticate_policy = AuthenticatePolicy(match_threshold, vision.liveness_threshold, load_head())
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
        ),
        authenticate=Authenticate(
            analyzer=pool,
            templates=templates,
            decoy=decoy,
            matcher=vision.matcher,
            policy=authenticate_policy,
            audit=audit,
            clock=clock,
        ),
        identify=Identify(analyzer=pool, gallery=gallery, policy=identify_policy, audit=audit, clock=clock),
        erase=Erase(templates=templates, clock=clock),
        stream=Stream(
            watcher=WatcherPool(vision.pipeline.glimpse, vision.sequence.judge, workers),
            templates=templates,
            decoy=decoy,
            matcher=vision.matcher,
            policy=replace(authenticate_policy, liveness_threshold=vision.sequence.threshold),
            stream_policy=_stream_policy(settings),
            single_use=MemorySingleUse(ticker, most=SINGLE_USE_KEYS),
            seen_frames=MemorySeenFrames(
                ticker, most=settings.stream_seen_frames, ttl_s=3600 * settings.stream_seen_hours
            ),
            audit=audit,
            clock=clock,
            ticker=ticker,
            random=SystemRandom(),
        ),
        stream_limits=stream_limits(settings),
        directory=directory,
        readiness=GalleryReadiness(gallery),
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


def _stream_policy(settings: Settings) -> StreamPolicy:
    return StreamPolicy(
        actions=None if settings.stream_actions == "random" else int(settings.stream_actions),
        passive_frames=settings.stream_passive_frames,
        passive_s=settings.stream_passive_seconds,
        session_s=settings.stream_seconds,
    )


@dataclass(frozen=True, slots=True)
class GalleryReadiness:
    """Implements `api.service.Readiness`: networks are loaded by then, so the store is what is asked."""

    gallery: MemoryGallery

    async def check(self) -> None:
        """Read the database and open what is new in it.

        Raises:
            Unavailable: it can't be read or opened.
        """
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
