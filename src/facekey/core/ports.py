"""The plugs: what the inside asks of the outside, one to three methods each.

A port belongs to who calls it and is as small as that caller needs. `wiring` alone
knows what is plugged in.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from facekey.core.attempts import Claim, Failures, Result
from facekey.core.audit import AuditEvent
from facekey.core.consent import ConsentGiven
from facekey.core.matching import Match
from facekey.core.root_keys import KeyUse, Rewrapped
from facekey.core.types import (
    Crop,
    Detection,
    Embedding,
    Evidence,
    FaceMesh,
    Frame,
    FrameHash,
    Glimpse,
    Lids,
    Liveness,
    ModelId,
    Subject,
    SubjectId,
    Template,
)


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The time, aware, UTC."""
        ...


class Ticker(Protocol):
    """A clock that nobody can set: it tells durations, not the time of day."""

    def seconds(self) -> float:
        """Seconds since some moment; never goes back."""
        ...


class Detector(Protocol):
    """Finds faces."""

    def detect(self, frame: Frame) -> list[Detection]:
        """All faces of the frame, best score first; an empty list when there is none."""
        ...


class Landmarker(Protocol):
    """Lays a mesh over a face."""

    def mesh(self, frame: Frame, detection: Detection) -> FaceMesh:
        """The mesh of this one face."""
        ...


class EyeReader(Protocol):
    """Looks at the eyes of a face."""

    def lids(self, frame: Frame, mesh: FaceMesh) -> Lids:
        """How far they are open."""
        ...


class Embedder(Protocol):
    """Turns aligned faces into identity vectors."""

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together, stored with every template."""
        ...

    @property
    def crop_px(self) -> int:
        """Side of the square identity crop it wants."""
        ...

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        """One embedding for each crop, in order."""
        ...


class LivenessNetwork(Protocol):
    """Tells a live face from a picture of one."""

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together."""
        ...

    @property
    def crop_px(self) -> int:
        """Side of the square context crop it wants."""
        ...

    def score(self, crops: Sequence[Crop]) -> list[float]:
        """For each crop the calibrated probability, 0..1, that the face is live."""
        ...


class SequenceNetwork(Protocol):
    """Tells a live person from a moved picture by what happens over several frames."""

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together."""
        ...

    def score(self, glimpses: Sequence[Glimpse]) -> float | None:
        """The calibrated probability, 0..1, that the person is live.

        Args:
            glimpses: of one person, in the order of their times.

        Returns:
            None when the frames don't tell, such as too few of them or none that moves. That
            is no reason to call anything live.
        """
        ...


class Analyzer(Protocol):
    """The whole of vision, as services see it."""

    async def analyze(self, image: bytes) -> Evidence:
        """Say all that one picture says.

        Raises:
            ImageRefused: the bytes can't be read safely.
            SampleRejected: there is no face in it that can be judged.
            Overloaded: too many pictures are waiting already.
        """
        ...


class Watcher(Protocol):
    """The whole of vision for a stream of frames."""

    async def glimpse(self, image: bytes, *, at_s: float) -> Glimpse:
        """Say all that one frame says.

        Raises:
            ImageRefused: the bytes can't be read safely.
            SampleRejected: there is no face in it that can be judged.
            Overloaded: too many pictures are waiting already.
        """
        ...

    async def liveness(self, glimpses: Sequence[Glimpse]) -> Liveness:
        """One score from what every frame says and from what happens between them.

        Args:
            glimpses: of one person, at least one, in the order of their times.
        """
        ...


class SingleUse(Protocol):
    """Things that may happen once: a session id, the answer to a challenge."""

    async def put(self, key: str, value: str, *, ttl_s: float) -> bool:
        """Keep a value under a key for a while; False when the key is taken: nothing was changed.

        Raises:
            StoreUnavailable: it is not known whether the key is free.
        """
        ...

    async def take(self, key: str) -> str | None:
        """Give the value once; None when it was never there, is given already, or is too old.

        Raises:
            StoreUnavailable: the value was not given.
        """
        ...


class SeenFrames(Protocol):
    """The frames of all sessions of the last while, as hashes."""

    async def seen(self, frame_hash: FrameHash, *, session_id: str) -> bool:
        """Whether another session showed this frame, by `core.recurrence.same_frame`.

        Raises:
            StoreUnavailable: it is not known.
        """
        ...

    async def remember(self, frame_hash: FrameHash, *, session_id: str) -> None:
        """Keep a frame of this session.

        Raises:
            StoreUnavailable: it was not kept.
        """
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may happen.

    Attributes:
        per_s: on average.
        burst: at once, after a pause.

    Raises:
        ValueError: nothing would be let through.
    """

    per_s: float
    burst: int

    def __post_init__(self) -> None:
        """Refuse a rate that lets nothing through."""
        if not 0 < self.per_s < float("inf") or self.burst < 1:
            raise ValueError("a rate must let something through")


class RateLimiter(Protocol):
    """Counts what callers do, for all replicas together."""

    async def spend(self, key: str, rate: Rate) -> None:
        """Take one from the budget of this key.

        Raises:
            RateLimited: there is none left; says when there will be.
        """
        ...


class Revocations(Protocol):
    """Tokens that don't count any more although their time isn't over."""

    async def revoke(self, token_id: str, *, ttl_s: float) -> None:
        """Let a token count no more; for good once its own time is over, after `ttl_s`.

        Raises:
            StoreUnavailable: it still counts.
        """
        ...

    async def is_revoked(self, token_id: str) -> bool:
        """Whether it counts no more.

        Raises:
            StoreUnavailable: it is not known.
        """
        ...


class Change(StrEnum):
    """What replicas tell each other of. The change itself is in the database."""

    GALLERY = "gallery"
    SETTINGS = "settings"


class Listener(Protocol):
    """Waits for changes."""

    async def wait(self, *, within_s: float) -> frozenset[Change]:
        """What changed since the last call, as soon as anything did; empty when the time is over."""
        ...


class Changes(Protocol):
    """Wakes whoever keeps a copy. A message can be lost, so nobody may rely on one."""

    def announce(self, change: Change) -> None:
        """Tell every replica, this one included. Never waits and never fails."""
        ...

    def listen(self) -> Listener:
        """Hear what is announced from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an event is on record.

    Attributes:
        sequence: place in the audit chain.
        digest: hash of the record, 32 bytes.
    """

    sequence: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Candidate:
    """An enrolled person who looks like the probe."""

    subject_id: SubjectId
    match: Match
    consent_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What a search of the gallery gave.

    Attributes:
        candidates: best first.
        gallery_size: how many people were compared with.
        as_of: the moment of the gallery that was searched; grows with every change of it.
    """

    candidates: tuple[Candidate, ...]
    gallery_size: int
    as_of: int


class AuditLog(Protocol):
    """Where decisions are put on record."""

    async def append(self, event: AuditEvent) -> Receipt:
        """Write one event; it is durable when this returns.

        Raises:
            StoreUnavailable: it is not on record; the decision must not be given.
        """
        ...


class Ledger(Protocol):
    """Where attempts are admitted, and decisions put on record with the failures they add to."""

    async def admit(self, claim: Claim, *, at: datetime) -> None:
        """Let an attempt through.

        Raises:
            AttemptsExhausted: too many failed before.
            StoreUnavailable: it is not known how many did.
        """
        ...

    async def settle(self, event: AuditEvent, claim: Claim, result: Result) -> Receipt:
        """Write one decision and what it counts for; both are durable when this returns.

        Raises:
            AttemptsExhausted: others failed so often meanwhile that the decision must not be given.
            EnrolmentGone: who was let in is not enrolled any more; the decision must not be given.
            StoreUnavailable: it is not on record; the decision must not be given.
        """
        ...


class Locks(Protocol):
    """What an operator sees and mends of the attempt limits."""

    async def failures(self, claim: Claim) -> Failures | None:
        """The counter of one user or one address; None when nothing is counted."""
        ...

    async def unlock(self, claim: Claim, event: AuditEvent) -> bool:
        """Forget their failures, and put it on record; False when there were none.

        Raises:
            StoreUnavailable: nothing was changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Beside:
    """What is stored beside a new person's template, in the same transaction.

    Attributes:
        photos: to be kept; none, unless the operator wants them.
    """

    consent: ConsentGiven | None = None
    photos: tuple[bytes, ...] = field(default=(), repr=False)


NOTHING = Beside()


class Templates(Protocol):
    """Enrolled people. Each change is one transaction with its audit record: both or neither."""

    async def add(
        self, template: Template, event: AuditEvent, *, searched: int, beside: Beside = NOTHING
    ) -> Receipt:
        """Store a new person, unless somebody was added after the search that found no such face.

        Args:
            template: whom to store.
            event: what goes on record with them.
            searched: `Search.as_of` of that search.
            beside: what else is stored of them.

        Raises:
            SubjectExists: the id is taken; nothing was changed.
            GalleryMoved: somebody was added since; nothing was changed; search again.
            StoreUnavailable: nothing was changed.
        """
        ...

    async def get(self, subject_id: SubjectId) -> Template | None:
        """The person's template, or None, in about the same time.

        Raises:
            KeyUnavailable: it is there but can't be opened with the keys at hand.
            SealBroken: it was changed since it was sealed.
            StoreUnavailable: the database did not answer.
        """
        ...

    async def erase(self, subject_id: SubjectId, event: AuditEvent) -> Receipt:
        """Destroy the person's key and rows.

        Raises:
            SubjectUnknown: there is nobody of that id.
            StoreUnavailable: nothing was changed.
        """
        ...


class Directory(Protocol):
    """The list of enrolled people, without their templates."""

    async def find(self, subject_id: SubjectId) -> Subject | None:
        """One person, or None."""
        ...

    async def page(self, *, after: SubjectId | None, limit: int) -> list[Subject]:
        """People in a fixed order, from the one after `after`."""
        ...

    async def count(self) -> int:
        """How many people are enrolled."""
        ...


class Gallery(Protocol):
    """Everybody at once, for one-to-many comparison."""

    async def search(self, probe: Sequence[Embedding], *, top_k: int) -> Search:
        """The enrolled people most like the probe; sees every change committed before the call."""
        ...


class Decoy(Protocol):
    """A stand-in template for ids that don't exist."""

    def template(self, subject_id: SubjectId) -> Template:
        """A made-up person, the same for the same id, whom nobody resembles more than a stranger would."""
        ...


class RenewableIndex(Protocol):
    """An index outside of the process, whose vectors can be revoked."""

    async def rebuild(self, *, new_key: bool, event: AuditEvent, report: Callable[[int, int], None]) -> int:
        """Empty it and fill it from the sealed templates; give the number of people.

        Args:
            new_key: turn them by a new key; what the old one turned compares with nothing then.
            event: goes on record in the transaction that empties.
            report: takes the number of changes that are in the index, and of all there were.

        Raises:
            KeyUnavailable, SealBroken: a template can't be opened.
            StoreUnavailable: the store did not answer.
        """
        ...


class WrappedKeys(Protocol):
    """Everything that a root key protects."""

    async def uses(self) -> tuple[KeyUse, ...]:
        """Every record, by the key that it hangs on.

        Raises:
            KeyUnavailable: the current root key can't be had now.
            StoreUnavailable: the store did not answer.
        """
        ...

    def rewrap(self) -> AsyncIterator[Rewrapped]:
        """Go once over all records and put those under the current key that aren't, piece by piece.

        Raises:
            KeyUnavailable: the current root key can't be had now.
            StoreUnavailable: what was done so far is kept.
        """
        ...

    async def forget_old_forms(self) -> None:
        """Drop what was replaced from the files, as far as that can be done now."""
        ...
