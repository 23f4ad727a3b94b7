"""Identification (1:N), open set: who is this, if it is anybody who is enrolled?

FPIR: the share of searches by people who aren't enrolled that give a name. FNIR at rank R:
the share of searches by enrolled people whose own name isn't among the first R that reach the
threshold (ISO/IEC 19795-1; NIST FRVT 1:N).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekey.core.policy import IdentifyPolicy
from facekey.core.types import Floats
from facekey.evaluation.acquisition import acquisition
from facekey.evaluation.engine import Engine
from facekey.evaluation.material import Acquired, by_person
from facekey.evaluation.rates import Marks, Share, share
from facekey.evaluation.rates import by_person as share_by_person
from facekey.evaluation.report import Figure, Line, Section, Table, written
from facekey.evaluation.report import rate as spoken
from facekey.evaluation.scoring import Scorer, rows_of, templates
from facekey.evaluation.wrong import unusable

RANKS = (1, 5, 20)
FALSE_POSITIVES = (1e-1, 1e-2, 1e-3)
BLOCK = 1024
FEWEST = 5


@dataclass(frozen=True, slots=True)
class Split:
    """Who is enrolled with which pictures, and who searches."""

    enrolled: dict[str, list[str]]
    mated: list[str]
    nonmated: list[str]


@dataclass(frozen=True, slots=True)
class Searched:
    """What searches gave, for one system.

    Attributes:
        best: (S,) the highest evidence of anybody.
        own: (S,) evidence of the searcher's own template; NaN of those who aren't enrolled.
        rank: (S,) how many others come before the own template; -1 of those who aren't enrolled.
    """

    best: Floats = field(repr=False)
    own: Floats = field(repr=False)
    rank: NDArray[np.int64] = field(repr=False)


def split(names: list[str], enrol: int) -> Split:
    """Whoever has more than `enrol` pictures is enrolled with the first and searches with the rest.

    Raises:
        RequestInvalid: there are too few of either.
    """
    people = by_person(names)
    enrolled = {person: photos[:enrol] for person, photos in people.items() if len(photos) > enrol}
    mated = [name for person in enrolled for name in people[person][enrol:]]
    nonmated = [name for person, photos in people.items() if person not in enrolled for name in photos]
    if len(enrolled) < FEWEST or len(nonmated) < FEWEST:
        raise unusable(
            f"with {enrol} photos enrolled there are {len(enrolled)} people with one more, and "
            f"{len(nonmated)} pictures of others; it takes {FEWEST} of each"
        )
    return Split(enrolled, mated, nonmated)


def identify(
    got: Acquired, engine: Engine, *, enrol: int, false_positive_rate: float, title: str, key: str
) -> Section:
    """Search with every picture that isn't enrolled.

    Args:
        got: one folder for each person.
        engine: what judges.
        enrol: photos in a template.
        false_positive_rate: the deployment's, of a whole search.
        title: of the section.
        key: of the section.

    Raises:
        RequestInvalid: there are too few people.
    """
    scorer = Scorer(engine.matcher, engine.calibrations)
    who = split(got.judged, enrol)
    searched = _search(got, who, scorer)
    policy = IdentifyPolicy(engine.match_evidence, false_positive_rate, engine.liveness_threshold)
    size = len(who.enrolled)
    before, table = acquisition(got, engine)
    figures, rows = list(before), []
    stranger = searched[scorer.systems[0]].rank < 0
    owners = [name.split("/")[0] for name in who.mated]
    for system, found in searched.items():
        made, lines = _figures(found, stranger, owners, system, policy.threshold(size))
        figures += made
        rows += lines
    return Section(
        key,
        title,
        (
            f"Open set. Enrolled: {size:,} people with {enrol} photos each (the first by name of everybody "
            f"who has more). Searches: {len(who.mated):,} other pictures of them, and "
            f"{len(who.nonmated):,} pictures of {len(by_person(who.nonmated)):,} people who are not "
            "enrolled. Pictures that the pipeline sends back take no part; they are counted first.",
            f"The deployment's own threshold for {size:,} enrolled people: evidence "
            f"{policy.threshold(size):.2f}, which is meant to let {false_positive_rate:g} of the searches "
            "by strangers name somebody.",
            "Intervals: FPIR Wilson, 95 %, each search for itself; FNIR by drawing the enrolled people anew.",
        ),
        tuple(figures),
        got.manifest_sha256,
        len(got.captures),
        (
            table,
            Table(
                "Missed at a rate of false alarms (FNIR)",
                ("system, FPIR", *(f"rank {rank}" for rank in RANKS), "threshold"),
                tuple(rows),
            ),
        ),
        notes=(
            "With cards whose calibration was measured on the same data, the false alarm rate at the "
            "deployment's threshold is what was promised on data already seen.",
        ),
    )


def _search(got: Acquired, who: Split, scorer: Scorer) -> dict[str, Searched]:
    rows = templates([got.stack(photos) for photos in who.enrolled.values()])
    index = {person: number for number, person in enumerate(who.enrolled)}
    names = [*who.mated, *who.nonmated]
    owner = np.array([index.get(name.split("/")[0], -1) for name in names])
    stack = got.stack(names)
    parts: dict[str, list[Searched]] = {system: [] for system in scorer.systems}
    for start in range(0, len(names), BLOCK):
        some = slice(start, start + BLOCK)
        mine = owner[some]
        for system, scores in scorer.crossed(rows, rows_of(stack, some)).items():
            own = np.where(mine >= 0, scores[np.maximum(mine, 0), np.arange(len(mine))], np.nan)
            before = (scores > own[None, :]).sum(axis=0)  # NaN: nobody comes before
            parts[system].append(Searched(scores.max(axis=0), own, np.where(mine >= 0, before, -1)))
    return {
        system: Searched(
            *(np.concatenate([getattr(part, name) for part in some]) for name in ("best", "own", "rank"))
        )
        for system, some in parts.items()
    }


def _figures(
    found: Searched, stranger: Marks, owners: list[str], system: str, threshold: float
) -> tuple[list[Figure], list[tuple[str, ...]]]:
    figures, rows = [], []
    strangers = np.sort(found.best[stranger])
    fpir = share(int((strangers >= threshold).sum()), len(strangers))
    figures.append(
        Figure.of(
            "fpir_at_threshold",
            "searches by strangers that name somebody, deployment's threshold",
            system,
            Line.PIPELINE,
            fpir,
            threshold=threshold,
        )
    )
    missed = _missed(found, stranger, owners, threshold, 1)
    figures.append(
        Figure.of(
            "fnir_at_threshold",
            "enrolled people not named first, deployment's threshold",
            system,
            Line.PIPELINE,
            missed,
            threshold=threshold,
        )
    )
    figures.append(
        Figure.of(
            "rank1_miss",
            "enrolled people not nearest to themselves (closed set)",
            system,
            Line.PIPELINE,
            _missed(found, stranger, owners, -np.inf, 1),
        )
    )
    for rate in FALSE_POSITIVES:
        allowed = int(np.floor(rate * len(strangers)))
        if allowed < 1:
            continue
        line = float(np.nextafter(strangers[len(strangers) - allowed - 1], np.inf))
        at_ranks = [_missed(found, stranger, owners, line, rank) for rank in RANKS]
        rows.append((f"{system}, {spoken(rate)}", *(written(one) for one in at_ranks), f"{line:.2f}"))
        figures += [
            Figure.of(
                "fnir_at_fpir",
                f"enrolled people missed at FPIR {spoken(rate)}, rank {rank}",
                system,
                Line.PIPELINE,
                one,
                at=rate,
                threshold=line,
            )
            for rank, one in zip(RANKS, at_ranks, strict=True)
            if rank == 1
        ]
    return figures, rows


def _missed(found: Searched, stranger: Marks, owners: list[str], threshold: float, rank: int) -> Share:
    wrong = (found.own[~stranger] < threshold) | (found.rank[~stranger] >= rank)
    whose = np.unique(owners, return_inverse=True)[1]
    return share_by_person(
        np.bincount(whose, weights=wrong).astype(int).tolist(), np.bincount(whose).tolist()
    )
