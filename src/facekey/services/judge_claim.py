"""Judge a claim: the comparison with a template, with or without what adaptation learned."""

from dataclasses import dataclass, field

from facekey.core.adaptation import LiveAttempt, circumstances
from facekey.core.audit import AuditValue
from facekey.core.matching import Match
from facekey.core.policy import AuthenticatePolicy
from facekey.core.ports.adaptation import Learning
from facekey.core.ports.clocks import Clock
from facekey.core.types import Decision, Evidence, Outcome, SubjectId


@dataclass(frozen=True, slots=True)
class Shown:
    """What a claim is judged by.

    Attributes:
        evidence: of the clearest capture, with the liveness of all.
        anchor: the match with the photos of the enrolment, or with a decoy's.
        current: the match with the template as it is now.
        known: there is somebody of the claimed id.
        challenged: the person did what was asked of them.
    """

    subject_id: SubjectId
    evidence: Evidence
    anchor: Match
    current: Match
    known: bool
    challenged: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision, and what of it goes on record beside it.

    Attributes:
        attempt: what may be learned from it once it is on record; None when nothing is.
    """

    decision: Decision
    details: dict[str, AuditValue]
    attempt: LiveAttempt | None = field(repr=False)


class JudgeClaim:
    """Decides by the enrolment alone; or, with adaptation, by what was learned within it."""

    def __init__(self, policy: AuthenticatePolicy, learning: Learning | None, clock: Clock) -> None:
        """Without `learning`, what a template holds beside its enrolment doesn't count."""
        self._policy = policy
        self._learning = learning
        self._clock = clock

    async def __call__(self, shown: Shown) -> Judged:
        """Judge.

        Raises:
            KeyUnavailable, SealBroken, StoreUnavailable: the person's own bar is not known.
        """
        policy = self._policy
        if self._learning is None:
            decide = policy.decide if shown.known else policy.decide_unclaimed
            details: dict[str, AuditValue] = {"match_evidence": round(shown.anchor.evidence, 4)}
            return Judged(decide(shown.anchor, shown.evidence), details, None)
        # Asked for every id, known or not: an answer must not tell by its time who is enrolled.
        under = circumstances("stream" if shown.challenged else "image", shown.current)
        bar = await self._learning.bar(shown.subject_id, under)
        details = {
            "match_evidence": round(shown.current.evidence, 4),
            "anchor_evidence": round(shown.anchor.evidence, 4),
            "bar": round(bar, 4),
        }
        if not shown.known:
            return Judged(policy.decide_unclaimed(shown.current, shown.evidence), details, None)
        decision = policy.decide_learned(shown.current, shown.anchor, shown.evidence, bar=bar)
        return Judged(decision, details, self._attempt(shown, decision, under))

    async def learn(self, judged: Judged) -> None:
        """Let adaptation learn from a decision that is on record. Never fails it."""
        if self._learning is not None and judged.attempt is not None:
            await self._learning.learn(judged.attempt)

    def _attempt(self, shown: Shown, decision: Decision, under: str) -> LiveAttempt | None:
        evidence = shown.evidence
        if evidence.quality.reasons or not evidence.liveness.score >= self._policy.liveness_threshold:
            return None
        return LiveAttempt(
            shown.subject_id,
            under,
            shown.current.evidence,
            shown.anchor.evidence,
            evidence.embeddings,
            evidence.liveness.score,
            self._policy.liveness_threshold,
            evidence.quality.overall,
            challenged=shown.challenged,
            accepted=decision.outcome is Outcome.ACCEPT,
            at=self._clock.now(),
        )
