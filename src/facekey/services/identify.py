"""Identify (1:N): who of the enrolled is this, if anybody?"""

from dataclasses import dataclass

from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent
from facekey.core.calibration import confidence
from facekey.core.caller import Caller
from facekey.core.consent import ConsentRule, has_lapsed
from facekey.core.errors import RequestInvalid, SampleRejected
from facekey.core.policy import IdentifyPolicy
from facekey.core.ports.attempts import Ledger
from facekey.core.ports.clocks import Clock
from facekey.core.ports.gallery import Candidate, Gallery
from facekey.core.ports.measures import UNMEASURED, Decided, Meter
from facekey.core.ports.vision import Analyzer
from facekey.core.types import Outcome, Quality, Reason
from facekey.services.timed import RECORD, SEARCH, timed

ACTION = "identify"
MAX_TOP_K = 20


@dataclass(frozen=True, slots=True)
class Identification:
    """The answer to one search.

    Attributes:
        found: those above the threshold, best first; empty means unknown.
        reason: why there is an answer, or why the capture could not be searched for.
        threshold: what each candidate's confidence was held against, 0..1.
        gallery_size: how many people were compared with; 0 when nothing was.
    """

    found: tuple[Candidate, ...]
    reason: Reason
    threshold: float
    gallery_size: int
    liveness_score: float | None
    quality: Quality | None


class Identify:
    """One capture, the whole gallery."""

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        gallery: Gallery,
        policy: IdentifyPolicy,
        ledger: Ledger,
        clock: Clock,
        consent: ConsentRule = ConsentRule.OPTIONAL,
        meter: Meter = UNMEASURED,
    ) -> None:
        """Take what the search needs; `wiring` chooses the implementations."""
        self._analyzer = analyzer
        self._gallery = gallery
        self._policy = policy
        self._ledger = ledger
        self._clock = clock
        self._consent = consent
        self._meter = meter

    async def __call__(self, image: bytes, *, top_k: int, caller: Caller) -> Identification:
        """Search, record, and only then answer.

        (0) Admit the attempt, (1) analyse the capture, (2) refuse what isn't good or live,
        (3) search everybody, (4) keep whoever is above the threshold for a gallery of this size, (5) record.

        Raises:
            RequestInvalid: `top_k` is out of range.
            AttemptsExhausted: too many searches from this address found nobody.
            ImageRefused: the bytes are no picture that can be read.
            Unavailable: nothing was decided or the decision could not be recorded.
        """
        if not 1 <= top_k <= MAX_TOP_K:
            raise RequestInvalid("top_k_invalid", f"top_k must be 1 to {MAX_TOP_K}, not {top_k}")
        # (0)
        claim = Claim(None, caller.address)
        await self._ledger.admit(claim, at=self._clock.now())
        answer = await self._identify(image, top_k)
        # (5) Durable before anyone can act on it.
        best = answer.found[0] if answer.found else None
        outcome = Outcome.ACCEPT if best else Outcome.REJECT
        event = AuditEvent(
            ACTION,
            caller.actor,
            best.subject_id if best else None,
            outcome,
            answer.reason,
            self._clock.now(),
            {
                "gallery_size": answer.gallery_size,
                "found": len(answer.found),
                "match_evidence": round(best.match.evidence, 4) if best else None,
                "liveness": None if answer.liveness_score is None else round(answer.liveness_score, 4),
            },
        )
        with timed(self._meter, RECORD):
            await self._ledger.settle(event, claim, _result(answer.reason))
        self._meter.decided(
            Decided(
                ACTION,
                outcome,
                answer.reason,
                best.match.confidence if best else None,
                answer.liveness_score,
                None if answer.quality is None else answer.quality.overall,
            )
        )
        return answer

    async def _identify(self, image: bytes, top_k: int) -> Identification:
        # (1)
        try:
            evidence = await self._analyzer.analyze(image)
        except SampleRejected as rejection:
            return self._nobody(rejection.reason, None, rejection.quality)

        # (2) A photo held up to the camera must not find out whose photo it is.
        objection = self._policy.objection(evidence)
        if objection is not None:
            return self._nobody(objection, evidence.liveness.score, evidence.quality)

        # (3)
        with timed(self._meter, SEARCH):
            search = await self._gallery.search(evidence.embeddings, top_k=top_k)

        # (4)
        threshold = self._policy.threshold(search.gallery_size)
        at = self._clock.now()
        found = tuple(
            candidate
            for candidate in search.candidates
            if candidate.match.evidence >= threshold
            and not has_lapsed(candidate.consent_until, self._consent, at)
        )
        return Identification(
            found,
            Reason.LIVE_MATCH if found else Reason.NO_MATCH,
            confidence(threshold),
            search.gallery_size,
            evidence.liveness.score,
            evidence.quality,
        )

    def _nobody(self, reason: Reason, liveness: float | None, quality: Quality | None) -> Identification:
        return Identification((), reason, confidence(self._policy.threshold(0)), 0, liveness, quality)


def _result(reason: Reason) -> Result:
    if reason is Reason.LIVE_MATCH:
        return Result.SUCCESS
    return Result.FAILURE if reason in (Reason.NO_MATCH, Reason.SPOOF_SUSPECTED) else Result.NEITHER
