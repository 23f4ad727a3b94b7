"""Authenticate (1:1): is the person in front of the camera the one they claim to be?"""

from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.errors import SampleRejected
from facekey.core.matching import Matcher
from facekey.core.policy import AuthenticatePolicy
from facekey.core.ports import Analyzer, AuditLog, Clock, Decoy, Templates
from facekey.core.types import Decision, Evidence, SubjectId

UNKNOWN_SUBJECT = "unknown_subject"
"""On record when the id doesn't exist; the client sees an ordinary `no_match`."""


class Authenticate:
    """One capture, one claimed person, one decision."""

    def __init__(
        self,
        *,
        analyzer: Analyzer,
        templates: Templates,
        decoy: Decoy,
        matcher: Matcher,
        policy: AuthenticatePolicy,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        """Take what the decision needs; `wiring.py` chooses the implementations."""
        self._analyzer = analyzer
        self._templates = templates
        self._decoy = decoy
        self._matcher = matcher
        self._policy = policy
        self._audit = audit
        self._clock = clock

    async def __call__(self, subject_id: SubjectId, image: bytes) -> Decision:
        """Decide, record, and only then answer.

        (1) analyse the capture, (2) load the person's template, (3) compare and decide,
        (4) write the audit record.

        Raises:
            ImageRefused: the bytes are no picture that can be read.
            Unavailable: nothing was decided, or the decision could not be recorded and
                was therefore withheld.
        """
        # (1) Analyse first, so that an unknown id takes about as long as a known one.
        try:
            evidence = await self._analyzer.analyze(image)
        except SampleRejected as rejection:
            decision = self._policy.unjudged(rejection.reason, rejection.quality)
            await self._record(subject_id, decision, on_record=str(decision.reason), details={})
            return decision

        # (2) An unknown id is compared with a decoy: callers can't list who is enrolled. It is
        # made for every id, since making it takes time.
        template = await self._templates.get(subject_id)
        decoy = self._decoy.template(subject_id)
        known = template is not None

        # (3) Compare and decide. Thresholds live in the policy and nowhere else.
        match = self._matcher.compare(evidence.embeddings, decoy if template is None else template)
        decide = self._policy.decide if known else self._policy.decide_unclaimed
        decision = decide(match, evidence)

        # (4) Durable before anyone can act on it.
        details = {**_details(evidence), "match_evidence": round(match.evidence, 4)}
        on_record = str(decision.reason) if known else UNKNOWN_SUBJECT
        await self._record(subject_id, decision, on_record=on_record, details=details)
        return decision

    async def _record(
        self, subject_id: SubjectId, decision: Decision, *, on_record: str, details: dict[str, AuditValue]
    ) -> None:
        await self._audit.append(
            AuditEvent("authenticate", subject_id, decision.outcome, on_record, self._clock.now(), details)
        )


def _details(evidence: Evidence) -> dict[str, AuditValue]:
    return {
        "liveness": round(evidence.liveness.score, 4),
        "quality": round(evidence.quality.overall, 4),
        "models": ",".join(embedding.model for embedding in evidence.embeddings),
    }
