"""Judge a session: all that a live stream saw, to one decision that is on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from facekey.core.attempts import Claim, Result
from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.caller import Caller
from facekey.core.consent import ConsentRule, why_absent
from facekey.core.faults import PUBLIC, Fault
from facekey.core.matching import Match, Matcher
from facekey.core.policy import AuthenticatePolicy
from facekey.core.pooling import pool
from facekey.core.ports.adaptation import Learning
from facekey.core.ports.attempts import Ledger
from facekey.core.ports.audit import Receipt
from facekey.core.ports.clocks import Clock
from facekey.core.ports.measures import Decided, Meter
from facekey.core.ports.shadow import Shadow, ShadowCase
from facekey.core.ports.spoofs import SpoofWitness
from facekey.core.ports.subjects import Decoy, Templates
from facekey.core.ports.vision import Watcher
from facekey.core.spoofs import SpoofCase
from facekey.core.types import Decision, Evidence, Glimpse, Outcome, Reason, SubjectId, Template
from facekey.services.judge_claim import JudgeClaim, Shown
from facekey.services.timed import COMPARE, LOAD, RECORD, timed

ACTION = "authenticate_stream"
SEQUENCE = "sequence"  # the stage that judges all frames together

ABANDONED = "abandoned"
"""On record when the client went away after it was asked to do something."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What there is to say of a session at its end.

    Attributes:
        claim: what the attempt is counted under.
        glimpses: all frames that were kept.
        windows: the parts of them that must each be the person: at rest, and for each answer.
        challenged: something was asked of the person.
        details: for the record.
        image: the last frame, encoded; empty when there was none.
    """

    subject_id: SubjectId
    claim: Claim
    caller: Caller
    glimpses: tuple[Glimpse, ...] = field(repr=False)
    windows: Sequence[tuple[Glimpse, ...]] = field(repr=False)
    challenged: bool
    details: Mapping[str, AuditValue]
    image: bytes = field(repr=False)


class JudgeSession:
    """Ends a session, one way or another; nothing is told that isn't on record."""

    def __init__(
        self,
        *,
        watcher: Watcher,
        templates: Templates,
        decoy: Decoy,
        matcher: Matcher,
        policy: AuthenticatePolicy,
        ledger: Ledger,
        clock: Clock,
        learning: Learning | None,
        consent: ConsentRule,
        meter: Meter,
        witness: SpoofWitness,
        shadow: Shadow,
    ) -> None:
        """Take what a decision needs."""
        self._watcher = watcher
        self._templates = templates
        self._decoy = decoy
        self._matcher = matcher
        self._policy = policy
        self._ledger = ledger
        self._clock = clock
        self._consent = consent
        self._meter = meter
        self._witness = witness
        self._shadow = shadow
        self._judge = JudgeClaim(policy, learning, clock)

    async def __call__(self, watched: Watched) -> Decision:
        """Compare, decide, record, and only then answer.

        (1) Liveness over all frames. (2) The frames that answered, and the resting ones,
        against the template; an unknown id meets a decoy, which is made for every id.
        (3) Record. (4) Let adaptation learn; the decision stands whatever comes of it.

        Raises:
            Unavailable: nothing was decided, or the decision could not be recorded and was
                therefore withheld.
        """
        subject_id = watched.subject_id
        # (1)
        with timed(self._meter, SEQUENCE):
            liveness = await self._watcher.liveness(watched.glimpses)
        # (2)
        with timed(self._meter, LOAD):
            template = await self._templates.get(subject_id)
            decoy = self._decoy.template(subject_id)
        absent = why_absent(template, self._consent, self._clock.now())
        reference = decoy if template is None or absent is not None else template
        evidence = replace(_clearest(watched.windows[0]), liveness=liveness)
        with timed(self._meter, COMPARE):
            judged = await self._judge(
                Shown(
                    subject_id,
                    evidence,
                    anchor=self._pooled(watched, reference),
                    current=self._pooled(watched, reference.current()),
                    known=absent is None,
                    challenged=watched.challenged,
                )
            )
        decision = judged.decision
        # (3)
        details: dict[str, AuditValue] = {
            "liveness": round(liveness.score, 4),
            **judged.details,
            "told": str(decision.reason),
            "models": ",".join(embedding.model for embedding in evidence.embeddings),
        }
        on_record = absent or str(decision.reason)
        claim = replace(watched.claim, enrolment=None if template is None else template.enrolment)
        receipt = await self._record(replace(watched, claim=claim), decision.outcome, on_record, details)
        self._decided(decision, watched, receipt, known=absent is None, enrolment=claim.enrolment)
        self._shadow.watch(ShadowCase(watched.image, reference, decoy, decision.reason))
        # (4)
        await self._judge.learn(judged)
        return decision

    async def refuse(self, watched: Watched, fault: Fault) -> Decision:
        """End it without a comparison; the record says why, the answer says less.

        Raises:
            StoreUnavailable: it could not be recorded.
        """
        decision = self._policy.unjudged(PUBLIC[fault], None)
        receipt = await self._record(watched, decision.outcome, str(fault), {})
        self._decided(decision, watched, receipt)
        return decision

    async def abandoned(self, watched: Watched) -> None:
        """Put on record that the client went away.

        Raises:
            StoreUnavailable: it could not be recorded.
        """
        await self._record(watched, Outcome.RETRY, ABANDONED, {})
        self._meter.decided(Decided(ACTION, Outcome.RETRY, ABANDONED))

    def _decided(
        self,
        decision: Decision,
        watched: Watched,
        receipt: Receipt,
        *,
        known: bool = True,
        enrolment: str | None = None,
    ) -> None:
        self._meter.decided(Decided.of(ACTION, decision))
        if decision.reason is Reason.SPOOF_SUSPECTED:
            at, subject_id = self._clock.now(), watched.subject_id
            self._witness.keep(
                SpoofCase(receipt.sequence, subject_id, at, watched.image, known=known, enrolment=enrolment)
            )

    def _pooled(self, watched: Watched, reference: Template) -> Match:
        return pool(
            [
                [self._matcher.compare(one.evidence.embeddings, reference) for one in window]
                for window in watched.windows
            ]
        )

    async def _record(
        self, watched: Watched, outcome: Outcome, reason: str, details: Mapping[str, AuditValue]
    ) -> Receipt:
        at, actor = self._clock.now(), watched.caller.actor
        said = {**watched.details, **details}
        event = AuditEvent(ACTION, actor, watched.subject_id, outcome, reason, at, said)
        result = Result.SUCCESS if outcome is Outcome.ACCEPT else Result.FAILURE
        with timed(self._meter, RECORD):
            return await self._ledger.settle(event, watched.claim, result)


def _clearest(glimpses: Sequence[Glimpse]) -> Evidence:
    return max((one.evidence for one in glimpses), key=lambda evidence: evidence.quality.overall)
