"""What decides about faces: enrolment, the three ways of recognising, and what is learned of them."""

from dataclasses import dataclass, replace
from secrets import SystemRandom

from facekey.core.adaptation import AdaptationPolicy
from facekey.core.calibration import evidence_of_fmr
from facekey.core.policy import AuthenticatePolicy, IdentifyPolicy, RegisterPolicy
from facekey.core.ports.measures import Meter
from facekey.core.ports.shadow import UNSHADOWED, Shadow
from facekey.core.ports.spoofs import SpoofWitness
from facekey.services.adapt import Adapt
from facekey.services.assess import Assess
from facekey.services.authenticate import Authenticate
from facekey.services.identify import Identify
from facekey.services.register import Register
from facekey.services.stream import Stream
from facekey.services.undo_adaptation import UndoAdaptation
from facekey.services.voice_step import VoiceStep
from facekey.store.announced import AnnouncedTemplates
from facekey.store.decoy import PopulationDecoy
from facekey.store.gallery import MemoryGallery
from facekey.store.shared import Shared
from facekey.store.shared_gallery import SharedGallery
from facekey.store.sql.adaptation import SqlAdaptations
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.directory import SqlDirectory
from facekey.store.sql.ledger import SqlLedger
from facekey.store.sql.subjects import SqlTemplates
from facekey.vision.pipeline import Pipeline
from facekey.vision.pool import AnalyzerPool, AssessorPool, WatcherPool, Workers
from facekey.vision.shadow import TolerantEmbedder
from facekey.wiring.clocks import MonotonicTicker, SystemClock
from facekey.wiring.deployment import Deployment
from facekey.wiring.head import load_head
from facekey.wiring.limits import consent_rule, stream_policy
from facekey.wiring.vision import Vision

SAME_PERSON_FMR = 1e-3  # a photo must match the mean of the others this well to join a template
ENROLLED_FMR = 1e-5  # a face counts as enrolled already from here on, and for large galleries when
ENROLLED_FPIR = 1e-3  # no more than one newcomer in a thousand would wrongly be taken for somebody
TWO_PEOPLE_FMR = 1e-2  # 99 % of all pairs of different people stay below


@dataclass(frozen=True, slots=True)
class People:
    """Who is enrolled, how they are found, and who stands in for ids of nobody."""

    templates: AnnouncedTemplates
    directory: SqlDirectory
    gallery: MemoryGallery | SharedGallery
    decoy: PopulationDecoy


@dataclass(frozen=True, slots=True)
class Recognition:
    """The services that look at faces."""

    assess: Assess
    register: Register
    authenticate: Authenticate
    identify: Identify
    stream: Stream
    undo_adaptation: UndoAdaptation


def make_people(
    deployment: Deployment,
    vision: Vision,
    gallery: MemoryGallery | SharedGallery,
    shared: Shared,
    audit: SqlAuditLog,
) -> People:
    """The enrolled of this database."""
    database, ring = deployment.database, deployment.ring
    decoy = PopulationDecoy(vision.populations, key=deployment.keys.decoys, together=vision.together)
    return People(
        AnnouncedTemplates(SqlTemplates(database, ring, audit, decoy), shared.changes),
        SqlDirectory(database, ring, audit.names),
        gallery,
        decoy,
    )


def make_recognition(
    deployment: Deployment,
    *,
    vision: Vision,
    workers: Workers,
    people: People,
    shared: Shared,
    audit: SqlAuditLog,
    ledger: SqlLedger,
    meter: Meter,
    witness: SpoofWitness,
    voice: VoiceStep | None = None,
    shadow: Shadow = UNSHADOWED,
) -> Recognition:
    """What these networks decide about these people.

    Raises:
        ModelError: the authentication head that comes with FaceKey can't be read.
    """
    settings = deployment.settings
    pool, clock, rule = AnalyzerPool(vision.pipeline.analyze, workers), SystemClock(), consent_rule(settings)
    match_threshold = evidence_of_fmr(settings.match_fmr)
    authenticate_policy = AuthenticatePolicy(
        match_threshold, vision.liveness_threshold, load_head(), drift=settings.adaptation_drift
    )
    adaptations = SqlAdaptations(deployment.database, deployment.ring, audit)
    candidate = vision.candidate
    adaptation_policy = AdaptationPolicy(
        match_threshold,
        drift=settings.adaptation_drift,
        from_images=settings.adaptation_from_images,
        beside=frozenset() if candidate is None else frozenset({candidate.model_id}),
    )
    adapt = Adapt(adaptations=adaptations, matcher=vision.matcher, policy=adaptation_policy)
    learning = adapt if settings.adaptation == "on" else None
    return Recognition(
        assess=Assess(assessor=AssessorPool(vision.pipeline.assess, workers)),
        register=Register(
            analyzer=AnalyzerPool(_enrolling(vision).analyze, workers),
            templates=people.templates,
            directory=people.directory,
            gallery=people.gallery,
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
            meter=meter,
        ),
        authenticate=Authenticate(
            analyzer=pool,
            templates=people.templates,
            decoy=people.decoy,
            matcher=vision.matcher,
            policy=authenticate_policy,
            ledger=ledger,
            clock=clock,
            learning=learning,
            consent=rule,
            meter=meter,
            witness=witness,
            voice=voice,
            shadow=shadow,
        ),
        identify=Identify(
            analyzer=pool,
            gallery=people.gallery,
            policy=IdentifyPolicy(match_threshold, settings.identify_fpir, vision.liveness_threshold),
            ledger=ledger,
            clock=clock,
            consent=rule,
            meter=meter,
        ),
        stream=Stream(
            watcher=WatcherPool(vision.pipeline.glimpse, vision.sequence.judge, workers),
            templates=people.templates,
            decoy=people.decoy,
            matcher=vision.matcher,
            policy=replace(authenticate_policy, liveness_threshold=vision.sequence.threshold),
            stream_policy=stream_policy(settings),
            single_use=shared.single_use,
            seen_frames=shared.seen_frames,
            ledger=ledger,
            clock=clock,
            ticker=MonotonicTicker(),
            random=SystemRandom(),
            learning=learning,
            consent=rule,
            meter=meter,
            witness=witness,
            shadow=shadow,
        ),
        undo_adaptation=UndoAdaptation(
            adaptations=adaptations, earlier=adaptations, policy=adaptation_policy, clock=clock
        ),
    )


def _enrolling(vision: Vision) -> Pipeline:
    """The line for enrolments: a recognition network in shadow gets references of its own."""
    candidate = vision.candidate
    if candidate is None or candidate.embedder is None:
        return vision.pipeline
    return vision.pipeline.also(TolerantEmbedder(candidate.embedder))
