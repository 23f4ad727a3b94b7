"""Glasses: is a person enrolled without them recognised with them, and the other way round?

Pictures are named `subjectNN.<condition>.png`, as those of the Yale Face Database (Belhumeur et
al., "Eigenfaces vs. Fisherfaces", PAMI 19(7), 1997): `glasses` and `noglasses` say what is
worn. The other conditions (light, expression) say nothing of it; three people wear their own
glasses in some of them, which is named here because the data doesn't.
"""

import re
from dataclasses import dataclass

import numpy as np

from facekey.evaluation.acquisition import acquisition
from facekey.evaluation.engine import Engine
from facekey.evaluation.material import Acquired
from facekey.evaluation.rates import Share
from facekey.evaluation.rates import by_person as share_by_person
from facekey.evaluation.report import MEANT, Failure, Figure, Line, Section, Table, rate
from facekey.evaluation.scoring import Scorer, templates
from facekey.evaluation.wrong import unusable

NAME = re.compile(r"^(?P<person>[^.]+)\.(?P<condition>[a-z]+)\.(png|jpe?g|gif)$")
WORN = "glasses"
BARE = "noglasses"
ALSO_WORN = {
    "subject08": frozenset(
        {"normal", "centerlight", "happy", "leftlight", "rightlight", "sad", "sleepy", "surprised", "wink"}
    ),
    "subject13": frozenset(
        {"normal", "centerlight", "happy", "leftlight", "rightlight", "sad", "sleepy", "surprised", "wink"}
    ),
    "subject14": frozenset({"centerlight", "leftlight", "rightlight"}),
}
"""Of the Yale Face Database: seen by looking at its 165 pictures."""

ENROLLED = 5
MOST_FAILURES = 24


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """One person's pictures by what is worn in them."""

    bare: tuple[str, ...]
    worn: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way of comparing: templates of these pictures, probed with those."""

    key: str
    said: str
    enrolled: dict[str, tuple[str, ...]]
    probes: dict[str, tuple[str, ...]]
    photos: int


def wardrobes(names: list[str]) -> dict[str, Wardrobe]:
    """Pictures by person and by what is worn.

    Raises:
        RequestInvalid: a name is of another form, or nobody has both kinds.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for name in sorted(names):
        parts = NAME.match(name)
        if parts is None:
            raise unusable(f"{name}: pictures with and without glasses are named <person>.<condition>.png")
        person, condition = parts["person"], parts["condition"]
        worn = condition == WORN or condition in ALSO_WORN.get(person, ())
        found.setdefault(person, {"bare": [], "worn": []})["worn" if worn else "bare"].append(name)
    both = {one: Wardrobe(tuple(kinds["bare"]), tuple(kinds["worn"])) for one, kinds in found.items()}
    if sum(1 for one in both.values() if one.bare and one.worn) < 2:
        raise unusable(
            f"two people or more need a picture with glasses (<person>.{WORN}.png) and one without"
        )
    return both


def with_and_without(got: Acquired, engine: Engine, *, title: str, key: str) -> Section:
    """Both ways, at the deployment's threshold, by recognition alone and through the whole pipeline.

    Raises:
        RequestInvalid: the pictures are named otherwise.
    """
    scorer = Scorer(engine.matcher, engine.calibrations)
    people = wardrobes(list(got.captures))
    before, table = acquisition(got, engine)
    figures, failures = list(before), []
    for way in _ways(people):
        for line in (Line.RECOGNITION, Line.PIPELINE):
            for system, (passed, strangers, missed) in _held(way, got, scorer, line, engine).items():
                at = {"at": 10**-engine.match_evidence, "threshold": engine.match_evidence}
                figures += [
                    Figure.of(
                        f"tar_{way.key}", f"{way.said}: accepted, {MEANT[line]}", system, line, passed, **at
                    ),
                    Figure.of(
                        f"fmr_{way.key}",
                        f"{way.said}: strangers accepted, {MEANT[line]}",
                        system,
                        line,
                        strangers,
                        **at,
                    ),
                ]
                if line is Line.RECOGNITION and system == scorer.systems[0] and way.photos == 1:
                    failures = missed
    worn = sum(len(one.worn) for one in people.values())
    bare = sum(len(one.bare) for one in people.values())
    return Section(
        key,
        title,
        (
            f"{len(people)} people, {bare} pictures without glasses and {worn} with (three people wear "
            "theirs in pictures whose names don't say so; facekey.evaluation.glasses lists them).",
            "One against one: every picture without glasses against every one with glasses. Enrolled: up "
            f"to {ENROLLED} pictures of one kind, the first by name, probed with all of the other kind. A "
            "stranger is everybody else with that kind of picture.",
            f"At the deployment's threshold, evidence {engine.match_evidence:g} (FMR "
            f"{rate(10**-engine.match_evidence)}).",
            "Recognition alone: detector and networks. Whole pipeline: a probe that the gates send back "
            "or that is taken for a spoof isn't accepted; enrolments are made of the pictures that pass, "
            "and of all of them where none does. In operation the person is asked for another picture.",
            "Intervals: 95 %, people drawn anew (bootstrap); where nothing is missed, Wilson with each "
            "person once.",
        ),
        tuple(figures),
        got.manifest_sha256,
        len(got.captures),
        (
            table,
            _gates(people, got, engine),
        ),
        failures=tuple(failures[:MOST_FAILURES]),
        notes=("In the Yale Face Database the glasses of subject03 are sunglasses.",),
    )


def _ways(people: dict[str, Wardrobe]) -> list[_Way]:
    bare = {one: kinds.bare for one, kinds in people.items() if kinds.bare}
    worn = {one: kinds.worn for one, kinds in people.items() if kinds.worn}
    return [
        _Way("one_to_one", "one against one", bare, worn, 1),
        _Way("enrolled_without", "enrolled without glasses, probed with", bare, worn, ENROLLED),
        _Way("enrolled_with", "enrolled with glasses, probed without", worn, bare, ENROLLED),
    ]


def _held(
    way: _Way, got: Acquired, scorer: Scorer, line: Line, engine: Engine
) -> dict[str, tuple[Share, Share, list[Failure]]]:
    """Accepted and strangers accepted for each system, and what was missed."""
    owners: list[str] = []
    groups: list[list[str]] = []
    attempted: dict[str, int] = {}
    for person, photos in way.enrolled.items():
        usable = [name for name in photos if _passes(got, name, line, engine)]
        if not usable:
            usable = [name for name in photos if got.captures[name].found]
        made = _templates(usable, way.photos)
        owners += [person] * len(made)
        groups += made
        # A person who can't be enrolled is missed with every probe.
        attempted[person] = max(1, len(made)) if line is Line.PIPELINE or way.photos > 1 else len(photos)
    probes = [(person, name) for person, names in way.probes.items() for name in names]
    seen = [(person, name) for person, name in probes if got.captures[name].found]
    if not groups or not seen:
        raise unusable(f"{way.said}: no face is found in any picture of one kind")
    scores = scorer.crossed(
        templates([got.stack(group) for group in groups]), got.stack([name for _, name in seen])
    )
    barred = np.array([not _passes(got, name, line, engine) for _, name in seen])
    owner, prober = np.array(owners), np.array([person for person, _ in seen])
    same = owner[:, None] == prober[None, :]
    people = sorted(way.enrolled.keys() & way.probes.keys())
    trials = [attempted[person] * len(way.probes[person]) for person in people]
    result = {}
    for system, values in scores.items():
        passed = (values >= engine.match_evidence) & ~barred[None, :]
        rows = [owner == person for person in people]
        right = [int((passed & same)[row].sum()) for row in rows]
        wrong = [int((passed & ~same)[row].sum()) for row in rows]
        strangers = [int((~same)[row].sum()) for row in rows]
        misses = [
            Failure("+".join(groups[row]), seen[column][1], True, float(values[row, column]))
            for row, column in np.argwhere(same & ~passed)
        ]
        result[system] = (
            share_by_person(right, trials),
            share_by_person(wrong, strangers),
            sorted(misses, key=lambda one: one.score),
        )
    return result


def _templates(usable: list[str], photos: int) -> list[list[str]]:
    if photos == 1:
        return [[name] for name in usable]
    return [usable[:photos]] if usable else []


def _passes(got: Acquired, name: str, line: Line, engine: Engine) -> bool:
    capture = got.captures[name]
    if line is Line.RECOGNITION:
        return capture.found
    return capture.judged and capture.liveness is not None and capture.liveness >= engine.liveness_threshold


def _gates(people: dict[str, Wardrobe], got: Acquired, engine: Engine) -> Table:
    rows = []
    for kind, names in (
        ("without glasses", [name for one in people.values() for name in one.bare]),
        ("with glasses", [name for one in people.values() for name in one.worn]),
    ):
        captures = [got.captures[name] for name in names]
        spoofs = sum(
            one.liveness is not None and one.liveness < engine.liveness_threshold for one in captures
        )
        back = [one.sent_back for one in captures if one.sent_back is not None]
        why = ", ".join(f"{reason} {back.count(reason)}" for reason in sorted(set(back)))
        rows.append((kind, f"{len(names)}", f"{len(back)}{f' ({why})' if why else ''}", f"{spoofs}"))
    return Table("What the gates say", ("pictures", "count", "sent back", "taken for a spoof"), tuple(rows))
