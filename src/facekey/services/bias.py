"""Bias: report error rates by declared group, and ring when one group is worse off."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from facekey.core.audit import AuditEvent, AuditValue
from facekey.core.bias import BiasPolicy, Finding, Verdict, judge_groups
from facekey.core.bias_evidence import tallies_of
from facekey.core.matching import Matcher
from facekey.core.ports.audit import AuditLog
from facekey.core.ports.bias import LabelledPeople
from facekey.core.ports.clocks import Clock

ACTOR = "system"
FRESH = timedelta(hours=1)
LOOKS_BACK = timedelta(days=90)  # for attempts
RINGS_AGAIN = timedelta(days=7)
MOST_PEOPLE = 2000
MOST_RECORDS = 200_000


@dataclass(frozen=True, slots=True)
class BiasReport:
    """What could be said at one moment.

    Attributes:
        people: who declared groups, consented, and were counted.
        findings: for each attribute, rate and group.
    """

    at: datetime
    people: int
    findings: tuple[Finding, ...]


class MonitorBias:
    """Makes reports, keeps the last one, and puts new alarms on record."""

    def __init__(
        self,
        *,
        people: LabelledPeople,
        matcher: Matcher,
        match_threshold: float,
        audit: AuditLog,
        clock: Clock,
        policy: BiasPolicy | None = None,
    ) -> None:
        """Take what operation knows, and the rule of the alarm."""
        self._people = people
        self._matcher = matcher
        self._match_threshold = match_threshold
        self._audit = audit
        self._clock = clock
        self._policy = policy or BiasPolicy()
        self._one_at_a_time = asyncio.Lock()
        self._last: BiasReport | None = None

    @property
    def last(self) -> BiasReport | None:
        """The last report of this process, however old; None before the first."""
        return self._last

    async def __call__(self) -> BiasReport:
        """A report of the last hour; made now when there is none. Alarms in it are on record.

        Raises:
            KeyUnavailable, SealBroken: somebody's labels or template can't be opened.
            StoreUnavailable: the store did not answer.
        """
        async with self._one_at_a_time:
            if self._last is None or self._clock.now() - self._last.at >= FRESH:
                report = await self._report()
                await self._ring(report)
                self._last = report
            return self._last

    async def _report(self) -> BiasReport:
        at = self._clock.now()
        people = [one async for one in self._people.people(at=at, most=MOST_PEOPLE)]
        names = frozenset(one.pseudonym for one in people)
        decisions = (
            await self._people.decisions(names, since=at - LOOKS_BACK, most=MOST_RECORDS) if names else ()
        )
        # Seconds of arithmetic for thousands of people: not on the loop that answers requests.
        tallies = await asyncio.to_thread(
            tallies_of,
            people,
            decisions,
            matcher=self._matcher,
            match_threshold=self._match_threshold,
        )
        return BiasReport(at, len(people), judge_groups(tallies, self._policy))

    async def _ring(self, report: BiasReport) -> None:
        alarms = [finding for finding in report.findings if finding.verdict is Verdict.ALARM]
        known = await self._people.alarms(since=report.at - RINGS_AGAIN) if alarms else frozenset()
        for finding in alarms:
            if (finding.attribute, finding.group, str(finding.rate)) not in known:
                await self._audit.append(
                    AuditEvent(
                        "bias_alarm", ACTOR, None, "worse", "group_worse", report.at, _details(finding)
                    )
                )


def _details(finding: Finding) -> dict[str, AuditValue]:
    return {
        "attribute": finding.attribute,
        "group": finding.group,
        "measure": str(finding.rate),
        # Infinite where the others have no error at all, and JSON has no such number.
        "ratio": None if finding.ratio is None else round(min(finding.ratio, 1e6), 3),
        "chance": None if finding.chance is None else float(f"{finding.chance:.3g}"),
        "people": finding.people,
    }
