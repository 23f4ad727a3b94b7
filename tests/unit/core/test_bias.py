"""When a group counts as worse, when nothing can be said, and where the numbers come from."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from facekey.core.bias import (
    BiasPolicy,
    Finding,
    Rate,
    Tally,
    Verdict,
    chance_of,
    estimate,
    judge_groups,
    wilson,
)
from facekey.core.bias_evaluation import Lines, tallies_of_rows
from facekey.core.bias_evidence import FOLLOWED, tallies_of
from facekey.core.errors import RequestInvalid
from facekey.core.labels import DEFAULT, Vocabulary
from facekey.core.ports.bias import Labelled, Seen
from facekey.core.types import References, SubjectId, Template
from tests.unit.core.learned import MATCHER
from tests.unit.core.made import MODEL, direction, near

AT = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ("gender", Rate.FNMR)


def people(count: int, errors: int, trials: int = 10) -> list[Tally]:
    """So many people, and so many errors dealt out among them."""
    each, more = divmod(errors, count)
    return [Tally(each + (place < more), trials) for place in range(count)]


def judged(own: list[Tally], others: list[Tally]) -> Finding:
    findings = judge_groups({KEY: {"own": own, "others": others}}, BiasPolicy())
    return next(one for one in findings if one.group == "own")


@pytest.mark.parametrize(
    ("own", "others", "verdict"),
    [
        (people(100, 100), people(100, 20), Verdict.ALARM),
        (people(100, 22), people(100, 20), Verdict.NOT_WORSE),  # ten per cent worse
        (people(100, 26), people(100, 20), Verdict.NOT_WORSE),  # more, but chance does that
        (people(100, 20), people(100, 100), Verdict.NOT_WORSE),  # better
        (people(100, 40), people(100, 0), Verdict.ALARM),
        (people(100, 2), people(100, 2), Verdict.TOO_FEW_ERRORS),
        (people(100, 0), people(100, 0), Verdict.TOO_FEW_ERRORS),
        (people(19, 100), people(100, 20), Verdict.TOO_FEW_PEOPLE),
        (people(100, 100), people(19, 20), Verdict.TOO_FEW_PEOPLE),
        ([*people(10, 80), *[Tally(0, 0)] * 90], people(100, 20), Verdict.TOO_FEW_PEOPLE),
        # Eighty errors of one person are one misfortune, not eighty.
        ([Tally(80, 100), *people(99, 0, 100)], people(100, 20, 100), Verdict.TOO_FEW_ERRORS),
    ],
)
def test_the_rule(own: list[Tally], others: list[Tally], verdict: Verdict) -> None:
    finding = judged(own, others)
    assert finding.verdict is verdict
    # Of too few people nothing is shown: that could tell of one of them.
    assert (finding.own is None) is (verdict is Verdict.TOO_FEW_PEOPLE)
    assert (finding.ratio is None) is (verdict not in (Verdict.ALARM, Verdict.NOT_WORSE))


def test_no_errors_elsewhere_are_an_infinite_ratio() -> None:
    assert judged(people(100, 60), people(100, 0)).ratio == math.inf


def test_chance_rarely_rings() -> None:
    rng, rang = np.random.default_rng(1), 0
    for _ in range(200):
        # People differ: a beta-binomial, the same for all groups.
        groups = {
            name: [Tally(int(rng.binomial(10, share)), 10) for share in rng.beta(0.5, 9.5, 60)]
            for name in ("a", "b", "c")
        }
        findings = judge_groups({KEY: groups}, BiasPolicy())
        rang += any(one.verdict is Verdict.ALARM for one in findings)
    assert rang <= 6  # 1 % of 200 are 2; more than 6 has a chance below 0.5 %


def test_a_group_that_is_twice_as_bad_is_noticed() -> None:
    rng, rang = np.random.default_rng(2), 0
    for _ in range(20):
        worse, others = (
            [Tally(int(rng.binomial(10, share)), 10) for share in rng.beta(0.5, b, 300)] for b in (4.5, 9.5)
        )
        rang += judged(worse, others).verdict is Verdict.ALARM
    assert rang >= 18


def test_an_estimate_counts_people() -> None:
    alike = estimate(people(50, 50))
    assert (alike.people, alike.trials, alike.errors, alike.rate) == (50, 500, 50, 0.1)
    assert alike.effective == 50.0  # all the same: nothing shows that one person's trials differ
    apart = estimate([*[Tally(10, 10)] * 5, *[Tally(0, 10)] * 45])
    assert apart.effective == pytest.approx(49.0)
    independent = estimate([Tally(int(one), 10) for one in np.random.default_rng(0).binomial(10, 0.1, 500)])
    assert independent.effective == pytest.approx(5000, rel=0.15)
    assert estimate([Tally(0, 10)] * 30).effective == 30.0
    assert estimate([Tally(3, 10)]).effective == 1.0
    with pytest.raises(ValueError, match="trial"):
        estimate([Tally(0, 0)])


def test_wilson_is_the_textbooks() -> None:
    assert wilson(0.1, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert wilson(0.0, 30) == pytest.approx((0.0, 0.1135), abs=1e-4)


@pytest.mark.parametrize(
    ("own", "total", "share", "chance"),
    [(0, 9, 0.5, 1.0), (9, 9, 0.5, 0.5**9), (8, 10, 0.5, 56 / 1024), (0.9, 9, 0.5, 1.0)],
)
def test_chance_is_binomial(own: float, total: float, share: float, chance: float) -> None:
    assert chance_of(own, total, share) == pytest.approx(chance)


def one(number: int, labels: Mapping[str, str], *, spread: float = 0.95, photos: int = 3) -> Labelled:
    vectors = np.stack([near(direction(number), spread, 100 * number + n + 50) for n in range(photos)])
    template = Template(SubjectId(str(number)), (References(MODEL, vectors),))
    return Labelled(labels, template, f"pseudonym {number}")


def test_where_the_numbers_of_operation_come_from() -> None:
    varied = [one(n, {"gender": "woman"}, spread=0.6) for n in range(4)]
    steady = [one(n, {"gender": "man", "age_band": "18_29"}) for n in range(10, 14)]
    alone = one(20, {"age_band": "60_plus"}, photos=1)
    told = [
        Seen("pseudonym 0", AT, "spoof_suspected"),
        Seen("pseudonym 0", AT + timedelta(minutes=3), "live_match"),
        Seen("pseudonym 0", AT + timedelta(hours=1), "live_match"),
        Seen("pseudonym 1", AT, "live_match"),
        Seen("pseudonym 1", AT + timedelta(minutes=1), "spoof_suspected"),  # nobody came after
        Seen("pseudonym 2", AT, "spoof_suspected"),
        Seen("pseudonym 2", AT + FOLLOWED + timedelta(seconds=1), "live_match"),
    ]
    tallies = tallies_of([*varied, *steady, alone], told, matcher=MATCHER, match_threshold=4.0)
    assert {tally.errors for tally in tallies["gender", Rate.FNMR]["man"]} == {0}
    assert sum(tally.errors for tally in tallies["gender", Rate.FNMR]["woman"]) > 0
    assert all(tally.trials == 3 for tally in tallies["gender", Rate.FNMR]["woman"])
    assert list(tallies["gender", Rate.BPCER]["woman"]) == [
        Tally(1, 3),
        Tally(0, 1),
        Tally(0, 1),
        Tally(0, 0),
    ]
    assert all(tally.trials == 3 for tally in tallies["gender", Rate.FMR]["woman"])  # three others
    assert list(tallies["age_band", Rate.FMR]["60_plus"]) == [Tally(0, 0)]
    assert list(tallies["age_band", Rate.FNMR]["60_plus"]) == [Tally(0, 0)]  # one photo has no other
    assert set(tallies) == {
        (attribute, rate)
        for attribute in ("gender", "age_band")
        for rate in (Rate.FNMR, Rate.FMR, Rate.FMR_LAX, Rate.BPCER)
    }


def row(kind: str, score: str, subject: str | None = "a", **but: str | None) -> dict[str, str | None]:
    return {"attribute": "tone", "group": "dark", "kind": kind, "score": score, "subject": subject, **but}


def test_scores_of_an_evaluation() -> None:
    rows = [
        row("mated", "0.65"),
        row("mated", "0.64"),
        row("nonmated", "0.65", "b"),
        row("bona_fide", "0.49", None),
        row("bona_fide", "0.5", None),
        row("attack", "0.5"),
    ]
    tallies = tallies_of_rows(rows, Lines(match=0.65, liveness=0.5))
    assert {rate: groups["dark"] for (_, rate), groups in tallies.items()} == {
        Rate.FNMR: (Tally(1, 2),),
        Rate.FMR: (Tally(1, 1),),
        Rate.BPCER: (Tally(1, 1), Tally(0, 1)),
        Rate.APCER: (Tally(1, 1),),
    }


@pytest.mark.parametrize(
    "bad",
    [
        row("guess", "0.5"),
        row("mated", "nan"),
        row("mated", "high"),
        row("mated", "inf"),
        row("mated", "0.5", group=None),
        row("mated", "0.5", group="x" * 65),
        row("mated", "0.5", attribute="a\nb"),
    ],
)
def test_evaluations_that_cannot_be_read(bad: dict[str, str | None]) -> None:
    with pytest.raises(RequestInvalid, match="line 3 "):
        tallies_of_rows([row("mated", "0.5"), bad], Lines(0.65, 0.5))


def test_evaluations_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facekey.core.bias_evaluation.MOST_ROWS", 3)
    with pytest.raises(RequestInvalid, match="more than 3"):
        tallies_of_rows([row("mated", "0.5")] * 4, Lines(0.65, 0.5))


def test_a_vocabulary_is_read_and_kept_to() -> None:
    assert Vocabulary.parse(" ").values == DEFAULT
    own = Vocabulary.parse("hand=left|right ; eyes = brown|other;")
    assert own.values == {"hand": ("left", "right"), "eyes": ("brown", "other")}
    own.check({"hand": "left"})
    for labels in ({"hand": "brown"}, {"nose": "left"}, {}):
        with pytest.raises(RequestInvalid):
            own.check(labels)


@pytest.mark.parametrize(
    "text",
    ["hand", "hand=", "hand=left", "hand=left|left", "Hand=a|b", "a=b|c;a=d|e", "a=b|" + "c" * 33, "a= |b"],
)
def test_vocabularies_that_make_no_sense(text: str) -> None:
    with pytest.raises(ValueError, match="a"):
        Vocabulary.parse(text)


def test_a_vocabulary_is_small() -> None:
    with pytest.raises(ValueError, match="words"):
        Vocabulary({f"a{number}": ("b", "c") for number in range(9)})
