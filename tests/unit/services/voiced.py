"""The services of voice on a real store, behind a listener that plays back what was prepared."""

from dataclasses import dataclass, field

from facekey.api.service import Service, VoiceVerbs
from facekey.core.consent import ConsentRule
from facekey.core.errors import AudioRefused
from facekey.core.ports.clocks import Clock
from facekey.core.types import Embedding, Floats, ModelId
from facekey.core.voice import VoiceEvidence, VoiceMatcher, VoicePolicy
from facekey.services.enrol_voice import EnrolVoice
from facekey.services.forget_voice import ForgetVoice
from facekey.services.verify_voice import VerifyVoice
from facekey.services.voice_step import VoiceStep
from facekey.store.decoy import PopulationDecoy
from facekey.store.sql.voices import SqlVoices
from tests.contract.store.opened import POPULATION, Store
from tests.unit.core.made import CALIBRATION, direction, near
from tests.unit.services.deployed import FixedClock, Playback, services

VOICE = ModelId("voice:000000000000")
POLICY = VoicePolicy(match_threshold=2.0, same_speaker_threshold=1.5)


def voice(seed: int) -> Floats:
    """Somebody's voice."""
    return direction(10_000 + seed)


@dataclass
class Recorder:
    """Implements `core.ports.voice.VoiceAnalyzer`: each recording says what was prepared for it."""

    prepared: dict[bytes, VoiceEvidence | Exception] = field(default_factory=dict)

    async def listen(self, recording: bytes) -> VoiceEvidence:
        said = self.prepared.get(recording, AudioRefused("audio_corrupt", "the recording can't be read"))
        if isinstance(said, Exception):
            raise said
        return said

    def recording(self, said: VoiceEvidence | Exception) -> bytes:
        """A new recording that says this."""
        made = f"recording {len(self.prepared)}".encode()
        self.prepared[made] = said
        return made

    def of(self, centre: Floats, *, likeness: float = 0.9, telephone: bool = False) -> bytes:
        """A new recording of somebody."""
        vector = near(centre, likeness, 777 + len(self.prepared))
        return self.recording(VoiceEvidence(Embedding(vector, VOICE), 3.21, 25.04, telephone=telephone))

    def several(self, centre: Floats, count: int = 3) -> list[bytes]:
        """Recordings of one voice."""
        return [self.of(centre) for _ in range(count)]


def voices_of(store: Store) -> SqlVoices:
    """Where voices are kept."""
    return SqlVoices(store.database, store.ring, store.audit, voice_decoy(store))


def voice_decoy(store: Store) -> PopulationDecoy:
    """Stand-ins for those who have none."""
    return PopulationDecoy({VOICE: POPULATION}, key=store.keys.decoys)


def with_voice(
    store: Store,
    analyzer: Playback,
    recorder: Recorder,
    *,
    clock: Clock | None = None,
    consent: ConsentRule = ConsentRule.OPTIONAL,
    **others: object,
) -> Service:
    """All services, with voice switched on."""
    clock = clock or FixedClock()
    matcher, voices = VoiceMatcher(VOICE, CALIBRATION), voices_of(store)
    step = VoiceStep(
        analyzer=recorder,
        voices=voices,
        decoy=voice_decoy(store),
        matcher=matcher,
        policy=POLICY,
        clock=clock,
        consent=consent,
    )
    verbs = VoiceVerbs(
        enrol=EnrolVoice(
            analyzer=recorder,
            directory=store.directory,
            voices=voices,
            matcher=matcher,
            policy=POLICY,
            audit=store.audit,
            clock=clock,
            consent=consent,
        ),
        verify=VerifyVoice(step=step, ledger=store.ledger, clock=clock),
        forget=ForgetVoice(voices=voices, clock=clock),
    )
    return services(
        store,
        analyzer,
        clock=clock,
        consent=consent,
        voice_step=step,
        voice=verbs,
        **others,  # type: ignore[arg-type]
    )
