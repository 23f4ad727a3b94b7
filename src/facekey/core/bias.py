"""Are error rates worse for one group of people than for the others? And is that more than chance?

The unit is the person, not the comparison: whoever is misjudged once is misjudged again,
so a thousand comparisons of ten people say little more than ten. From how much people
differ, the number of independent trials that would be as telling is estimated (the design
effect of a ratio of cluster totals; Kish, "Survey Sampling", 1965); without any error, when
that can't be seen, each person counts once. Intervals are Wilson's on those trials.

The rule of the alarm, for each rate and each group against all others of the attribute:

(1) there are at least 20 people on both sides, and 5 effective errors on both together;
(2) the group's rate is more than 1.25 times that of the others;
(3) were both rates equal, so many of the errors would be the group's with a probability
    below 1 % divided by the number of groups and rates looked at (exact and conditional on
    the errors of both; Bonferroni), so that one report in a hundred rings by chance.

Where (1) fails nothing is said but that there are not enough samples.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Z95 = 1.959964


class Rate(StrEnum):
    """An error rate, in the words of ISO/IEC 19795-1 and 30107-3."""

    FNMR = "fnmr"
    FMR = "fmr"
    FMR_LAX = "fmr_at_1_percent"
    """At the threshold that one stranger in a hundred passes: shows a shift long before `FMR` can."""
    BPCER = "bpcer"
    APCER = "apcer"


class Verdict(StrEnum):
    """What can be said of a group."""

    TOO_FEW_PEOPLE = "too_few_people"
    TOO_FEW_ERRORS = "too_few_errors"
    NOT_WORSE = "not_worse"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Tally:
    """One person's part in a rate."""

    errors: int
    trials: int


Tallies = Mapping[tuple[str, Rate], Mapping[str, Sequence[Tally]]]
"""By attribute and rate, then by group: one tally for each person."""


@dataclass(frozen=True, slots=True)
class BiasPolicy:
    """When there is enough to say something, and when to ring.

    Attributes:
        least_people: on both sides.
        least_errors: effective, on both sides together.
        worse: the ratio of rates above which a group counts as worse.
        chance: of a false alarm, in one whole report.
    """

    least_people: int = 20
    least_errors: float = 5.0
    worse: float = 1.25
    chance: float = 0.01


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate and how sure it is.

    Attributes:
        effective: trials that would be as telling if they were independent.
        low: of the 95 % interval.
        high: of the 95 % interval.
    """

    people: int
    trials: int
    errors: int
    effective: float
    rate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One group, one rate.

    Attributes:
        own: of the group; None where there are too few people.
        others: of all other groups of the attribute together.
        ratio: of the rates; None where it can't be told.
        chance: probability of so many errors of the group were both rates equal.
    """

    attribute: str
    group: str
    rate: Rate
    people: int
    verdict: Verdict
    own: Estimate | None = None
    others: Estimate | None = None
    ratio: float | None = None
    chance: float | None = None


def judge_groups(tallies: Tallies, policy: BiasPolicy) -> tuple[Finding, ...]:
    """A finding for each attribute, rate and group, in that order."""
    looked_at = sum(len(groups) for groups in tallies.values())
    findings = []
    for (attribute, rate), groups in sorted(tallies.items()):
        for group, own in sorted(groups.items()):
            others = [tally for name, some in groups.items() if name != group for tally in some]
            findings.append(_finding(attribute, group, rate, own, others, policy, looked_at))
    return tuple(findings)


def estimate(tallies: Sequence[Tally]) -> Estimate:
    """The rate over some people.

    Raises:
        ValueError: there was no trial.
    """
    seen = [tally for tally in tallies if tally.trials]
    trials, errors, people = sum(one.trials for one in seen), sum(one.errors for one in seen), len(seen)
    if not trials:
        raise ValueError("without a trial there is no rate")
    rate = errors / trials
    effective = _effective(seen, trials, rate)
    low, high = wilson(rate, effective)
    return Estimate(people, trials, errors, effective, rate, low, high)


def wilson(rate: float, trials: float) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927); honest also near 0 and 1."""
    middle = rate + Z95**2 / (2 * trials)
    spread = Z95 * math.sqrt(rate * (1 - rate) / trials + Z95**2 / (4 * trials**2))
    whole = 1 + Z95**2 / trials
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def chance_of(own: float, total: float, share: float) -> float:
    """Probability of at least `own` of `total` errors, each the group's own with probability `share`."""
    hits, count = math.floor(own), math.floor(total)
    if hits <= 0:
        return 1.0
    logs = [
        math.lgamma(count + 1)
        - math.lgamma(k + 1)
        - math.lgamma(count - k + 1)
        + k * math.log(share)
        + (count - k) * math.log1p(-share)
        for k in range(hits, count + 1)
    ]
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def _effective(tallies: Sequence[Tally], trials: int, rate: float) -> float:
    people = len(tallies)
    if people < 2 or not 0.0 < rate < 1.0:
        return float(people)
    spread = math.fsum((one.errors - rate * one.trials) ** 2 for one in tallies)
    variance = people / (people - 1) * spread / trials**2
    if variance == 0.0:
        return float(people)  # everybody is alike: nothing shows that trials of one person differ
    return max(1.0, min(float(trials), rate * (1 - rate) / variance))


def _finding(  # noqa: PLR0917 - what is looked at, and by which rule
    attribute: str,
    group: str,
    rate: Rate,
    own: Sequence[Tally],
    others: Sequence[Tally],
    policy: BiasPolicy,
    looked_at: int,
) -> Finding:
    sides = [[tally for tally in side if tally.trials] for side in (own, others)]
    people = len(sides[0])
    if min(map(len, sides)) < policy.least_people:
        return Finding(attribute, group, rate, people, Verdict.TOO_FEW_PEOPLE)
    mine, theirs, both = estimate(sides[0]), estimate(sides[1]), estimate([*sides[0], *sides[1]])
    # Were both rates equal, one design effect would hold for both sides.
    effect = max(1.0, both.trials / both.effective)
    errors, total = mine.errors / effect, both.errors / effect
    if total < policy.least_errors:
        return Finding(attribute, group, rate, people, Verdict.TOO_FEW_ERRORS, mine, theirs)
    ratio = mine.rate / theirs.rate if theirs.errors else math.inf
    chance = chance_of(errors, total, mine.trials / both.trials)
    worse = ratio > policy.worse and chance < policy.chance / looked_at
    verdict = Verdict.ALARM if worse else Verdict.NOT_WORSE
    return Finding(attribute, group, rate, people, verdict, mine, theirs, ratio, chance)
