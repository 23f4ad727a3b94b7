"""One frozen type for each stage of a face decision.

Read from top to bottom they are the main job:

    bytes -> Frame -> Detection -> Crop -> Quality, Liveness, Embedding -> Evidence
    Evidence + Template -> Decision

Only the stage before makes the type that the next one takes, so no stage can be
skipped. Pictures and vectors stay out of `repr`, so that they can't reach a log
by accident. All pictures are RGB; all points are (x, y) in pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, NewType

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
IdentityLayout = Literal["identity", "chip"]
Layout = Literal["identity", "chip", "context"]

ModelId = NewType("ModelId", str)
"""Name of the weights and preprocessing together, such as `mobilefacenet:d8ba40c0127f`."""

SubjectId = NewType("SubjectId", str)
"""What the application calls a person (`user_id` in the API); checked by `core.identifiers`."""

UNIT_NORM_TOLERANCE = 1e-3


class Reason(StrEnum):
    """Why a capture was accepted, refused, or must be taken again. Part of the API."""

    LIVE_MATCH = "live_match"
    NO_MATCH = "no_match"
    SPOOF_SUSPECTED = "spoof_suspected"
    NO_FACE = "no_face"
    MULTIPLE_FACES = "multiple_faces"
    FACE_TOO_SMALL = "face_too_small"
    FACE_CUT_OFF = "face_cut_off"
    TURNED_AWAY = "turned_away"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    LOW_CONTRAST = "low_contrast"
    BLURRED = "blurred"
    OCCLUDED = "occluded"
    FACE_LOST = "face_lost"
    CHALLENGE_FAILED = "challenge_failed"
    CHALLENGE_EXPIRED = "challenge_expired"
    VOICE_MATCH = "voice_match"
    VOICE_NO_MATCH = "voice_no_match"
    VOICE_NOT_COMPARED = "voice_not_compared"
    VOICE_NOT_ENROLLED = "voice_not_enrolled"
    VOICE_NOT_HEARD = "voice_not_heard"
    VOICE_SILENT = "voice_silent"
    VOICE_TOO_SHORT = "voice_too_short"
    VOICE_TOO_QUIET = "voice_too_quiet"
    VOICE_TOO_NOISY = "voice_too_noisy"
    VOICE_CLIPPED = "voice_clipped"
    VOICE_TELEPHONE = "voice_telephone"


class Outcome(StrEnum):
    """What was decided. `RETRY` means the capture could not be judged; nothing was compared."""

    ACCEPT = "accept"
    REJECT = "reject"
    RETRY = "retry"


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded picture, upright.

    Attributes:
        pixels: (H, W, 3) uint8, RGB.
    """

    pixels: Pixels = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        height, width = self.pixels.shape[:2]
        return height, width


@dataclass(frozen=True, slots=True)
class Region:
    """A part of an upright picture, as shares of its width and height: 0..1 from the upper left corner."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in frame pixels, `xyxy`; it may reach over the frame's edge."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return max(0.0, self.width) * max(0.0, self.height)

    def within(self, size: tuple[int, int]) -> Region:
        """The part of it that lies in a frame of this (height, width)."""
        height, width = size
        x1, y1, x2, y2 = (
            min(max(edge / side, 0.0), 1.0)
            for edge, side in ((self.x1, width), (self.y1, height), (self.x2, width), (self.y2, height))
        )
        return Region(x1, y1, x2, y2)


@dataclass(frozen=True, slots=True)
class Detection:
    """One face found in one frame.

    Attributes:
        box: the face, forehead to chin.
        landmarks: (5, 2) float32: the subject's right eye (left in the picture), left
            eye, nose tip, right mouth corner, left mouth corner.
        score: the detector's own probability, 0..1.
        detector: which network found it.
    """

    box: Box
    landmarks: Floats = field(repr=False)
    score: float
    detector: ModelId


@dataclass(frozen=True, slots=True)
class Crop:
    """A face turned upright and scaled to where a network expects it. Only `vision.align` makes one.

    Attributes:
        pixels: (S, S, 3) uint8, RGB.
        layout: `identity` is the tight five-point crop that the ArcFace family was trained
            on; `chip` is dlib's, closer and with the face higher up; `context` shows the face
            with some of its surroundings, for liveness.
        to_crop: (2, 3) float32, the similarity that maps frame points into the crop.
    """

    pixels: Pixels = field(repr=False)
    layout: Layout
    to_crop: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class FaceMesh:
    """468 points on the face, MediaPipe's topology.

    Attributes:
        points: (468, 3) float32: x and y in frame pixels, z in the same unit, growing
            away from the camera, 0 near the middle of the head.
        presence: probability that there is a face at all, 0..1.
    """

    points: Floats = field(repr=False)
    presence: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a capture can be judged. Every score is 0..1 and grows with quality.

    Attributes:
        yaw_deg: positive when the subject turns to their own left.
        pitch_deg: positive when the subject looks up.
        roll_deg: positive when the head tilts to the subject's left shoulder.
        face_px: smaller side of the face box.
        overall: one number from all of them; the weakest link dominates.
        reasons: what must be mended before the capture can be used, worst first; empty
            when it is good enough.
    """

    sharpness: float
    brightness: float
    contrast: float
    occlusion: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    face_px: float
    overall: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Assessed:
    """A face that can be judged, and nothing of whose it is or whether it is live.

    Attributes:
        face: where it is in the picture.
    """

    quality: Quality
    face: Region


@dataclass(frozen=True, slots=True)
class Liveness:
    """Presentation attack detection for one capture.

    Attributes:
        score: calibrated probability that a live person was in front of the camera, 0..1.
        parts: the score of each network behind it, for operators only.

    Raises:
        ValueError: the score is no probability.
    """

    score: float
    parts: Mapping[ModelId, float] = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse NaN, and raw outputs that were never calibrated."""
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a liveness score is a probability, not {self.score}")


@dataclass(frozen=True, slots=True)
class Embedding:
    """A face as one network sees it.

    Attributes:
        vector: (D,) float32, L2 norm 1.
        model: the network; embeddings of different networks can't be compared.

    Raises:
        ValueError: the vector is not finite or its norm is not 1. It is not repaired: a
            made-up direction would be compared like a real one.
    """

    vector: Floats = field(repr=False)
    model: ModelId

    def __post_init__(self) -> None:
        """Refuse anything that is not a direction."""
        norm = float(np.linalg.norm(self.vector))
        if self.vector.ndim != 1 or not abs(norm - 1.0) <= UNIT_NORM_TOLERANCE:
            raise ValueError(f"an embedding is one unit vector, not {self.vector.shape} of norm {norm}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that one capture says. What it is compared with is not part of it.

    Attributes:
        embeddings: one for each recognition network in use, in a fixed order.
        detection: the face that was judged.
        thumbprint: (16, 16) float32, the identity crop in grey, mean 0 and norm 1: two
            captures with almost the same thumbprint are the same photograph.
    """

    embeddings: tuple[Embedding, ...]
    quality: Quality
    liveness: Liveness
    detection: Detection
    thumbprint: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class Expression:
    """What the mesh says a face does, as ratios that don't change with its size or place.

    Attributes:
        right_eye: height of the subject's right eye over its width, about 0.25. The mesh
            hardly moves it when the eye shuts: for that see `Lids`.
        left_eye: the same for the left eye.
        mouth_open: height of the gap between the lips over the width of the mouth.
        mouth_width: width of the mouth over the distance of the outer eye corners; a smile
            widens it by a tenth to a third.
    """

    right_eye: float
    left_eye: float
    mouth_open: float
    mouth_width: float

    @property
    def eyes(self) -> float:
        """Both eyes together."""
        return (self.right_eye + self.left_eye) / 2


@dataclass(frozen=True, slots=True)
class FacePatch:
    """A small grey picture of a face, for following its texture from frame to frame.

    Attributes:
        pixels: (S, S) uint8, grey.
        to_frame: (2, 3) float32, the similarity that maps its points into the frame.
    """

    pixels: Pixels = field(repr=False)
    to_frame: Floats = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lids:
    """How far the eyes are open, from a network that looks at each alone.

    Attributes:
        right: distance between the lids of the subject's right eye over its width; about
            0.25 when open and 0.1 when shut, differing from person to person.
        left: the same for the left eye.
    """

    right: float
    left: float

    @property
    def both(self) -> float:
        """Both eyes together."""
        return (self.right + self.left) / 2


@dataclass(frozen=True, slots=True)
class FrameHash:
    """What a frame looks like, in bits that encoding it again hardly changes.

    Attributes:
        whole: of the whole frame, 128 bytes.
        face: of a window around the face, 128 bytes.
    """

    whole: bytes = field(repr=False)
    face: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Glimpse:
    """One frame of a stream: the evidence in it, and what only counts over time.

    Attributes:
        at_s: when the frame arrived, seconds of the server's monotonic clock.
        evidence: all that the frame says by itself.
        mesh: of the face that was judged.
        expression: of that mesh.
        patch: 16 KB of the face itself; who keeps many glimpses may drop those of all but
            the last seconds (`dataclasses.replace(glimpse, patch=None)`).
        lids: None where nobody looked at the eyes; a stream's frames always have them.
        frame_hash: None where nobody took it; a stream's frames always have it.
        face: where in the frame the face is; None where nobody will be shown it.
    """

    at_s: float
    evidence: Evidence
    mesh: FaceMesh = field(repr=False)
    expression: Expression
    patch: FacePatch | None = field(default=None, repr=False)
    lids: Lids | None = None
    frame_hash: FrameHash | None = field(default=None, repr=False)
    face: Region | None = None


@dataclass(frozen=True, slots=True)
class References:
    """One network's view of an enrolled person.

    Attributes:
        vectors: (K, D) float32, one unit vector for each accepted photo; or (1, D), their
            mean, which says the same to `mean` and `centroid`.
        adapted: (A, D) float32, unit vectors learned since (`core.adaptation`); None when
            there are none. Nothing here counts them but `current`.
    """

    model: ModelId
    vectors: Floats = field(repr=False)
    adapted: Floats | None = field(default=None, repr=False)

    def mean(self) -> Floats:
        """The mean of the photos' vectors, (D,) float32; the less alike they are, the shorter."""
        return np.asarray(self.vectors.mean(axis=0), dtype=np.float32)

    def centroid(self) -> Embedding:
        """The direction of the mean."""
        mean = self.mean()
        return Embedding((mean / np.linalg.norm(mean)).astype(np.float32), self.model)

    def current(self) -> "References":
        """The photos and what was learned since, each counting the same."""
        if self.adapted is None:
            return self
        return References(self.model, np.concatenate([self.vectors, self.adapted]))


@dataclass(frozen=True, slots=True)
class Template:
    """An enrolled person, as the networks saw them. Stored sealed, never in the open."""

    subject_id: SubjectId
    references: tuple[References, ...]
    consent_until: datetime | None = None
    """When the person's last consent ends; None when none was recorded (`core.consent`)."""
    enrolment: str | None = None
    """A random number that is another after an erasure and a new registration; None for who isn't stored."""

    def current(self) -> "Template":
        """The person as adaptation knows them now; without adaptation the same."""
        references = tuple(one.current() for one in self.references)
        return replace(self, references=references)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a listing shows of an enrolled person.

    Attributes:
        last_seen_on: the day of the last accepted attempt; None when there was none.
    """

    subject_id: SubjectId
    enrolled_at: datetime
    samples: int
    models: tuple[ModelId, ...]
    last_seen_on: date | None = None


@dataclass(frozen=True, slots=True)
class VoiceFinding:
    """What a recording says beside the face (`core.voice`). Nobody is let in by it.

    Attributes:
        reason: `VOICE_MATCH`, `VOICE_NO_MATCH`, or why nothing was compared.
        threshold: what `confidence` was held against, on the scale of a face's.
        confidence: calibrated similarity of the voices, 0..1; None when nothing was compared.
        fused: of face and voice together, on the same scale; told, never decided by.
    """

    reason: Reason
    threshold: float
    confidence: float | None = None
    fused: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to one comparison. It has no truth value: ask for its outcome.

    Attributes:
        confidence: fused calibrated similarity, 0..1 (see `core.calibration`); None when
            nothing was compared.
        threshold: what `confidence` was held against, on the same scale.
        similarities: calibrated similarity for each network by its short name, and `fusion`.
        probability: the authentication head's estimate that this is a genuine, live attempt.
        voice: where the caller sent a recording, too.
    """

    outcome: Outcome
    reason: Reason
    threshold: float
    confidence: float | None = None
    liveness_score: float | None = None
    quality: Quality | None = None
    probability: float | None = None
    similarities: Mapping[str, float] = field(default_factory=dict)
    voice: VoiceFinding | None = None

    def __bool__(self) -> bool:
        """A decision is not a yes or no by itself.

        Raises:
            TypeError: always.
        """
        raise TypeError("ask for decision.outcome: a Decision has no truth value")
