"""Verification (1:1): are these two pictures one person?

(1) A published list of pairs: accuracy over its folds, EER, AUC, and what is missed at false
match rates that so many pairs can show. (2) All pairs of the pictures, where people are
known: false match rates down to one in 100,000. (3) Templates of several photos, as the
product enrols people, at the thresholds that the cards promise.
"""

from collections.abc import Sequence

import numpy as np

from facekey.core.calibration import evidence_of_fmr
from facekey.core.metrics import area_under_roc, equal_error_rate
from facekey.core.types import Floats
from facekey.evaluation.acquisition import acquisition
from facekey.evaluation.engine import Engine
from facekey.evaluation.material import Acquired, by_person
from facekey.evaluation.pairs import Pair
from facekey.evaluation.rates import (
    AtRate,
    Compared,
    Indices,
    Marks,
    accuracy,
    fnmr_at,
    histogram,
    require_both,
    share,
    trade_off,
)
from facekey.evaluation.rates import by_person as share_by_person
from facekey.evaluation.report import MEANT, Drawn, Failure, Figure, Line, Section, percent, rate
from facekey.evaluation.scoring import Scorer, rows_of, templates
from facekey.evaluation.wrong import unusable

RATES = (1e-2, 1e-3, 1e-4, 1e-5)
PROMISED = (1e-3, 1e-4, 1e-5)
BLOCK_ROWS = 512
MOST_PICTURES = 20_000  # 200 million pairs, 0.8 GB for each system
FAILURES = 12  # of each kind
ENROLLED_PHOTOS = 5
FEWEST_TEMPLATES = 5

WHOLE = (
    "Every picture goes through the whole pipeline (decode, detect, choose the subject, mesh, quality "
    "gate, liveness, embed). Nobody is accepted with a picture that it sends back, which is wrong in a "
    "pair of one person and right in one of two (the generalised rates of ISO/IEC 19795-1).",
    "A data set names one person a picture, also where several stand side by side: the most prominent "
    "face is taken, and how often the product would rather ask for another picture is counted apart.",
    "Liveness is measured and not applied: a spoof verdict changes no figure of recognition.",
)
ALIGNED = (
    "The pictures are aligned crops: detection, quality gate and liveness were skipped, so these figures "
    "are of recognition alone and say nothing of how many pictures the product would send back.",
)


def verify_pairs(
    got: Acquired, pairs: Sequence[Pair], engine: Engine, *, title: str, key: str, aligned: bool = False
) -> Section:
    """(1): through the whole pipeline, and by recognition alone; aligned crops by the latter only.

    Raises:
        RequestInvalid: pairs of one kind are missing.
    """
    scorer = Scorer(engine.matcher, engine.calibrations)
    mated = np.array([pair.mated for pair in pairs])
    fold = np.array([pair.fold for pair in pairs])
    before, table = acquisition(got, engine)
    figures: list[Figure] = [] if aligned else list(before)
    drawn: list[Drawn] = []
    failures: tuple[Failure, ...] = ()
    lines = (Line.RECOGNITION,) if aligned else (Line.PIPELINE, Line.RECOGNITION)
    for line in lines:
        scored = pair_scores(got, pairs, scorer, line)
        for system, scores in scored.items():
            require_both(scores, mated, "in the list")
            figures += _pair_figures(scores, mated, fold, system=system, line=line, engine=engine)
            if line is lines[0]:
                drawn.append(_draw(_compared(scores, mated), system, engine))
        if line is lines[0]:
            failures = _failures(pairs, scored[scorer.systems[0]], engine)
    folds = len(np.unique(fold))
    return Section(
        key,
        title,
        (
            f"{len(pairs):,} pairs ({int(mated.sum()):,} of one person, {int((~mated).sum()):,} of two) in "
            f"{folds} folds; in each fold the threshold that was best on the others.",
            *(ALIGNED if aligned else WHOLE),
            "Intervals: Wilson, 95 %, each pair counting for itself.",
        ),
        tuple(figures),
        got.manifest_sha256,
        len(got.captures),
        () if aligned else (table,),
        tuple(drawn),
        failures,
        _rates_note(int((~mated).sum())),
    )


def pair_scores(got: Acquired, pairs: Sequence[Pair], scorer: Scorer, line: Line) -> dict[str, Floats]:
    """Evidence for each system, (N,) float32; NaN where a pair couldn't be compared."""
    able = set(got.judged if line is Line.PIPELINE else got.found)
    can = np.array([pair.left in able and pair.right in able for pair in pairs])
    chosen = [pair for pair, seen in zip(pairs, can, strict=True) if seen]
    scores = {system: np.full(len(pairs), np.nan, dtype=np.float32) for system in scorer.systems}
    if chosen:
        left = got.stack([pair.left for pair in chosen])
        right = got.stack([pair.right for pair in chosen])
        for system, values in scorer.paired(left, right).items():
            scores[system][can] = values
    return scores


def verify_all(got: Acquired, engine: Engine, *, title: str, key: str) -> Section:
    """(2): all pairs of the pictures that the product would compare; every person has a folder.

    Raises:
        RequestInvalid: there are too many pictures, or not two people, or nobody has two pictures.
    """
    scorer = Scorer(engine.matcher, engine.calibrations)
    names = got.judged
    if len(names) > MOST_PICTURES:
        raise unusable(
            f"{len(names):,} pictures; all pairs of up to {MOST_PICTURES:,} can be compared at once"
        )
    people = by_person(names)
    if len(people) < 2 or all(len(photos) < 2 for photos in people.values()):
        raise unusable("all pairs need two people or more, and somebody with two pictures")
    ordered = [name for photos in people.values() for name in photos]
    whose: Indices = np.repeat(
        np.arange(len(people), dtype=np.int32), [len(photos) for photos in people.values()]
    )
    pictures = np.array([len(photos) for photos in people.values()])
    scored, first, second, same = _all_scores(got, ordered, whose, scorer)
    mated_person = whose[first[same]]
    strangers = np.column_stack([whose[first[~same]], whose[second[~same]]])
    most = float(np.bincount(mated_person).max() / len(mated_person))
    figures, drawn = [], []
    for system, scores in scored.items():
        compared = Compared(scores[same], scores[~same], mated_person, strangers, pictures)
        figures += [_at_rate(found, system, Line.PIPELINE) for found in fnmr_at(compared, RATES)]
        figures.append(_tar(compared.mated, mated_person, system, engine))
        drawn.append(_draw(compared, system, engine))
    deciding = scored[scorer.systems[0]]
    worst = _worst_of_all(deciding, same, (first, second), ordered, engine)
    return Section(
        key,
        title,
        (
            f"All pairs of the {len(ordered):,} pictures of {len(people):,} people that the pipeline "
            f"judges: {int(same.sum()):,} of one person, {int((~same).sum()):,} of two. Thresholds are "
            "those that the given share of the pairs of two people reaches.",
            "Intervals: 95 %, people drawn anew with all their pictures (bootstrap, 500 draws, threshold "
            "and misses worked out for each); one odd picture spoils many pairs, so pairs are not "
            "independent.",
        ),
        tuple(figures),
        got.manifest_sha256,
        len(got.captures),
        (),
        tuple(drawn),
        worst,
        (f"Pairs share people: whoever has most pictures has {percent(most)} of the pairs of one person.",),
    )


def verify_templates(got: Acquired, engine: Engine, *, title: str, key: str) -> Section | None:
    """(3): the first five pictures of a person enrolled, the rest of the person and everybody else try.

    None where fewer than five people have six pictures.
    """
    scorer = Scorer(engine.matcher, engine.calibrations)
    people = by_person(got.judged)
    enrolled = {one: photos for one, photos in people.items() if len(photos) > ENROLLED_PHOTOS}
    if len(enrolled) < FEWEST_TEMPLATES:
        return None
    first = {one: photos[:ENROLLED_PHOTOS] for one, photos in enrolled.items()}
    rows = templates([got.stack(photos) for photos in first.values()])
    used = {name for photos in first.values() for name in photos}
    ordered = [name for photos in people.values() for name in photos]
    whose = np.array([name.split("/")[0] for name in ordered])
    owners = np.array(list(enrolled))
    same = owners[:, None] == whose[None, :]
    fresh = ~np.isin(ordered, list(used))
    figures = []
    for system, scores in scorer.crossed(rows, got.stack(ordered)).items():
        for fmr in PROMISED:
            line = evidence_of_fmr(fmr)
            passed = scores >= line
            tar = share_by_person(
                [int(passed[row][same[row] & fresh].sum()) for row in range(len(owners))],
                [int((same[row] & fresh).sum()) for row in range(len(owners))],
            )
            seen = share_by_person(
                [int(passed[row][~same[row]].sum()) for row in range(len(owners))],
                [int((~same[row]).sum()) for row in range(len(owners))],
            )
            figures += [
                Figure.of(
                    "template_tar",
                    f"rightful accepted, threshold of FMR {rate(fmr)}",
                    system,
                    Line.PIPELINE,
                    tar,
                    at=fmr,
                    threshold=line,
                ),
                Figure.of(
                    "template_fmr",
                    f"strangers accepted, threshold of FMR {rate(fmr)}",
                    system,
                    Line.PIPELINE,
                    seen,
                    at=fmr,
                    threshold=line,
                ),
            ]
    return Section(
        key,
        title,
        (
            f"{len(owners):,} people with more than {ENROLLED_PHOTOS} usable pictures; the first "
            f"{ENROLLED_PHOTOS} by name are the enrolment, their other pictures and all pictures of "
            "everybody else are held against it, as a stored template is compared "
            "(core.similarity.likeness).",
            "Thresholds are the ones that the networks' cards promise these false match rates for.",
            "Intervals: 95 %, enrolled people drawn anew (bootstrap).",
        ),
        tuple(figures),
        got.manifest_sha256,
        len(got.captures),
    )


def _pair_figures(
    scores: Floats, mated: Marks, fold: Indices, *, system: str, line: Line, engine: Engine
) -> list[Figure]:
    folds = accuracy(scores, mated, fold)
    compared = _compared(scores, mated)
    seen = Compared(compared.mated[np.isfinite(compared.mated)], compared.impostor)
    equal, threshold = equal_error_rate(seen.mated, seen.impostor)
    figures = [
        Figure.of("accuracy", f"accuracy, {MEANT[line]}", system, line, folds.right),
        Figure(
            "accuracy_fold_std",
            "spread of the folds (standard deviation)",
            system,
            line,
            float(np.std(folds.by_fold)),
        ),
        Figure(
            "eer",
            "equal error rate of the pairs that were compared",
            system,
            line,
            equal,
            threshold=threshold,
        ),
        Figure("auc", "area under the ROC curve", system, line, area_under_roc(seen.mated, seen.impostor)),
    ]
    figures += [_at_rate(found, system, line) for found in fnmr_at(compared, RATES)]
    passed = int((compared.mated >= engine.match_evidence).sum())
    wrongly = int((compared.impostor >= engine.match_evidence).sum())
    at = {"at": 10**-engine.match_evidence, "threshold": engine.match_evidence}
    figures += [
        Figure.of(
            "tar_at_threshold",
            "rightful accepted at the deployment's threshold",
            system,
            line,
            share(passed, mated.sum()),
            **at,
        ),
        Figure.of(
            "fmr_at_threshold",
            "strangers accepted at the deployment's threshold",
            system,
            line,
            share(wrongly, (~mated).sum()),
            **at,
        ),
    ]
    return figures


def _compared(scores: Floats, mated: Marks) -> Compared:
    """A pair of one person that was never compared counts as missed; one of two people isn't counted."""
    seen = ~np.isnan(scores)
    return Compared(np.where(seen, scores, -np.inf)[mated], scores[seen & ~mated])


def _at_rate(found: AtRate, system: str, line: Line) -> Figure:
    return Figure.of(
        "fnmr_at_fmr",
        f"rightful missed (FNMR) at FMR {rate(found.fmr)}",
        system,
        line,
        found.fnmr,
        at=found.fmr,
        threshold=found.threshold,
    )


def _tar(mated: Floats, whose: Indices, system: str, engine: Engine) -> Figure:
    passed = mated >= engine.match_evidence
    count = int(whose.max()) + 1
    made = share_by_person(
        np.bincount(whose, weights=passed, minlength=count).astype(int).tolist(),
        np.bincount(whose, minlength=count).tolist(),
    )
    return Figure.of(
        "tar_at_threshold",
        "rightful accepted at the deployment's threshold",
        system,
        Line.PIPELINE,
        made,
        at=10**-engine.match_evidence,
        threshold=engine.match_evidence,
    )


def _all_scores(
    got: Acquired, names: list[str], whose: Indices, scorer: Scorer
) -> tuple[dict[str, Floats], Indices, Indices, Marks]:
    """Evidence of every pair once, and which rows it is of, and whether they are one person."""
    count = len(names)
    size = count * (count - 1) // 2
    stack = got.stack(names)
    scores = {system: np.empty(size, dtype=np.float32) for system in scorer.systems}
    first, second = (np.empty(size, dtype=np.int32) for _ in range(2))
    start = 0
    for top in range(0, count, BLOCK_ROWS):
        rows = slice(top, min(top + BLOCK_ROWS, count))
        block = scorer.crossed(rows_of(stack, rows), rows_of(stack, slice(top, count)))
        row, column = np.triu_indices(rows.stop - top, k=1, m=count - top)
        end = start + len(row)
        for system, values in block.items():
            scores[system][start:end] = values[row, column]
        first[start:end], second[start:end] = row + top, column + top
        start = end
    return scores, first, second, whose[first] == whose[second]


def _draw(compared: Compared, system: str, engine: Engine) -> Drawn:
    return Drawn(system, trade_off(compared), histogram(compared), engine.match_evidence)


def _failures(pairs: Sequence[Pair], scores: Floats, engine: Engine) -> tuple[Failure, ...]:
    wrong = [
        Failure(pair.left, pair.right, pair.mated, float(score))
        for pair, score in zip(pairs, scores, strict=True)
        if not np.isnan(score) and (score >= engine.match_evidence) != pair.mated
    ]
    missed = sorted((one for one in wrong if one.mated), key=lambda one: one.score)
    false = sorted((one for one in wrong if not one.mated), key=lambda one: -one.score)
    return (*false[:FAILURES], *missed[:FAILURES])


def _worst_of_all(
    scores: Floats, same: Marks, sides: tuple[Indices, Indices], names: list[str], engine: Engine
) -> tuple[Failure, ...]:
    found = []
    for mated, sign in ((False, -1.0), (True, 1.0)):
        some = np.flatnonzero(same == mated)
        values = sign * scores[some]
        near = np.argpartition(values, min(FAILURES, values.size) - 1)[:FAILURES]
        few = some[near[np.argsort(values[near], kind="stable")]]
        found += [
            Failure(names[sides[0][one]], names[sides[1][one]], mated, float(scores[one]))
            for one in few
            if (scores[one] >= engine.match_evidence) != mated
        ]
    return tuple(found)


def _rates_note(impostors: int) -> tuple[str, ...]:
    hidden = [one for one in RATES if np.floor(one * impostors) < 1]
    if not hidden:
        return ()
    return (
        f"{impostors:,} pairs of two people can't show a false match rate of "
        f"{' or '.join(rate(one) for one in hidden)}; compare all pairs for that.",
    )
