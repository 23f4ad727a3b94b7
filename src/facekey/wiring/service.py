"""Everything behind the API, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from facekey import __version__
from facekey.api.meters import Meters
from facekey.api.rate import RequestRates
from facekey.api.service import Service, StreamFacts, SystemFacts
from facekey.core.calibration import confidence, evidence_of_fmr
from facekey.core.consent import ConsentRule
from facekey.core.errors import SettingsInvalid
from facekey.core.ports.shadow import Shadow
from facekey.core.ports.spoofs import SpoofWitness
from facekey.services.follow_audit import LOOKS_S as AUDIT_LIVE_LOOKS_S
from facekey.services.label import Label
from facekey.services.list_people import ListPeople
from facekey.services.repeat import repeating
from facekey.services.retain import in_turn
from facekey.services.take_vitals import TakeVitals
from facekey.services.unlock import Unlock
from facekey.services.watch_audit import WatchAudit
from facekey.settings import Settings
from facekey.store.follower import following
from facekey.store.shared import Shared
from facekey.store.sql.key_inventory import SqlKeyInventory
from facekey.store.sql.labels import SqlLabels
from facekey.vision.pool import Workers
from facekey.wiring.accounts import Accounts, face_tokens, make_access_tokens, make_accounts, make_ledger
from facekey.wiring.alerts import alerting
from facekey.wiring.bias import make_bias
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import Deployment, open_deployment
from facekey.wiring.galleries import StoresReadiness, open_gallery, open_shared
from facekey.wiring.limits import (
    budgets,
    consent_rule,
    stream_limits,
    stream_policy,
    token_policy,
    vocabulary,
)
from facekey.wiring.loaded import Loaded, load
from facekey.wiring.measuring import looking_after, make_metrics
from facekey.wiring.networks import read_choice
from facekey.wiring.privacy import make_privacy
from facekey.wiring.recognition import People, make_people, make_recognition
from facekey.wiring.records import Records, make_records
from facekey.wiring.shadow import shadowing
from facekey.wiring.spoofs import make_read_spoofs, witnessing
from facekey.wiring.vision import Vision
from facekey.wiring.voice import make_voice, with_voice
from facekey.zoo.zoo import Zoo

CHECKPOINT_LOOKS_S = 10.0
RETENTION_LOOKS_S = 600.0  # one service an hour does it


@asynccontextmanager
async def open_service(
    settings: Settings, *, meters: Meters | None = None, loaded: Loaded | None = None
) -> AsyncIterator[Service]:
    """Everything behind the API, ready to decide; closed again at the end.

    Args:
        settings: what the operator chose.
        meters: what counts; left out, new ones.
        loaded: networks that were loaded before; left out, or when others were chosen since, they
            are loaded now.

    Raises:
        SettingsInvalid: a setting can't be used.
        ModelUnavailable: a network is missing.
        KeyUnavailable: ENCRYPTION_KEY is not the key of this database.
        StoreUnavailable: the database can't be used.
    """
    meters = meters or Meters()
    async with open_deployment(settings, meter=meters) as deployment:
        records = await make_records(deployment)
        accounts = make_accounts(deployment, records.log)
        await require_a_way_in(settings, accounts)
        if loaded is None or loaded.choice != await read_choice(deployment):
            loaded = await load(settings, deployment, meters=meters)
        zoo, vision = loaded.zoo, loaded.vision
        workers = Workers(
            workers=settings.vision_threads,
            max_waiting=settings.vision_queue,
            observe=meters.took,
            refused=meters.overloaded,
        )
        try:
            async with (
                open_gallery(deployment, vision.matcher) as gallery,
                open_shared(deployment, meter=meters) as shared,
                following(gallery.refresh, shared.changes.listen()),
                repeating("audit_live", records.follow.look, every_s=AUDIT_LIVE_LOOKS_S),
                repeating("audit_checkpoint", records.checkpoint, every_s=CHECKPOINT_LOOKS_S),
                alerting(deployment) as watch,
                looking_after(deployment, meters) as vitals,
                witnessing(deployment, records, vision, workers) as witness,
                shadowing(settings, vision, zoo, meters=meters, workers=workers) as shadow,
            ):
                people = make_people(deployment, vision, gallery, shared, records.log)
                service = await _assemble(
                    deployment,
                    zoo=zoo,
                    vision=vision,
                    workers=workers,
                    people=people,
                    shared=shared,
                    records=records,
                    accounts=accounts,
                    meters=meters,
                    witness=witness,
                    shadow=shadow,
                    watch=watch,
                    vitals=vitals,
                )
                clean_up = in_turn(service.retain, shared.single_use)
                async with (
                    repeating("bias_report", service.bias, every_s=3600 * settings.bias_report_hours),
                    repeating("retention", clean_up, every_s=RETENTION_LOOKS_S),
                ):
                    yield service
        finally:
            await workers.close()


async def _assemble(
    deployment: Deployment,
    *,
    zoo: Zoo,
    vision: Vision,
    workers: Workers,
    people: People,
    shared: Shared,
    records: Records,
    accounts: Accounts,
    meters: Meters,
    witness: SpoofWitness,
    shadow: Shadow,
    watch: WatchAudit,
    vitals: TakeVitals,
) -> Service:
    settings, clock, audit = deployment.settings, SystemClock(), records.log
    ledger, tokens = make_ledger(deployment, audit, meter=meters), make_access_tokens(deployment)
    voice = await asyncio.to_thread(
        make_voice,
        deployment,
        zoo,
        workers=workers,
        directory=people.directory,
        audit=audit,
        ledger=ledger,
        meter=meters,
    )
    recognition = make_recognition(
        deployment,
        vision=vision,
        workers=workers,
        people=people,
        shared=shared,
        audit=audit,
        ledger=ledger,
        meter=meters,
        witness=witness,
        voice=None if voice is None else voice.step,
        shadow=shadow,
    )
    privacy = make_privacy(deployment, records, people.templates, shared)
    labels = SqlLabels(deployment.database, deployment.ring, audit)
    bias = make_bias(settings, vision.matcher, labels, audit)
    facts = _facts(settings, vision, clock.now())
    return Service(
        assess=recognition.assess,
        register=recognition.register,
        authenticate=recognition.authenticate,
        identify=recognition.identify,
        stream=recognition.stream,
        undo_adaptation=recognition.undo_adaptation,
        erase=privacy.erase,
        consents=privacy.consents,
        export=privacy.export,
        retain=privacy.retain,
        know_caller=accounts.know_caller(
            tokens, shared.revocations, open_to_all=settings.profile == "development"
        ),
        sign_in=accounts.sign_in(tokens, shared.revocations, ledger, token_policy(settings)),
        manage_accounts=accounts.manage,
        face_tokens=await face_tokens(deployment, clock),
        locks=ledger,
        unlock=Unlock(locks=ledger, clock=clock),
        label=Label(labels=labels, vocabulary=vocabulary(settings), clock=clock),
        bias=bias,
        metrics=make_metrics(
            settings,
            meters=meters,
            workers=workers,
            gallery=people.gallery,
            facts=facts,
            zoo=zoo,
            bias=bias,
            vitals=vitals,
            watch=watch,
        ),
        meters=meters,
        read_audit=records.read,
        follow_audit=records.follow,
        read_spoofs=make_read_spoofs(deployment, records, people.directory),
        audit_keys=records.signer.public.pem().decode(),
        keys=SqlKeyInventory(deployment.database, deployment.ring),
        stream_limits=stream_limits(settings),
        directory=people.directory,
        list_people=ListPeople(directory=people.directory, locks=ledger),
        rates=RequestRates(shared.rate_limiter, budgets(settings)),
        readiness=StoresReadiness(people.gallery, shared),
        facts=facts,
        voice=None if voice is None else voice.verbs,
    )


def _facts(settings: Settings, vision: Vision, started_at: datetime) -> SystemFacts:
    policy = stream_policy(settings)
    return SystemFacts(
        version=__version__,
        profile=settings.profile,
        device=vision.device,
        match_fmr=settings.match_fmr,
        match_threshold=confidence(evidence_of_fmr(settings.match_fmr)),
        liveness_threshold=vision.liveness_threshold,
        networks=with_voice(vision.networks, on=settings.voice == "on"),
        started_at=started_at,
        stream=StreamFacts(policy.actions, policy.passive_frames, policy.passive_s, policy.session_s),
        images_stored=settings.store_images,
        adaptation=settings.adaptation == "on",
        consent_required=consent_rule(settings) is ConsentRule.REQUIRED,
        max_image_bytes=settings.max_image_bytes,
        voice=settings.voice == "on",
    )


async def require_a_way_in(settings: Settings, accounts: Accounts) -> None:
    """Refuse to serve nobody: outside of development every caller must sign in."""
    if settings.profile == "development" or await accounts.manage.any_way_in():
        return
    raise SettingsInvalid(
        f"FACEKEY_PROFILE is {settings.profile}, and there is nobody who could sign in; make the first "
        "account with: facekey accounts add NAME --role admin"
    )
