"""Adaptation under attack, on LFW: does an impostor who feeds a template get in more often?

Protocol: the first five pictures of a person are their enrolment; everybody with more than
five is a victim. The attacker is given all that is hard: liveness, challenges and quality
pass, the victim never logs in meanwhile, and once a day for 30 days a probe is shown.
Impostors are the five people (with four pictures or more) whose mean face is most like the
victim's. Three attacks:
  picture   the impostor's own picture that matches best, a little different each day
  pulled    a vector made for it: as much impostor as the rules let through, known exactly
  walk      the same, found anew each day against the template as it is by then
Counted is how many of the impostor's own pictures are accepted before and after, at the
common threshold, and the victim's other pictures. `drift` is FACEKEY_ADAPTATION_DRIFT.
Then the same days with the victim's own pictures (honest use), for false match and
non-match rates; and the bar of one's own, on scores drawn from each person's own spread,
since nobody in LFW has pictures enough.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import faces
from bench.host import describe
from bench.intervals import written
from facekey.core.adaptation import AdaptationPolicy, Course, LiveAttempt, learn, unfit
from facekey.core.calibration import evidence_of_fmr
from facekey.core.matching import Matcher
from facekey.core.personal_bar import BarPolicy, Score
from facekey.core.types import Embedding, Floats, ModelId, References, SubjectId, Template

DAYS = 30
IMPOSTORS = 5
FEWEST = 4
ENROLLED_PHOTOS = 5
THRESHOLD = evidence_of_fmr(1e-4)
DRIFTS = (0.0, 0.25, 0.5)
START = datetime(2026, 1, 1, 12, tzinfo=UTC)

Show = Callable[[Template, int], Floats | None]
"""What is shown to a template on a day; None when nothing would be taken."""


@dataclass(frozen=True, slots=True)
class Victim:
    """A person and those who are most like them."""

    enrolled: Template
    others: NDArray[np.float32]
    impostors: list[NDArray[np.float32]]


def main(data: Path | None) -> None:
    """Measure and print."""
    if data is None:
        raise SystemExit("poisoning needs --data")
    print(__doc__)
    print(f"machine: {describe()}")
    engine = faces.engine()
    got = faces.lfw(data, engine)
    model = engine.matcher.models[0]
    vectors = {name: got.captures[name].vectors[model] for name in got.judged}
    matcher = Matcher({model: engine.calibrations[model]})
    people: dict[str, list[Floats]] = {}
    for name, vector in vectors.items():
        people.setdefault(name.split("/")[0], []).append(vector)
    victims = list(_victims(people, model))
    print(f"network: {model}; {len(victims)} victims, {IMPOSTORS} impostors each")
    for attack in (_picture, _pulled, _walk):
        _attacked(attack, victims, matcher)
    _honest(people, model, matcher)
    _bars(people, model, matcher)


def _victims(people: dict[str, list[Floats]], model: ModelId) -> Iterator[Victim]:
    many = {name: np.stack(own) for name, own in people.items() if len(own) >= FEWEST}
    means = np.stack([own.mean(axis=0) for own in many.values()])
    names = list(many)
    for name, own in people.items():
        if len(own) <= ENROLLED_PHOTOS:
            continue
        enrolled = Template(SubjectId("victim"), (References(model, np.stack(own[:ENROLLED_PHOTOS])),))
        order = np.argsort(-(means @ enrolled.references[0].mean()))
        alike = [names[place] for place in order if names[place] != name][:IMPOSTORS]
        yield Victim(enrolled, np.stack(own[ENROLLED_PHOTOS:]), [many[one] for one in alike])


def _attempt(template: Template, vector: Floats, day: int, matcher: Matcher) -> LiveAttempt:
    probe = (Embedding(vector, template.references[0].model),)
    anchor, current = matcher.compare(probe, template), matcher.compare(probe, template.current())
    return LiveAttempt(
        template.subject_id,
        "stream",
        current.evidence,
        anchor.evidence,
        probe,
        liveness=1.0,
        liveness_threshold=0.5,
        quality=1.0,
        challenged=True,
        accepted=anchor.evidence >= THRESHOLD and current.evidence >= THRESHOLD,
        at=START + timedelta(days=day),
    )


def _month(template: Template, show: Show, matcher: Matcher, policy: AdaptationPolicy) -> Template:
    course = Course()
    for day in range(DAYS):
        vector = show(template, day)
        if vector is None:
            continue
        attempt = _attempt(template, vector, day, matcher)
        lesson = learn(template, course, attempt, matcher=matcher, policy=policy)
        course, template = lesson.course, lesson.template or template
    return template


def _picture(victim: Victim, impostor: NDArray[np.float32], _matcher: Matcher) -> Show:
    best = impostor[int(np.argmax(impostor @ victim.enrolled.references[0].mean()))]
    return lambda _, day: _jittered(best, day)


def _pulled(victim: Victim, impostor: NDArray[np.float32], matcher: Matcher) -> Show:
    pulled = _strongest(victim.enrolled, impostor, matcher, AdaptationPolicy(THRESHOLD))
    return lambda _, day: None if pulled is None else _jittered(pulled, day)


def _walk(_victim: Victim, impostor: NDArray[np.float32], matcher: Matcher) -> Show:
    # Each refused turn makes the attacker a little more modest: a deployment tells no more than that.
    modest = {"share": 0.0, "learned": 0}

    def show(template: Template, day: int) -> Floats | None:
        adapted = template.references[0].adapted
        learned = 0 if adapted is None else len(adapted)
        if day % 3 == 0 and day and learned == modest["learned"]:
            modest["share"] = min(0.9, modest["share"] + 0.1)
        modest["learned"] = learned
        pulled = _strongest(template, impostor, matcher, AdaptationPolicy(THRESHOLD))
        if pulled is None:
            return None
        anchor = template.references[0].centroid().vector
        return _jittered(_unit((1 - modest["share"]) * pulled + modest["share"] * anchor), day)

    return show


def _strongest(
    template: Template, impostor: NDArray[np.float32], matcher: Matcher, policy: AdaptationPolicy
) -> Floats | None:
    """The vector with most of the impostor in it that one probe may have."""
    anchor, face = template.references[0].centroid().vector, _unit(impostor.mean(axis=0))
    side = _unit(face - (face @ anchor) * anchor)
    low, high = 0.0, 1.0
    for _ in range(20):
        cosine = (low + high) / 2
        tried = _unit(cosine * anchor + np.sqrt(1 - cosine**2) * side)
        fit = unfit(template, _attempt(template, tried, 0, matcher), matcher=matcher, policy=policy) is None
        low, high = (low, cosine) if fit else (cosine, high)
    cosine = min(1.0, high + 0.005)  # what the jitter takes away
    return _unit(cosine * anchor + np.sqrt(1 - cosine**2) * side)


def _jittered(vector: Floats, day: int) -> Floats:
    noise = np.random.default_rng(day).standard_normal(vector.size)
    return _unit(vector + 0.125 * noise / np.linalg.norm(noise))


def _unit(vector: NDArray[np.floating]) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _accepted(template: Template, probes: NDArray[np.float32], matcher: Matcher, drift: float) -> int:
    attempts = [_attempt(template, probe, 0, matcher) for probe in probes]
    return sum(one.evidence >= THRESHOLD and one.anchor_evidence >= THRESHOLD - drift for one in attempts)


def _attacked(
    attack: Callable[[Victim, NDArray[np.float32], Matcher], Show], victims: list[Victim], matcher: Matcher
) -> None:
    before = total = taken = pairs = own_before = own_total = 0
    after, own_after = dict.fromkeys(DRIFTS, 0), dict.fromkeys(DRIFTS, 0)
    for victim in victims:
        for impostor in victim.impostors:
            show = attack(victim, impostor, matcher)
            fed = _month(victim.enrolled, show, matcher, AdaptationPolicy(THRESHOLD))
            pairs += 1
            taken += fed.references[0].adapted is not None
            before += _accepted(victim.enrolled, impostor, matcher, 0.0)
            own_before += _accepted(victim.enrolled, victim.others, matcher, 0.0)
            total, own_total = total + len(impostor), own_total + len(victim.others)
            for drift in DRIFTS:
                after[drift] += _accepted(fed, impostor, matcher, drift)
                own_after[drift] += _accepted(fed, victim.others, matcher, drift)
    print(f"{attack.__name__[1:]}: took something in {taken} of {pairs}")
    print(f"  impostor accepted before: {written(before, total)}; victim: {written(own_before, own_total)}")
    for drift in DRIFTS:
        impostor_part = written(after[drift], total)
        print(f"  after, drift {drift:g}: {impostor_part}; victim: {written(own_after[drift], own_total)}")


def _honest(people: dict[str, list[Floats]], model: ModelId, matcher: Matcher) -> None:
    """Days with the person's own pictures; the last two are kept for the test."""
    everybody = [(name, vector) for name, own in people.items() for vector in own]
    whose, probes = np.array([name for name, _ in everybody]), np.stack([vector for _, vector in everybody])
    seen = {"before": 0, "after": 0}
    own = {"before": 0, **{f"after, drift {drift:g}": 0 for drift in DRIFTS}}
    templates = refreshed = comparisons = mated = 0
    for name, vectors in people.items():
        if len(vectors) < ENROLLED_PHOTOS + 5:
            continue
        enrolled = Template(SubjectId("person"), (References(model, np.stack(vectors[:ENROLLED_PHOTOS])),))
        days = vectors[ENROLLED_PHOTOS:-2]
        grown = _month(
            enrolled, lambda _, day, days=days: days[day] if day < len(days) else None, matcher,
            AdaptationPolicy(THRESHOLD),
        )  # fmt: skip
        templates, refreshed = templates + 1, refreshed + (grown.references[0].adapted is not None)
        strangers = probes[whose != name]
        comparisons += len(strangers)
        line = matcher.cosine_at(model, THRESHOLD)
        for word, template in (("before", enrolled), ("after", grown.current())):
            mean = template.references[0].mean()
            seen[word] += int((strangers @ mean / np.sqrt(np.linalg.norm(mean)) >= line).sum())
        left = np.stack(vectors[-2:])
        mated += len(left)
        own["before"] += _accepted(enrolled, left, matcher, 0.0)
        for drift in DRIFTS:
            own[f"after, drift {drift:g}"] += _accepted(grown, left, matcher, drift)
    print(f"honest use: {refreshed} of {templates} templates were refreshed")
    for word, count in seen.items():
        print(f"  strangers at or above the threshold {word}: {written(count, comparisons)}")
    for word, count in own.items():
        print(f"  the person accepted {word}: {written(count, mated)}")


def _bars(people: dict[str, list[Floats]], model: ModelId, matcher: Matcher) -> None:
    """The bar after 60 own scores: what it costs the person, and what it takes from strangers."""
    rng, policy = np.random.default_rng(0), BarPolicy()
    everybody = [(name, vector) for name, own in people.items() for vector in own]
    whose, probes = np.array([name for name, _ in everybody]), np.stack([vector for _, vector in everybody])
    lost = tried = raised = strangers_before = strangers_after = comparisons = 0
    persons = 0
    for name, vectors in people.items():
        if len(vectors) < ENROLLED_PHOTOS + 3:
            continue
        enrolled = Template(SubjectId("person"), (References(model, np.stack(vectors[:ENROLLED_PHOTOS])),))
        own = [_attempt(enrolled, one, 0, matcher).evidence for one in vectors[ENROLLED_PHOTOS:]]
        middle, spread = float(np.mean(own)), max(0.5, float(np.std(own, ddof=1)))
        scores: tuple[Score, ...] = ()
        for value in rng.normal(middle, spread, 160):
            bar = policy.bar(scores, under="stream", floor=THRESHOLD)
            if len(scores) == policy.most and value >= THRESHOLD:
                tried, lost = tried + 1, lost + int(value < bar)
            if value >= THRESHOLD:
                scores = policy.remember(scores, Score("stream", float(value)))
        persons += 1
        bar = policy.bar(scores, under="stream", floor=THRESHOLD)
        raised += bar > THRESHOLD
        mean = enrolled.references[0].mean()
        cosines = probes[whose != name] @ mean / np.sqrt(np.linalg.norm(mean))
        comparisons += len(cosines)
        strangers_before += int((cosines >= matcher.cosine_at(model, THRESHOLD)).sum())
        strangers_after += int((cosines >= matcher.cosine_at(model, bar)).sum())
    print(f"bar of one's own: raised for {raised} of {persons}")
    print(f"  own attempts lost to it: {written(lost, tried)}")
    print(f"  strangers accepted at the common threshold: {written(strangers_before, comparisons)}")
    print(f"  and at the bar: {written(strangers_after, comparisons)}")
