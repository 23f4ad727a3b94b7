"""Stream (1:1, live): is the person before the camera, right now, the one they claim to be?

One session is one attempt: opened once, fed with frames, decided once, and gone.
"""

from dataclasses import dataclass, replace

from facekey.core.attempts import Claim
from facekey.core.audit import AuditValue
from facekey.core.caller import Caller
from facekey.core.challenge import Binding, Challenge, Random, draw_challenge
from facekey.core.consent import ConsentRule
from facekey.core.errors import Overloaded, RequestInvalid, SampleRejected
from facekey.core.faults import Fault
from facekey.core.matching import Matcher
from facekey.core.obedience import Obedience
from facekey.core.policy import AuthenticatePolicy
from facekey.core.ports.adaptation import Learning
from facekey.core.ports.attempts import Ledger
from facekey.core.ports.clocks import Clock, Ticker
from facekey.core.ports.measures import UNMEASURED, Meter
from facekey.core.ports.shadow import UNSHADOWED, Shadow
from facekey.core.ports.shared import SeenFrames, SingleUse
from facekey.core.ports.spoofs import UNWITNESSED, SpoofWitness
from facekey.core.ports.subjects import Decoy, Templates
from facekey.core.ports.vision import Watcher
from facekey.core.posture import find_baseline
from facekey.core.recurrence import REPLAYED_FRAMES, Loop
from facekey.core.tracking import Tracker
from facekey.core.types import FrameHash, Glimpse, Reason
from facekey.services.judge_session import JudgeSession, Watched
from facekey.services.stream_update import Prompt, Step, Update

UNTRACKED = frozenset({Fault.FACE_LOST, Fault.FACE_JUMPED, Fault.OTHER_FACE})
"""What ends a session once something was asked, and begins it anew before."""

REMEMBER_EVERY_S = 0.1  # of the frames that later sessions are compared with
MOST_GLIMPSES = 600  # what one session may keep; a minute at ten a second
KEPT_PATCHES_S = 4.0  # of the pictures of the face, which are most of a glimpse's size


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """What a session asks for, and for how long.

    Attributes:
        actions: how many actions; None draws two or three, 0 asks for nothing and is weaker.
        passive_frames: without actions, the fewest frames that are judged.
        passive_s: without actions, the shortest time that is watched.
        session_s: the longest that a session may take.
        single_use_s: for how long a session id can't be used again.

    Raises:
        ValueError: a limit is not positive.
    """

    actions: int | None = None
    passive_frames: int = 24
    passive_s: float = 3.0
    session_s: float = 60.0
    single_use_s: float = 3600.0

    def __post_init__(self) -> None:
        """Refuse sessions that would judge nothing or never end."""
        limits = self.passive_frames, self.passive_s, self.session_s, self.single_use_s
        if not all(limit > 0 for limit in limits):
            raise ValueError("the limits of a stream are positive")


class Stream:
    """Opens sessions."""

    def __init__(
        self,
        *,
        watcher: Watcher,
        templates: Templates,
        decoy: Decoy,
        matcher: Matcher,
        policy: AuthenticatePolicy,
        stream_policy: StreamPolicy,
        single_use: SingleUse,
        seen_frames: SeenFrames,
        ledger: Ledger,
        clock: Clock,
        ticker: Ticker,
        random: Random,
        learning: Learning | None = None,
        consent: ConsentRule = ConsentRule.OPTIONAL,
        meter: Meter = UNMEASURED,
        witness: SpoofWitness = UNWITNESSED,
        shadow: Shadow = UNSHADOWED,
    ) -> None:
        """Take what sessions need; `wiring` chooses the implementations."""
        self.watcher = watcher
        self.matcher = matcher
        self.stream_policy = stream_policy
        self.single_use = single_use
        self.seen_frames = seen_frames
        self.ledger = ledger
        self.clock = clock
        self.ticker = ticker
        self.random = random
        self.judge = JudgeSession(
            watcher=watcher,
            templates=templates,
            decoy=decoy,
            matcher=matcher,
            policy=policy,
            ledger=ledger,
            clock=clock,
            learning=learning,
            consent=consent,
            meter=meter,
            witness=witness,
            shadow=shadow,
        )

    async def open(self, binding: Binding, *, caller: Caller) -> "StreamSession":
        """Begin a session and draw its challenge.

        Raises:
            AttemptsExhausted: too many attempts on this id, or from this address, failed.
            RequestInvalid: `session_used`: a session of that id is running or was.
            StoreUnavailable: it is not known whether the id was used.
        """
        claim = Claim(binding.subject_id, caller.address)
        await self.ledger.admit(claim, at=self.clock.now())
        ttl_s = self.stream_policy.single_use_s
        if not await self.single_use.put(f"session/{binding.session_id}", str(binding), ttl_s=ttl_s):
            raise RequestInvalid(
                "session_used", "this session_id was used before; begin again with a new, random one"
            )
        challenge = draw_challenge(binding, self.random, count=self.stream_policy.actions)
        await self.single_use.put(f"challenge/{challenge.challenge_id}", str(binding), ttl_s=ttl_s)
        return StreamSession(self, challenge, claim, caller, self.ticker.seconds())


class StreamSession:
    """One attempt. Frames are given to it one after the other, never two at once."""

    def __init__(
        self, stream: Stream, challenge: Challenge, claim: Claim, caller: Caller, opened_s: float
    ) -> None:
        """Only `Stream.open` makes one."""
        self._stream = stream
        self._challenge = challenge
        self._claim = claim
        self._caller = caller
        self._opened_s = opened_s
        self._tracker = Tracker(stream.matcher)
        self._loop = Loop()
        self._glimpses: list[Glimpse] = []
        self._resting: tuple[Glimpse, ...] = ()  # the frames of the baseline
        self._obedience: Obedience | None = None
        self._last_image = b""
        self._last_number = -1
        self._replayed = 0
        self._remembered_s = -REMEMBER_EVERY_S
        self._dropped = 0
        self._over = False

    @property
    def over(self) -> bool:
        """Whether it was decided; nothing is taken any more."""
        return self._over

    @property
    def challenged(self) -> bool:
        """Whether anything was asked of the person."""
        return bool(self._challenge.actions)

    def drop(self, frames: int = 1) -> None:
        """Count frames that the client sent and nobody looked at."""
        self._dropped += frames

    @property
    def dropped(self) -> int:
        """Frames that nobody looked at."""
        return self._dropped

    def left_s(self) -> float:
        """Seconds until `expire` is due."""
        now_s = self._stream.ticker.seconds()
        left = self._opened_s + self._stream.stream_policy.session_s - now_s
        return left if self._obedience is None else min(left, self._obedience.left_s(now_s))

    async def expire(self) -> Update:
        """End a session whose time is over.

        Raises:
            StoreUnavailable: it could not be recorded.
        """
        return await self._refuse(Fault.EXPIRED)

    async def abandon(self) -> None:
        """Put on record that the client went away, if it knew its challenge by then.

        Raises:
            StoreUnavailable: it could not be recorded.
        """
        if self._over:
            return
        self._over = True
        if self._obedience is not None:
            # A failure like any other: who breaks off whenever it goes wrong could try for ever.
            await self._stream.judge.abandoned(self._watched())

    async def frame(
        self, image: bytes, *, at_s: float, number: int | None = None, challenge_id: str | None = None
    ) -> Update:
        """Look at one frame, and decide when it was the last that was needed.

        (1) The frame is new, in order, and not for another challenge. (2) Look at it.
        (3) It was seen in no other session, and not before in this one. (4) It continues
        the same face. (5) It is part of the resting face, or of an answer. (6) When all
        is answered: decide, record, and only then answer.

        Args:
            image: the encoded frame.
            at_s: when it arrived, by the stream's ticker.
            number: the client's own count, when it counts.
            challenge_id: which challenge it answers, when the client says so.

        Raises:
            ImageRefused: the bytes are no picture that can be read; nothing else changed.
            Unavailable: nothing was decided, or the decision could not be recorded and was
                therefore withheld; the session is over.
        """
        # (1)
        fault = self._unfit(number, challenge_id)
        if fault is not None:
            return await self._refuse(fault)
        if image == self._last_image:  # cameras are slower than pages that ask them
            self._dropped += 1
            return Update(Step.DROPPED)
        self._last_image = image
        # (2)
        try:
            glimpse = await self._stream.watcher.glimpse(image, at_s=at_s)
        except SampleRejected as rejection:
            return _rejected(rejection)
        except Overloaded:
            self._dropped += 1
            return Update(Step.DROPPED)
        # (3), (4)
        fault = await self._replay(glimpse) or self._tracker.see(glimpse)
        if fault in UNTRACKED and self._obedience is None:
            self._start_over(glimpse)
        elif fault is not None:
            return await self._refuse(fault)
        self._keep(glimpse)
        # (5)
        return replace(await self._follow(glimpse), face=glimpse.face)

    def _unfit(self, number: int | None, challenge_id: str | None) -> Fault | None:
        """Step (1), by what the client says of the frame."""
        if self.left_s() <= 0:
            return Fault.EXPIRED
        if challenge_id not in (None, self._challenge.challenge_id):
            return Fault.FOREIGN_CHALLENGE
        if number is not None:
            if number <= self._last_number:
                return Fault.REORDERED
            self._last_number = number
        return None

    async def _replay(self, glimpse: Glimpse) -> Fault | None:
        frame_hash = _hash_of(glimpse)
        store, session_id = self._stream.seen_frames, self._challenge.binding.session_id
        self._replayed += await store.seen(frame_hash, session_id=session_id)
        if self._replayed >= REPLAYED_FRAMES:
            return Fault.REPLAYED
        if glimpse.at_s - self._remembered_s >= REMEMBER_EVERY_S:
            self._remembered_s = glimpse.at_s
            await store.remember(frame_hash, session_id=session_id)
        return Fault.REPEATED if self._loop.see(frame_hash, glimpse.at_s) else None

    def _start_over(self, glimpse: Glimpse) -> None:
        """Nothing was asked yet: whoever steps before the camera begins anew, and nothing before counts."""
        self._tracker, self._glimpses = Tracker(self._stream.matcher), []
        self._tracker.see(glimpse)

    def _keep(self, glimpse: Glimpse) -> None:
        self._glimpses.append(glimpse)
        del self._glimpses[:-MOST_GLIMPSES]
        for place, one in enumerate(self._glimpses):
            if one.patch is not None and one.at_s <= glimpse.at_s - KEPT_PATCHES_S:
                self._glimpses[place] = replace(one, patch=None)

    async def _follow(self, glimpse: Glimpse) -> Update:
        """Step (5): the baseline, then the answers."""
        if self._obedience is None:
            found = find_baseline(self._glimpses)
            if found is None:
                return Update(Step.PROGRESS)
            baseline, self._resting = found
            self._obedience = Obedience(self._challenge, baseline)
        fault = self._obedience.see(glimpse)
        if fault is not None:
            return await self._refuse(fault)
        if self._obedience.complete and self._watched_enough():
            return await self._decide()
        action = self._obedience.due
        if action is None:
            waiting = self._obedience.current is None and not self._obedience.complete
            return Update(Step.GUIDANCE) if waiting else Update(Step.PROGRESS, progress=self._progress())
        now_s = self._stream.ticker.seconds()
        self._obedience.asked(now_s)
        number, total = self._obedience.done + 1, len(self._challenge.actions)
        prompt = Prompt(self._challenge.challenge_id, action, number, total, self._obedience.left_s(now_s))
        return Update(Step.CHALLENGE, prompt=prompt, progress=self._progress())

    def _watched_enough(self) -> bool:
        """Whether a session that asks for nothing has watched long enough."""
        policy = self._stream.stream_policy
        if self._challenge.actions:
            return True
        seconds = self._glimpses[-1].at_s - self._glimpses[0].at_s
        return len(self._glimpses) >= policy.passive_frames and seconds >= policy.passive_s

    def _progress(self) -> float:
        actions = self._challenge.actions
        if actions and self._obedience is not None:
            return (1 + self._obedience.done) / (1 + len(actions))
        seconds = self._glimpses[-1].at_s - self._glimpses[0].at_s
        return min(1.0, seconds / self._stream.stream_policy.passive_s)

    async def _decide(self) -> Update:
        """Step (6). The challenge is used up first: it was good for this one answer."""
        self._over = True
        stream, challenge = self._stream, self._challenge
        if await stream.single_use.take(f"challenge/{challenge.challenge_id}") != str(challenge.binding):
            return await self._refuse(Fault.CHALLENGE_USED)
        return Update(Step.DECIDED, decision=await stream.judge(self._watched()))

    def _windows(self) -> list[tuple[Glimpse, ...]]:
        """The resting face, then one part for each answer; without answers, all frames."""
        answers = () if self._obedience is None else self._obedience.windows
        return [self._resting, *answers] if answers else [tuple(self._glimpses)]

    async def _refuse(self, fault: Fault) -> Update:
        """End the session without a comparison; the record says why, the answer says less."""
        self._over = True
        return Update(Step.DECIDED, decision=await self._stream.judge.refuse(self._watched(), fault))

    def _watched(self) -> Watched:
        details: dict[str, AuditValue] = {
            "actions": ",".join(self._challenge.actions),
            "answered": 0 if self._obedience is None else self._obedience.done,
            "frames": len(self._glimpses),
            "dropped": self._dropped,
            "seconds": round(self._stream.ticker.seconds() - self._opened_s, 2),
        }
        return Watched(
            self._challenge.binding.subject_id,
            self._claim,
            self._caller,
            tuple(self._glimpses),
            self._windows(),
            challenged=self.challenged,
            details=details,
            image=self._last_image,
        )


def _rejected(rejection: SampleRejected) -> Update:
    steps = {Reason.NO_FACE: Step.NO_FACE, Reason.MULTIPLE_FACES: Step.MULTIPLE_FACES}
    step = steps.get(rejection.reason, Step.GUIDANCE)
    return Update(step, reason=rejection.reason, face=rejection.face)


def _hash_of(glimpse: Glimpse) -> FrameHash:
    """The frame's hash.

    Raises:
        ValueError: nobody took it. Unknown is not new.
    """
    if glimpse.frame_hash is None:
        raise ValueError("a frame without a hash can't be told from a replay")
    return glimpse.frame_hash
