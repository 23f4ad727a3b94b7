"""Which photos make a template: the rules of a registration, without its input and output."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

import numpy as np

from facekey.core.advice import advice
from facekey.core.errors import RegistrationRefused
from facekey.core.matching import Matcher
from facekey.core.policy import RegisterPolicy
from facekey.core.types import Evidence, Floats, Quality, Reason, References


class SampleFault(StrEnum):
    """Why a photo that can be judged by itself still adds nothing to the others."""

    DUPLICATE = "duplicate"
    UNLIKE_THE_OTHERS = "unlike_the_others"


FAULT_ADVICE = {
    SampleFault.DUPLICATE: "This is the same photo as an earlier one. Take each photo anew.",
    SampleFault.UNLIKE_THE_OTHERS: "This face is too unlike the other photos. Take it again from the front.",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One photo of a registration and what was found so far.

    Attributes:
        fault: why it can't be part of the template; None as long as it can.
        evidence: None when no face could be judged.
    """

    fault: Reason | SampleFault | None
    evidence: Evidence | None
    quality: Quality | None

    def verdict(self) -> dict[str, object]:
        """What the client is told about this photo."""
        return {
            "accepted": self.fault is None,
            "reason": "accepted" if self.fault is None else str(self.fault),
            "advice": _advice(self.fault),
            "quality_score": None if self.quality is None else round(self.quality.overall, 4),
            "liveness_score": None if self.evidence is None else round(self.evidence.liveness.score, 4),
        }


def usable(samples: Sequence[Sample]) -> list[Evidence]:
    """Evidence of the photos without a fault."""
    return [sample.evidence for sample in samples if sample.fault is None and sample.evidence is not None]


def judge_together(samples: Sequence[Sample], matcher: Matcher, policy: RegisterPolicy) -> list[Sample]:
    """Judge photos that were judged one by one against each other.

    (1) leave out repeated photos, (2) refuse two people, (3) leave out odd photos,
    (4) refuse too few.

    Raises:
        RegistrationRefused: `different_people` or `too_few_usable_images`, with a verdict
            for each photo.
    """
    # (1) First, or one photo sent five times would outvote the others.
    judged = _without_duplicates(samples, policy)

    # (2)
    strangers = _second_person(usable(judged), matcher, policy)
    if strangers:
        raise RegistrationRefused(
            "different_people",
            "the photos show more than one person; register each person with photos of their own",
            [_mark_unlike(sample, strangers).verdict() for sample in judged],
        )

    # (3)
    odd = _odd(usable(judged), matcher, policy)
    judged = [_mark_unlike(sample, odd) for sample in judged]

    # (4)
    count = len(usable(judged))
    if count < policy.min_valid:
        raise RegistrationRefused(
            "too_few_usable_images",
            f"{count} of {len(judged)} photos can be used and {policy.min_valid} are needed; "
            "`samples` says what to do about each",
            [sample.verdict() for sample in judged],
        )
    return judged


def references_of(accepted: Sequence[Evidence]) -> tuple[References, ...]:
    """All photos' embeddings, by network.

    Args:
        accepted: at least one. A network that has not seen every photo is left out: one in
            shadow may fail where those that decide don't.
    """
    seen = [{embedding.model: embedding.vector for embedding in evidence.embeddings} for evidence in accepted]
    return tuple(
        References(first.model, np.stack([vectors[first.model] for vectors in seen]))
        for first in accepted[0].embeddings
        if all(first.model in vectors for vectors in seen)
    )


def _without_duplicates(samples: Sequence[Sample], policy: RegisterPolicy) -> list[Sample]:
    kept: list[Evidence] = []
    judged: list[Sample] = []
    for sample in samples:
        evidence = sample.evidence
        if sample.fault is None and evidence is not None:
            if any(_same_photo(evidence, other, policy) for other in kept):
                judged.append(replace(sample, fault=SampleFault.DUPLICATE))
                continue
            kept.append(evidence)
        judged.append(sample)
    return judged


def _same_photo(left: Evidence, right: Evidence, policy: RegisterPolicy) -> bool:
    return float((left.thumbprint * right.thumbprint).sum()) >= policy.duplicate_similarity


def _second_person(evidences: Sequence[Evidence], matcher: Matcher, policy: RegisterPolicy) -> list[Evidence]:
    """The smaller side of the split whose two mean faces are least alike, if they are two people.

    Every split into two groups is tried (at most 511, for ten photos), so that three
    photos of one person and two of another are found as surely as a single stranger.
    Two means that are hardly alike are two people. So are two that could pass for one person
    seen twice, when the photos on each side are much more alike than the sides are: people
    who resemble each other.
    """
    cosines = _cosines(evidences)
    worst: tuple[float, list[Evidence]] | None = None
    for size in range(1, len(evidences) // 2 + 1):
        for places in combinations(range(len(evidences)), size):
            few = [evidences[place] for place in places]
            rest = [place for place in range(len(evidences)) if place not in places]
            alike = _likeness(few, [evidences[place] for place in rest], matcher)
            if worst is not None and alike >= worst[0]:
                continue
            if alike < policy.two_people_threshold or (
                alike < policy.same_person_threshold
                and size > 1
                and _contrast(cosines, list(places), rest) > policy.two_people_contrast
            ):
                worst = (alike, few)
    return [] if worst is None else worst[1]


def _cosines(evidences: Sequence[Evidence]) -> Floats:
    """How alike each two photos are to the first network, (N, N).

    Cosines of different networks have no common scale, and the line between one person and two
    was measured with that one.
    """
    if not evidences:
        return np.zeros((0, 0), np.float32)
    vectors = references_of(evidences)[0].vectors
    return np.asarray(vectors @ vectors.T, np.float32)


def _contrast(cosines: Floats, few: list[int], rest: list[int]) -> float:
    """By how much photos are more alike within two groups of two or more than between them."""
    within = [cosines[pair] for side in (few, rest) for pair in combinations(side, 2)]
    return float(np.mean(within) - cosines[np.ix_(few, rest)].mean())


def _odd(evidences: Sequence[Evidence], matcher: Matcher, policy: RegisterPolicy) -> list[Evidence]:
    """Photos that are not plainly the same person as the mean of the others."""
    if len(evidences) < 2:
        return []
    return [
        one
        for one in evidences
        if _likeness([one], [other for other in evidences if other is not one], matcher)
        < policy.same_person_threshold
    ]


def _likeness(left: Sequence[Evidence], right: Sequence[Evidence], matcher: Matcher) -> float:
    means = [[references.centroid() for references in references_of(side)] for side in (left, right)]
    return matcher.compare_probes(*means).evidence


def _mark_unlike(sample: Sample, strangers: Sequence[Evidence]) -> Sample:
    if any(sample.evidence is stranger for stranger in strangers):
        return replace(sample, fault=SampleFault.UNLIKE_THE_OTHERS)
    return sample


def _advice(fault: Reason | SampleFault | None) -> str | None:
    if fault is None:
        return None
    return FAULT_ADVICE[fault] if isinstance(fault, SampleFault) else advice(fault)
