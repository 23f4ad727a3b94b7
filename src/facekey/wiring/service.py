"""Everything behind the API, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from secrets import SystemRandom

from facekey import __version__
from facekey.api.metrics import ProcessMetrics
from facekey.api.rate import RequestRates
from facekey.api.service import Service, SystemFacts
from facekey.core.adaptation import AdaptationPolicy
from facekey.core.calibration import confidence, evidence_of_fmr
from facekey.core.errors import SettingsInvalid
from facekey.core.policy import AuthenticatePolicy, IdentifyPolicy, RegisterPolicy
from facekey.services.adapt import Adapt
from facekey.services.authenticate import Authenticate
from facekey.services.bias import MonitorBias
from facekey.services.identify import Identify
from facekey.services.label import Label
from facekey.services.register import Register
from facekey.services.repeat import repeating
from facekey.services.retain import in_turn
from facekey.services.stream import Stream
from facekey.services.undo_adaptation import UndoAdaptation
from facekey.services.unlock import Unlock
from facekey.settings import Settings
from facekey.store.announced import AnnouncedTemplates
from facekey.store.decoy import PopulationDecoy
from facekey.store.follower import following
from facekey.store.gallery import MemoryGallery
from facekey.store.sealing import KeyRing
from facekey.store.shared import Shared
from facekey.store.shared_gallery import SharedGallery
from facekey.store.sql.adaptation import SqlAdaptations
from facekey.store.sql.database import Database
from facekey.store.sql.deployment_keys import DeploymentKeys, load_deployment_keys
from facekey.store.sql.labels import SqlLabels
from facekey.store.sql.ledger import SqlLedger
from facekey.store.sql.subjects import SqlDirectory, SqlTemplates
from facekey.vision.headers import DecodeLimits
from facekey.vision.pool import AnalyzerPool, WatcherPool, Workers
from facekey.wiring.accounts import face_tokens, make_accounts
from facekey.wiring.alerts import alerting
from facekey.wiring.clocks import MonotonicTicker, SystemClock
from facekey.wiring.database import prepare_database
from facekey.wiring.galleries import StoresReadiness, open_gallery, open_shared
from facekey.wiring.keys import open_keys
from facekey.wiring.limits import (
    attempt_policy,
    budgets,
    consent_rule,
    stream_limits,
    stream_policy,
    token_policy,
    vocabulary,
)
from facekey.wiring.privacy import make_privacy
from facekey.wiring.records import Records, make_records
from facekey.wiring.vision import Vision, load_head, open_vision, open_zoo

SAME_PERSON_FMR = 1e-3  # a photo must match the mean of the others this well to join a template
ENROLLED_FMR = 1e-5  # a face counts as enrolled already from here on, and for large galleries when
ENROLLED_FPIR = 1e-3  # no more than one newcomer in a thousand would wrongly be taken for somebody
TWO_PEOPLE_FMR = 1e-2  # 99 % of all pairs of different people stay below

CHECKPOINT_LOOKS_S = 10.0
RETENTION_LOOKS_S = 600.0  # one service an hour does it


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
        records = await make_records(settings, database, ring, keys)
        gallery = await open_gallery(settings, database, ring, vision.matcher, keys)
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
    accounts = make_accounts(settings, database, audit, keys)
    if settings.profile != "development" and not await accounts.manage.any_way_in():
        raise SettingsInvalid(
            f"FACEKEY_PROFILE is {settings.profile}, and there is nobody who could sign in; make the first "
            "account with: facekey accounts add NAME --role admin"
        )
    decoy = PopulationDecoy(vision.populations, key=keys.decoys)
    templates = AnnouncedTemplates(SqlTemplates(database, ring, audit, decoy), shared.changes)
    directory = SqlDirectory(database, ring, audit.names)
    privacy = make_privacy(settings, database, ring, records, templates, shared)
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
            stream_policy=stream_policy(settings),
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
        sign_in=accounts.sign_in(shared.revocations, ledger, token_policy(settings)),
        manage_accounts=accounts.manage,
        face_tokens=await face_tokens(settings, database, ring, clock),
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
        rates=RequestRates(shared.rate_limiter, budgets(settings)),
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
