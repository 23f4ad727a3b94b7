"""Scores of an evaluation, with the group of each, as tallies.

A table with the columns `attribute,group,kind,score` and, best of all, `subject`: who the
probe is of. Kinds: `mated` and `nonmated` comparisons, scores on the scale of `confidence`;
`bona_fide` and `attack` presentations, scores of liveness. Without `subject` every row
counts as another person: the intervals are then too narrow where people come up twice.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from facekey.core.bias import Rate, Tallies, Tally
from facekey.core.errors import RequestInvalid

COLUMNS = ("attribute", "group", "kind", "score")
MOST_ROWS = 5_000_000


@dataclass(frozen=True, slots=True)
class Lines:
    """From where on a score passes."""

    match: float
    liveness: float


@dataclass(frozen=True, slots=True)
class _Kind:
    rate: Rate
    liveness: bool
    passing_is_error: bool


KINDS: Mapping[str, _Kind] = {
    "mated": _Kind(Rate.FNMR, liveness=False, passing_is_error=False),
    "nonmated": _Kind(Rate.FMR, liveness=False, passing_is_error=True),
    "bona_fide": _Kind(Rate.BPCER, liveness=True, passing_is_error=False),
    "attack": _Kind(Rate.APCER, liveness=True, passing_is_error=True),
}


def tallies_of_rows(rows: Iterable[Mapping[str, str | None]], lines: Lines) -> Tallies:
    """Count errors and trials by attribute, rate, group and subject.

    Raises:
        RequestInvalid: `evaluation_unreadable`; names the row.
    """
    counted: dict[tuple[str, Rate], dict[str, dict[str, Tally]]] = defaultdict(lambda: defaultdict(dict))
    for number, row in enumerate(rows, start=2):
        if number > MOST_ROWS:
            raise _unreadable(number, f"more than {MOST_ROWS} rows")
        attribute, group, kind = (_word(row, number, name) for name in COLUMNS[:3])
        if kind not in KINDS:
            raise _unreadable(number, f"kind is one of {', '.join(KINDS)}")
        about = KINDS[kind]
        score = _score(row, number)
        passed = score >= (lines.liveness if about.liveness else lines.match)
        people = counted[attribute, about.rate][group]
        subject = row.get("subject") or f"row {number}"
        before = people.get(subject, Tally(0, 0))
        people[subject] = Tally(before.errors + (passed is about.passing_is_error), before.trials + 1)
    return {
        key: {group: tuple(people.values()) for group, people in groups.items()}
        for key, groups in counted.items()
    }


def _word(row: Mapping[str, str | None], number: int, name: str) -> str:
    value = (row.get(name) or "").strip()
    if not 0 < len(value) <= 64 or not value.isprintable():
        raise _unreadable(number, f"{name} is missing or too long")
    return value


def _score(row: Mapping[str, str | None], number: int) -> float:
    try:
        score = float(row.get("score") or "")
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise _unreadable(number, "score is no finite number")
    return score


def _unreadable(number: int, what: str) -> RequestInvalid:
    return RequestInvalid("evaluation_unreadable", f"line {number} of the evaluation: {what}")
