"""Voice: the networks, the store and the verbs, where an operator wants them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from facekey.api.service import NetworkStatus, VoiceVerbs
from facekey.core.calibration import evidence_of_fmr
from facekey.core.errors import ModelError, ModelUnavailable
from facekey.core.population import Population
from facekey.core.ports.measures import Meter
from facekey.core.types import ModelId
from facekey.core.voice import VoiceMatcher, VoicePolicy
from facekey.services.enrol_voice import EnrolVoice
from facekey.services.forget_voice import ForgetVoice
from facekey.services.verify_voice import VerifyVoice
from facekey.services.voice_step import VoiceStep
from facekey.store.decoy import PopulationDecoy
from facekey.store.sql.audit_log import SqlAuditLog
from facekey.store.sql.directory import SqlDirectory
from facekey.store.sql.ledger import SqlLedger
from facekey.store.sql.voices import SqlVoices
from facekey.vision.pool import Workers
from facekey.voice.encoder import SpeakerEncoder
from facekey.voice.listen import Listener, StageObserver
from facekey.voice.pool import ListenerPool
from facekey.voice.speech import SileroSpeech
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import Deployment
from facekey.wiring.limits import consent_rule
from facekey.zoo.zoo import Zoo, default_cards_dir

SPEECH, SPEAKER = "speech_silero", "speaker_ge2e"

SAME_SPEAKER_FMR = 0.05  # a recording must match the others this well to join a voice


def open_listener(zoo: Zoo, *, observe: StageObserver | None = None) -> Listener:
    """The networks that hear.

    Raises:
        ModelUnavailable: one of them is missing; says what to run.
        ModelError: one can't be loaded.
    """
    missing = [name for name in (SPEECH, SPEAKER) if not zoo.status(name).installed]
    if missing:
        names = " ".join(missing)
        raise ModelUnavailable("voice", f"not installed; run `facekey models pull {names}`")
    return Listener(
        speech=SileroSpeech(zoo.open(SPEECH)), encoder=SpeakerEncoder(zoo.open(SPEAKER)), observe=observe
    )


def with_voice(networks: Sequence[NetworkStatus], *, on: bool) -> tuple[NetworkStatus, ...]:
    """What is told of all networks, once it is known whether those of voice are in use."""
    return tuple(
        replace(one, in_use=on, note=None if on else "installed; FACEKEY_VOICE is off")
        if one.name in (SPEECH, SPEAKER) and one.installed
        else one
        for one in networks
    )


@dataclass(frozen=True, slots=True)
class Voice:
    """The verbs, and the step that a decision about a face may take."""

    verbs: VoiceVerbs
    step: VoiceStep


def make_voice(
    deployment: Deployment,
    zoo: Zoo,
    *,
    workers: Workers,
    directory: SqlDirectory,
    audit: SqlAuditLog,
    ledger: SqlLedger,
    meter: Meter,
) -> Voice | None:
    """Voice on this database; None where it is off.

    Raises:
        ModelUnavailable: a network is missing; says what to run.
        ModelError: one can't be loaded, or has no calibration.
    """
    settings, clock, rule = deployment.settings, SystemClock(), consent_rule(deployment.settings)
    if settings.voice == "off":
        return None
    listener, calibration = open_listener(zoo, observe=meter.took), zoo.card(SPEAKER).calibration
    if calibration is None:
        raise ModelError(f"{SPEAKER} has no calibration in its card")
    pool = ListenerPool(listener.listen, workers)
    matcher = VoiceMatcher(listener.model_id, calibration)
    policy = VoicePolicy(evidence_of_fmr(settings.voice_fmr), evidence_of_fmr(SAME_SPEAKER_FMR))
    decoy = PopulationDecoy({listener.model_id: _spread(listener.model_id)}, key=deployment.keys.decoys)
    voices = SqlVoices(deployment.database, deployment.ring, audit, decoy)
    step = VoiceStep(
        analyzer=pool,
        voices=voices,
        decoy=decoy,
        matcher=matcher,
        policy=policy,
        clock=clock,
        consent=rule,
    )
    return Voice(
        VoiceVerbs(
            enrol=EnrolVoice(
                analyzer=pool,
                directory=directory,
                voices=voices,
                matcher=matcher,
                policy=policy,
                audit=audit,
                clock=clock,
                consent=rule,
                meter=meter,
            ),
            verify=VerifyVoice(step=step, ledger=ledger, clock=clock, meter=meter),
            forget=ForgetVoice(voices=voices, clock=clock),
        ),
        step,
    )


def _spread(model: ModelId) -> Population:
    """What `training/calibrate_voice.py` measured: row 0 the mean, row 1 the width of each number."""
    path = default_cards_dir() / "weights" / f"{SPEAKER}-population.npy"
    try:
        values = np.load(path, allow_pickle=False).astype(np.float32)
        return Population(mean=values[0], factor=np.diag(values[1]))
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise ModelError(f"{model}: {path.name} can't be read: {error}") from error
