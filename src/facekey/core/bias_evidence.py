"""Where the numbers of a bias report come from, in operation: only from what is known to be true.

FNMR    each enrolled photo against the other photos of the same person. The photos were
        accepted at the enrolment, so this sees how much people vary, not who gave up.
FMR     each person's photos against other people of the same group: different by enrolment.
BPCER   attempts refused as a spoof and followed within minutes by an accepted one of the
        same person, of these and all accepted ones. Whoever gave up isn't seen, and an
        attack just before a rightful login counts as an error: a lower and a rough bound.
APCER   can't be known in operation: nobody says that they attack. It needs test data.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np

from facekey.core.bias import Rate, Tallies, Tally
from facekey.core.matching import Matcher
from facekey.core.ports.bias import Labelled, Seen
from facekey.core.types import Embedding, Reason, References, Template

LAX = 2.0  # decades: the threshold that one stranger in a hundred passes
FOLLOWED = timedelta(minutes=10)
COMPARED_WITH = 20  # other people of the group, for each person


def tallies_of(
    people: Sequence[Labelled], decisions: Sequence[Seen], *, matcher: Matcher, match_threshold: float
) -> Tallies:
    """Count, for each attribute, rate and group, each person's errors and trials.

    Pure and bounded: about `COMPARED_WITH` comparisons for each photo and attribute.
    """
    liveness = _liveness(decisions)
    counted: dict[tuple[str, Rate], dict[str, list[Tally]]] = defaultdict(lambda: defaultdict(list))
    fnmr = {one.pseudonym: _non_matches(one.template, matcher, match_threshold) for one in people}
    for attribute in sorted({attribute for one in people for attribute in one.labels}):
        for group, members in _grouped(people, attribute).items():
            for place, one in enumerate(members):
                counted[attribute, Rate.FNMR][group].append(fnmr[one.pseudonym])
                counted[attribute, Rate.BPCER][group].append(liveness.get(one.pseudonym, Tally(0, 0)))
                others = [members[(place + step) % len(members)] for step in range(1, len(members))]
                evidence = _strangers(one.template, others[:COMPARED_WITH], matcher)
                for rate, threshold in ((Rate.FMR, match_threshold), (Rate.FMR_LAX, LAX)):
                    passed = sum(value >= threshold for value in evidence)
                    counted[attribute, rate][group].append(Tally(passed, len(evidence)))
    return counted


def _grouped(people: Iterable[Labelled], attribute: str) -> dict[str, list[Labelled]]:
    groups: dict[str, list[Labelled]] = defaultdict(list)
    for one in people:
        if attribute in one.labels:
            groups[one.labels[attribute]].append(one)
    return groups


def _photos(template: Template) -> list[tuple[Embedding, ...]]:
    count = min(len(one.vectors) for one in template.references)
    return [
        tuple(Embedding(one.vectors[place], one.model) for one in template.references)
        for place in range(count)
    ]


def _non_matches(template: Template, matcher: Matcher, threshold: float) -> Tally:
    photos = _photos(template)
    if len(photos) < 2:
        return Tally(0, 0)
    errors = 0
    for place, photo in enumerate(photos):
        others = tuple(
            References(one.model, np.delete(one.vectors, place, axis=0)) for one in template.references
        )
        errors += matcher.compare(photo, Template(template.subject_id, others)).evidence < threshold
    return Tally(int(errors), len(photos))


def _strangers(template: Template, others: Sequence[Labelled], matcher: Matcher) -> list[float]:
    # One photo of theirs against each: more of the same two people would say little more.
    photos = _photos(template)
    return [
        matcher.compare(photos[place % len(photos)], other.template).evidence
        for place, other in enumerate(others)
    ]


def _liveness(decisions: Sequence[Seen]) -> dict[str, Tally]:
    by_person: dict[str, list[Seen]] = defaultdict(list)
    for seen in decisions:
        by_person[seen.pseudonym].append(seen)
    return {pseudonym: _attempts(seen) for pseudonym, seen in by_person.items()}


def _attempts(seen: Sequence[Seen]) -> Tally:
    ordered = sorted(seen, key=lambda one: one.at)
    accepted = [one.at for one in ordered if one.reason == Reason.LIVE_MATCH]
    errors = sum(
        any(one.at < at <= one.at + FOLLOWED for at in accepted)
        for one in ordered
        if one.reason == Reason.SPOOF_SUSPECTED
    )
    return Tally(errors, errors + len(accepted))
