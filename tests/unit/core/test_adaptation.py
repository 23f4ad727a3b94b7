"""What is learned of a person, and above all what is not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from facekey.core.adaptation import AdaptationPolicy, Course, Held, LiveAttempt, Pending, learn, unfit
from facekey.core.matching import Match, Matcher
from facekey.core.personal_bar import BarPolicy, Score
from facekey.core.policy import AuthenticatePolicy
from facekey.core.types import Embedding, ModelId, Outcome, References, Template
from tests.unit.core.learned import ALICE, FACE, MATCHER, POLICY, START, attempt, enrolled, look, taught
from tests.unit.core.made import CALIBRATION, DIMENSIONS, MODEL, direction, evidence, near
from tests.unit.core.test_head import documented_head

OTHER = ModelId("other:000000000000")


def test_three_days_that_agree_are_learned_and_the_anchor_stays() -> None:
    template = enrolled()
    assert taught(template, look(1)).held is Held.WAITING
    assert taught(template, look(1), look(2)).held is Held.WAITING
    lesson = taught(template, look(1), look(2), look(3))
    assert lesson.held is None
    assert lesson.template is not None
    (references,) = lesson.template.references
    np.testing.assert_array_equal(references.vectors, template.references[0].vectors)
    assert references.adapted is not None
    # A capture, no mixture of captures.
    assert any(np.array_equal(references.adapted[0], look(day)) for day in (1, 2, 3))
    assert lesson.course.pending == ()
    assert lesson.turn is not None
    assert lesson.turn > POLICY.least_cosine
    assert references.current().vectors.shape == (6, DIMENSIONS)


@pytest.mark.parametrize(
    ("but", "held"),
    [
        ({"accepted": False}, Held.NOT_ACCEPTED),
        ({"challenged": False}, Held.NO_CHALLENGE),
        ({"liveness": 0.7}, Held.LIVENESS_WEAK),
        ({"liveness": float("nan")}, Held.LIVENESS_WEAK),
        ({"quality": 0.5}, Held.QUALITY_WEAK),
        ({"embeddings": (Embedding(look(1, 0.7), MODEL),)}, Held.MATCH_WEAK),
        (
            {"embeddings": (Embedding(look(1), MODEL), Embedding(direction(3), OTHER))},
            None,
        ),
    ],
)
def test_what_is_not_strong_enough(but: dict[str, Any], held: Held | None) -> None:
    template = enrolled()
    weak = attempt(template, look(1), **but)
    assert unfit(template, weak, matcher=MATCHER, policy=POLICY) is held


def test_single_pictures_teach_where_that_was_chosen() -> None:
    template = enrolled()
    picture = attempt(template, look(1), challenged=False)
    policy = replace(POLICY, from_images=True)
    assert unfit(template, picture, matcher=MATCHER, policy=policy) is None


def test_every_network_must_be_sure_by_itself() -> None:
    both = Matcher({MODEL: CALIBRATION, OTHER: CALIBRATION})
    second = References(OTHER, np.stack([near(FACE, 0.9, 70 + n) for n in range(5)]))
    template = Template(ALICE, (*enrolled().references, second))
    sure = attempt(template, look(1), embeddings=(Embedding(look(1), MODEL), Embedding(look(1), OTHER)))
    assert unfit(template, sure, matcher=both, policy=POLICY) is None
    doubtful = replace(sure, embeddings=(Embedding(look(1), MODEL), Embedding(look(1, 0.7), OTHER)))
    assert unfit(template, doubtful, matcher=both, policy=POLICY) is Held.MATCH_WEAK
    silent = replace(sure, embeddings=(Embedding(look(1), MODEL),))
    assert unfit(template, silent, matcher=both, policy=POLICY) is Held.NETWORK_MISSING
    # Installed since the enrolment: it can't say anything about this person.
    alone = attempt(enrolled(), look(1))
    assert unfit(enrolled(), alone, matcher=both, policy=POLICY) is Held.NETWORK_MISSING


def test_an_anchor_of_one_photo_can_vouch_for_nothing() -> None:
    template = enrolled(1)
    assert (
        unfit(template, attempt(template, look(1)), matcher=MATCHER, policy=POLICY) is Held.ANCHOR_TOO_SMALL
    )


def waiting(*days: float) -> Course:
    return Course(
        pending=tuple(
            Pending(START + timedelta(days=day), (Embedding(look(round(day)), MODEL),)) for day in days
        )
    )


@pytest.mark.parametrize(
    ("course", "held", "left"),
    [
        (Course(refreshed_at=START + timedelta(days=9, hours=1)), Held.TOO_SOON, 0),
        (Course(refreshed_at=START + timedelta(days=9)), Held.WAITING, 1),
        (waiting(9.9), Held.SAME_DAY, 1),
        (waiting(11), Held.SAME_DAY, 1),
        (waiting(10 - 31), Held.WAITING, 1),
        (waiting(8, 9), None, 0),
    ],
    ids=["a day has not passed", "a day has", "today", "a clock set back", "too long ago", "third"],
)
def test_days(course: Course, held: Held | None, left: int) -> None:
    template = enrolled()
    lesson = learn(template, course, attempt(template, look(10), day=10), matcher=MATCHER, policy=POLICY)
    assert (lesson.held, len(lesson.course.pending)) == (held, left)


def test_the_same_picture_does_not_agree_with_itself() -> None:
    lesson = taught(enrolled(), look(1), look(1), look(1))
    assert (lesson.held, len(lesson.course.pending)) == (Held.SAME_PICTURE, 1)


def test_networks_that_saw_only_one_of_two_probes_say_nothing_of_both() -> None:
    both = Pending(START, (Embedding(look(1), MODEL), Embedding(look(1), OTHER)))
    template = enrolled()
    lesson = learn(
        template,
        Course(pending=(both,)),
        attempt(template, look(2), day=1),
        matcher=MATCHER,
        policy=POLICY,
    )
    assert lesson.held is Held.WAITING


def test_probes_that_disagree_are_not_kept() -> None:
    axis = direction(5)
    axis = axis - (axis @ FACE) * FACE
    axis /= np.linalg.norm(axis)
    one, another = (0.86 * FACE + side * np.sqrt(1 - 0.86**2) * axis for side in (1, -1))
    lesson = taught(enrolled(), one.astype(np.float32), another.astype(np.float32))
    assert lesson.held is Held.DISAGREES
    assert len(lesson.course.pending) == 1


def strongest_pull(template: Template, seed: int) -> LiveAttempt:
    """As far towards somebody else as a probe may be that is strong enough."""
    anchor = template.references[0].centroid().vector
    stranger = near(anchor, 0.0, seed)
    for cosine in np.linspace(0.6, 1.0, 401):
        pulled = (cosine * anchor + np.sqrt(1 - cosine**2) * stranger).astype(np.float32)
        tried = attempt(template, pulled)
        if unfit(template, tried, matcher=MATCHER, policy=POLICY) is None:
            return tried
    raise AssertionError("nothing is strong enough")


def test_a_template_that_turns_too_far_stays_and_the_probes_go() -> None:
    template = enrolled()
    pulled = strongest_pull(template, 4).embeddings[0].vector
    policy = replace(POLICY, same_picture=2.0, least_cosine=0.999)
    course = Course()
    for day in range(3):
        lesson = learn(template, course, attempt(template, pulled, day=day), matcher=MATCHER, policy=policy)
        course = lesson.course
    assert (lesson.held, lesson.template, course.pending) == (Held.TURNED_TOO_FAR, None, ())
    assert lesson.turn is not None


def test_a_template_that_would_lose_a_photo_of_the_enrolment_stays() -> None:
    # One photo is only just known by the others: any pull away from it loses it.
    odd = near(FACE, 0.4, 60)
    others = np.stack([near(FACE, 0.95, 61), near(FACE, 0.95, 62)])
    template = Template(ALICE, (References(MODEL, np.stack([odd, *others])),))
    away = (FACE - 0.5 * (odd - (odd @ FACE) * FACE)).astype(np.float32)
    away /= np.linalg.norm(away)
    days = [near(away, 0.985, 70 + day) for day in range(3)]
    policy = replace(
        POLICY,
        match_threshold=MATCHER.compare(
            (Embedding(odd, MODEL),), Template(ALICE, (References(MODEL, others),))
        ).evidence
        - 0.01,
        stronger_by=1.0,
        least_cosine=0.9,
    )
    course = Course()
    for day, vector in enumerate(days):
        lesson = learn(template, course, attempt(template, vector, day=day), matcher=MATCHER, policy=policy)
        course = lesson.course
    assert lesson.held is Held.ANCHOR_LOST


def test_few_vectors_are_kept_and_the_oldest_goes_first() -> None:
    template, course, kept = enrolled(), Course(), []
    for day in range(12):
        lesson = learn(
            template, course, attempt(template, look(day), day=day), matcher=MATCHER, policy=POLICY
        )
        course = lesson.course
        if lesson.template is not None:
            template = lesson.template
            assert template.references[0].adapted is not None
            kept.append(template.references[0].adapted)
    assert [len(one) for one in kept] == [1, 2, 2, 2]  # five photos: at most two
    np.testing.assert_array_equal(kept[2][0], kept[1][1])


def test_an_impostor_every_day_of_a_month_is_let_in_no_more_than_before() -> None:
    """Whatever is learned: who is accepted then was accepted by the enrolment before."""
    decide = AuthenticatePolicy(match_threshold=4.0, liveness_threshold=0.5, head=documented_head())
    taken_in = 0
    for seed in range(5):
        template, course = enrolled(centre=direction(100 + seed)), Course()
        anchor = template.references[0].centroid().vector
        stranger = near(anchor, 0.0, 200 + seed)
        before = template
        for day in range(30):
            pull = strongest_pull(template, 200 + seed).embeddings[0].vector
            vector = near(pull, 0.98, 1000 + day)
            lesson = learn(
                template, course, attempt(template, vector, day=day), matcher=MATCHER, policy=POLICY
            )
            course, template = lesson.course, lesson.template or template
            taken_in += lesson.template is not None
        for number in range(60):
            own = near(near(stranger, 0.75, 300 + number), 0.8, 400 + number)
            blend = (own + number / 30 * anchor).astype(np.float32)
            probe = (Embedding(blend / np.linalg.norm(blend), MODEL),)
            shown = evidence(probe[0].vector)
            accepted_before = decide.decide(MATCHER.compare(probe, before), shown)
            after = decide.decide_learned(
                MATCHER.compare(probe, template.current()),
                MATCHER.compare(probe, template),
                shown,
                bar=0.0,
            )
            if after.outcome is Outcome.ACCEPT:
                assert accepted_before.outcome is Outcome.ACCEPT
        genuine = (Embedding(near(anchor, 0.9, 7), MODEL),)
        assert MATCHER.compare(genuine, template.current()).evidence > 4.0
    assert taken_in > 0  # or nothing would have been shown


@pytest.mark.parametrize(
    ("current", "anchor", "bar", "drift", "outcome"),
    [
        (6.0, 6.0, 4.0, 0.0, Outcome.ACCEPT),
        (6.0, 3.99, 4.0, 0.0, Outcome.REJECT),
        (6.0, 3.6, 4.0, 0.5, Outcome.ACCEPT),
        (6.0, 3.4, 4.0, 0.5, Outcome.REJECT),
        (3.9, 6.0, 4.0, 0.0, Outcome.REJECT),
        (3.9, 6.0, 1.0, 0.0, Outcome.REJECT),
        (5.0, 6.0, 5.5, 0.0, Outcome.REJECT),
        (5.0, float("nan"), 4.0, 0.0, Outcome.REJECT),
    ],
)
def test_a_learned_template_decides_within_the_enrolment(
    current: float, anchor: float, bar: float, drift: float, outcome: Outcome
) -> None:
    policy = AuthenticatePolicy(4.0, 0.5, documented_head(), drift)
    decision = policy.decide_learned(
        Match(current, {MODEL: current}), Match(anchor, {MODEL: anchor}), evidence(FACE), bar=bar
    )
    assert decision.outcome is outcome
    assert decision.confidence is not None
    # What is refused never shows a score that would have been let in.
    assert (decision.confidence >= decision.threshold) is (outcome is Outcome.ACCEPT)


def scores(*values: float, under: str = "stream") -> tuple[Score, ...]:
    return tuple(Score(under, value) for value in values)


@pytest.mark.parametrize(
    ("values", "bar"),
    [
        ((), 4.0),
        ((9.0,) * 19, 4.0),
        ((9.0,) * 20, 6.0),
        ((5.2,) * 20, 4.7),
        ((4.1,) * 20, 4.0),
        ((4.1, *(5.5,) * 19), 4.0),  # of 20 the lowest counts
        ((4.1, *(5.5,) * 38), 5.0),  # of 39 the second
        ((4.1, 4.1, *(5.5,) * 57), 5.0),  # of 59 the third
        ((4.1, 4.1, 4.1, *(5.5,) * 56), 4.0),
    ],
)
def test_a_bar_only_tightens(values: tuple[float, ...], bar: float) -> None:
    assert BarPolicy().bar(scores(*values), under="stream", floor=4.0) == pytest.approx(bar)


def test_scores_of_another_kind_say_nothing() -> None:
    assert BarPolicy().bar(scores(*(9.0,) * 60), under="image", floor=4.0) == 4.0


def test_the_bar_costs_at_most_its_share_and_never_falls_below_the_floor() -> None:
    rng, policy, lost, tried = np.random.default_rng(0), BarPolicy(margin=0.0), 0, 0
    for _ in range(40):
        own: tuple[Score, ...] = ()
        for value in rng.normal(7.0, 0.8, 120):
            bar = policy.bar(own, under="stream", floor=4.0)
            assert bar >= 4.0
            tried += 1
            lost += value < bar
            own = policy.remember(own, Score("stream", float(value)))
    assert lost / tried < 0.05


def test_a_bar_follows_its_person_down() -> None:
    policy, own = BarPolicy(), scores(*(8.0,) * 60)
    refused = 0
    while policy.bar(own, under="stream", floor=4.0) > 4.5:
        refused += 1
        own = policy.remember(own, Score("stream", 4.6))
    assert refused == 3
    assert len(policy.remember((*own, *scores(*(5.0,) * 9, under="image")), own[0])) <= 2 * policy.most


def test_attempts_below_the_common_threshold_are_no_scores() -> None:
    template = enrolled()
    for but in ({"evidence": 3.9}, {"anchor_evidence": 3.9}):
        weak = attempt(template, look(1), accepted=False, **but)
        assert learn(template, Course(), weak, matcher=MATCHER, policy=POLICY).course.scores == ()
    refused = attempt(template, look(1), accepted=False)
    assert len(learn(template, Course(), refused, matcher=MATCHER, policy=POLICY).course.scores) == 1


@pytest.mark.parametrize(
    "limits",
    [
        {"drift": 0.6},
        {"drift": float("nan")},
        {"stronger_by": 0.5},
        {"days": 1},
        {"least_cosine": 0.5},
        {"liveness_share": 1.0},
    ],
)
def test_rules_that_protect_nobody_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="adapt"):
        AdaptationPolicy(match_threshold=4.0, **limits)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limits", [{"least": 1}, {"share": 0.5}, {"margin": -1.0}, {"highest": float("inf")}]
)
def test_bars_that_lock_people_out_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="personal bar"):
        BarPolicy(**limits)  # type: ignore[arg-type]


def test_a_network_in_shadow_neither_holds_nor_learns() -> None:
    alone = enrolled()
    beside = References(OTHER, np.stack([direction(70 + number) for number in range(5)]))
    template = replace(alone, references=(*alone.references, beside))
    first = attempt(template, look(1))
    assert unfit(template, first, matcher=MATCHER, policy=POLICY) is Held.NETWORK_MISSING
    policy, course = replace(POLICY, beside=frozenset({OTHER})), Course()
    for day in range(3):
        shown = attempt(template, look(day + 1), day=day)
        lesson = learn(template, course, shown, matcher=MATCHER, policy=policy)
        course = lesson.course
    assert lesson.template is not None
    decides, watches = lesson.template.references
    assert decides.adapted is not None
    assert watches is beside
