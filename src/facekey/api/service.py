"""What the API serves: the verbs and the views it may call, as `wiring` put them together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from facekey.api.meters import Meters
from facekey.api.metrics import Metrics
from facekey.api.rate import RequestRates
from facekey.core.ports.accounts import FaceTokens
from facekey.core.ports.attempts import Locks
from facekey.core.ports.keys import KeyInventory
from facekey.core.ports.subjects import Directory
from facekey.services.assess import Assess
from facekey.services.authenticate import Authenticate
from facekey.services.bias import MonitorBias
from facekey.services.consent import KeepConsent
from facekey.services.enrol_voice import EnrolVoice
from facekey.services.erase import Erase
from facekey.services.export import Export
from facekey.services.follow_audit import FollowAudit
from facekey.services.forget_voice import ForgetVoice
from facekey.services.identify import Identify
from facekey.services.know_caller import KnowCaller
from facekey.services.label import Label
from facekey.services.list_people import ListPeople
from facekey.services.manage_accounts import ManageAccounts
from facekey.services.read_audit import ReadAudit
from facekey.services.read_spoofs import ReadSpoofs
from facekey.services.register import Register
from facekey.services.retain import Retain
from facekey.services.sign_in import SignIn
from facekey.services.stream import Stream
from facekey.services.undo_adaptation import UndoAdaptation
from facekey.services.unlock import Unlock
from facekey.services.verify_voice import VerifyVoice


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """One network of the zoo.

    Attributes:
        installed: its weights are here and verified.
        in_use: this process answers with it.
        note: why it isn't installed or isn't in use; None when it is.
        how_to_get: the command that installs it; None when it is installed.
    """

    name: str
    task: str
    title: str
    licence: str
    installed: bool
    in_use: bool
    note: str | None
    how_to_get: str | None = None


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What a page that streams wants to know.

    Attributes:
        challenge_actions: how many actions are asked for; None: two or three, drawn each time.
        passive_frames: without actions, the fewest frames that are judged.
        passive_s: without actions, the shortest time that is watched.
        session_s: the longest that a session may take.
    """

    challenge_actions: int | None
    passive_frames: int
    passive_s: float
    session_s: float


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """What doesn't change while the process runs.

    Attributes:
        images_stored: photos of registrations are kept.
        adaptation: templates learn from live matches.
        consent_required: nobody is compared without consent on record.
        max_image_bytes: largest picture that is taken.
        voice: recordings are taken beside faces.
    """

    version: str
    profile: str
    device: str
    match_fmr: float
    match_threshold: float
    liveness_threshold: float
    networks: tuple[NetworkStatus, ...]
    started_at: datetime
    stream: StreamFacts
    images_stored: bool
    adaptation: bool
    consent_required: bool
    max_image_bytes: int
    voice: bool = False


BASE64_GROWTH = 4 / 3
MESSAGE_OVERHEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What a live stream may ask of the process.

    Attributes:
        max_frame_bytes: largest encoded frame.
        frames_per_s: what is looked at; more is dropped.
        connections: at the same time, in this process.
        connections_per_address: of them, from one address.

    Raises:
        ValueError: a limit would let nothing through.
    """

    max_frame_bytes: int = 2 * 1024 * 1024
    frames_per_s: float = 30.0
    connections: int = 64
    connections_per_address: int = 16

    def __post_init__(self) -> None:
        """Refuse limits that let nothing through."""
        counts = self.max_frame_bytes, self.connections, self.connections_per_address
        if min(counts) < 1 or not self.frames_per_s > 0:
            raise ValueError("a stream's limits are positive")

    @property
    def max_message_bytes(self) -> int:
        """Largest message: a frame in base64, and what stands around it."""
        return int(BASE64_GROWTH * self.max_frame_bytes) + MESSAGE_OVERHEAD_BYTES


class Readiness(Protocol):
    """Whether requests can be decided right now."""

    async def check(self) -> None:
        """Return when they can.

        Raises:
            Unavailable: says what is missing.
        """
        ...


@dataclass(frozen=True, slots=True)
class VoiceVerbs:
    """What can be done with a voice alone."""

    enrol: EnrolVoice
    verify: VerifyVoice
    forget: ForgetVoice


@dataclass(frozen=True, slots=True)
class Service:
    """Everything behind the routes."""

    assess: Assess
    register: Register
    authenticate: Authenticate
    identify: Identify
    erase: Erase
    stream: Stream
    know_caller: KnowCaller
    sign_in: SignIn
    manage_accounts: ManageAccounts
    face_tokens: FaceTokens
    locks: Locks
    unlock: Unlock
    undo_adaptation: UndoAdaptation
    label: Label
    bias: MonitorBias
    metrics: Metrics
    meters: Meters
    consents: KeepConsent
    export: Export
    retain: Retain
    read_audit: ReadAudit
    follow_audit: FollowAudit
    read_spoofs: ReadSpoofs
    audit_keys: str  # PEM
    keys: KeyInventory
    stream_limits: StreamLimits
    rates: RequestRates
    directory: Directory
    list_people: ListPeople
    readiness: Readiness
    facts: SystemFacts
    voice: VoiceVerbs | None = None  # where it is off
