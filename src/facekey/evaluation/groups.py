"""Groups: are error rates worse for one group of people than for the others?

Counted and judged by the rule of `core.bias`, as in operation (docs/bias.md): the unit is the
person, and a group rings when its rate is over 1.25 times that of the others and chance would
hardly do that. Labels are what publishers assigned by looking; nobody declared them. They
can show that a network treats groups differently; they are no truth about anybody.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from facekey.core.bias import BiasPolicy, Estimate, Finding, Rate, Tally, judge_groups
from facekey.core.types import Floats
from facekey.evaluation.acquisition import acquisition
from facekey.evaluation.engine import Engine
from facekey.evaluation.material import Acquired, by_person
from facekey.evaluation.rates import Indices, share
from facekey.evaluation.report import Section, Table, percent, written
from facekey.evaluation.scoring import Scorer, rows_of
from facekey.evaluation.wrong import unusable

ETHNICITY = ("white", "black", "asian", "indian", "others")
GENDER = ("man", "woman")
AGES = ((0, "under_18"), (18, "18_29"), (30, "30_44"), (45, "45_59"), (60, "60_plus"))
OLDEST = 130
LAX_EVIDENCE = 2.0  # one stranger in a hundred passes: shows a shift long before the threshold can
BLOCK = 1024
NAMES = (("woman", "female_names.txt"), ("man", "male_names.txt"))
FNMR_PICTURES = 40  # of one person; whoever has hundreds would be most of the comparisons

Counted = dict[tuple[str, Rate], dict[str, list[Tally]]]
Members = Mapping[tuple[str, str], Sequence[str]]
"""By attribute and group, the pictures."""

SAID = {
    Rate.FNMR: "FNMR: the rightful, refused",
    Rate.FMR: "FMR: strangers of the same group, accepted",
    Rate.FMR_LAX: "FMR at a threshold of 1 %",
    Rate.BPCER: "BPCER: the living, taken for spoofs",
}


def utkface_groups(names: Sequence[str]) -> Members:
    """Groups by file names `[age]_[gender]_[race]_[date].jpg` (UTKFace; Zhang et al., CVPR 2017).

    Raises:
        RequestInvalid: no name is of that form.
    """
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in names:
        words = Path(name).name.split("_")
        if len(words) < 4 or not all(word.isascii() and word.isdigit() for word in words[:3]):
            continue  # the set itself has some that lack a label
        age, gender, ethnicity = (int(word) for word in words[:3])
        if age > OLDEST or gender >= len(GENDER) or ethnicity >= len(ETHNICITY):
            continue
        band = next(word for least, word in reversed(AGES) if age >= least)
        members["age_band", band].append(name)
        members["gender", GENDER[gender]].append(name)
        members["ethnicity", ETHNICITY[ethnicity]].append(name)
    if not members:
        raise unusable("no picture is named [age]_[gender]_[race]_[date].jpg")
    return members


def listed_groups(folder: Path, names: Sequence[str]) -> Members:
    """Groups by lists of file names (Afifi and Abdelhamed, AFIF4, 2019).

    Raises:
        RequestInvalid: a list is missing, or names none of the pictures.
    """
    members: dict[tuple[str, str], list[str]] = {}
    for group, file in NAMES:
        try:
            lines = (folder / file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise unusable(f"{folder / file} can't be read: {error}") from error
        listed = {line.strip().removesuffix(".jpg") for line in lines}
        members["gender", group] = [name for name in names if Path(name).stem in listed]
        if not members["gender", group]:
            raise unusable(f"{file} names none of the pictures")
    return members


def fairness(
    got: Acquired, members: Members, engine: Engine, *, known: bool, title: str, key: str
) -> Section:
    """Error rates by group at the deployment's threshold, of the system that decides.

    Args:
        got: the pictures.
        members: their groups.
        engine: what judges.
        known: whether each person has a folder; otherwise every picture counts as another person
            and nothing is said of FNMR.
        title: of the section.
        key: of the section.
    """
    counted: Counted = defaultdict(lambda: defaultdict(list))
    for (attribute, group), names in members.items():
        judged = [name for name in names if got.captures[name].judged]
        people = by_person(judged) if known else {name: [name] for name in judged}
        if len(people) < 2:
            continue
        for photos in people.values():
            scores = [score for name in photos if (score := got.captures[name].liveness) is not None]
            spoofs = sum(score < engine.liveness_threshold for score in scores)
            counted[attribute, Rate.BPCER][group].append(Tally(spoofs, len(scores)))
        for rate, tally in _compared(got, people, engine, known=known):
            counted[attribute, rate][group].append(tally)
    findings = judge_groups({key: dict(groups) for key, groups in counted.items()}, BiasPolicy())
    figures, table = acquisition(got, engine)
    return Section(
        key,
        title,
        (
            f"{sum(1 for _ in got.captures):,} pictures, groups as publishers assigned them by looking. "
            "FMR: pairs of different people of the same group, who are more alike than any two people; "
            f"the deployment's threshold (evidence {engine.match_evidence:g}) is meant for any two.",
            *(
                (f"FNMR: pairs of one person, up to {FNMR_PICTURES} pictures of each.",)
                if known
                else (
                    "No identities: every picture counts as another person, and who is there twice adds "
                    "to FMR.",
                )
            ),
            "Judged by the rule of docs/bias.md. Intervals: 95 %, Wilson on as many trials as would be as "
            "telling if they were independent (design effect by person).",
        ),
        figures,
        got.manifest_sha256,
        len(got.captures),
        (*_tables(findings), _sent_back(got, members), table),
    )


def _compared(
    got: Acquired, people: Mapping[str, list[str]], engine: Engine, *, known: bool
) -> Iterator[tuple[Rate, Tally]]:
    """Each person's part in the comparisons within their group."""
    scorer = Scorer(engine.matcher, engine.calibrations)
    deciding = scorer.systems[0]
    names = [name for photos in people.values() for name in photos]
    whose: Indices = np.repeat(np.arange(len(people)), [len(photos) for photos in people.values()])
    stack = got.stack(names)
    passed = {rate: np.zeros(len(people), dtype=np.int64) for rate in (Rate.FMR, Rate.FMR_LAX)}
    for start in range(0, len(names), BLOCK):
        some = slice(start, start + BLOCK)
        scores = scorer.crossed(rows_of(stack, some), stack)[deciding]
        strangers = whose[some][:, None] != whose[None, :]
        for rate, line in ((Rate.FMR, engine.match_evidence), (Rate.FMR_LAX, LAX_EVIDENCE)):
            np.add.at(passed[rate], whose[some], ((scores >= line) & strangers).sum(axis=1))
    for number, photos in enumerate(people.values()):
        trials = len(photos) * (len(names) - len(photos))
        for rate, errors in passed.items():
            yield rate, Tally(int(errors[number]), trials)
        if known and len(photos) > 1:
            scores = scorer.crossed(*(2 * (got.stack(photos[:FNMR_PICTURES]),)))[deciding]
            pairs: Floats = scores[np.triu_indices(len(scores), k=1)]
            yield Rate.FNMR, Tally(int((pairs < engine.match_evidence).sum()), len(pairs))


def _tables(findings: Sequence[Finding]) -> Iterator[Table]:
    for attribute in dict.fromkeys(finding.attribute for finding in findings):
        for rate in Rate:
            some = [one for one in findings if (one.attribute, one.rate) == (attribute, rate)]
            if some:
                yield Table(
                    f"{attribute}: {SAID.get(rate, str(rate))}",
                    ("group", "people", "rate", "of the others", "ratio", ""),
                    tuple(_row(one) for one in some),
                )


def _row(one: Finding) -> tuple[str, ...]:
    ratio = "" if one.ratio is None else f"{one.ratio:.2f}"
    verdict = str(one.verdict).replace("_", " ")
    return (one.group, f"{one.people:,}", _rate(one.own), _rate(one.others), ratio, verdict)


def _rate(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    low, high = percent(estimate.low).removesuffix(" %"), percent(estimate.high).removesuffix(" %")
    return f"{percent(estimate.rate)} [{low}, {high}]"


def _sent_back(got: Acquired, members: Members) -> Table:
    rows = []
    for (attribute, group), names in sorted(members.items()):
        captures = [got.captures[name] for name in names]
        faceless = share(sum(not one.found for one in captures), len(captures))
        back = share(sum(one.sent_back is not None for one in captures), len(captures))
        rows.append((f"{attribute}: {group}", written(faceless), written(back)))
    return Table("Before the comparison, by group", ("group", "no face found", "sent back"), tuple(rows))
