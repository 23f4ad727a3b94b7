"""The decision: which evidence is enough.

A policy is a list of checks, each of which may object; the first objection is the
answer. All thresholds of FaceKey are here, and each comes from a model card that says
how it was measured.
"""

import math
from dataclasses import dataclass
from typing import Protocol

from facekey.core.calibration import confidence
from facekey.core.head import Head, HeadInput
from facekey.core.matching import Match
from facekey.core.types import Decision, Evidence, Outcome, Quality, Reason

MIRROR_GAP = 0.01  # decades; what lies on the threshold itself must not stay there


@dataclass(frozen=True, slots=True)
class Attempt:
    """One capture held against one template.

    Attributes:
        match_evidence: fused, in decades of false match rate.
        liveness: calibrated probability of a live person, 0..1.
    """

    match_evidence: float
    liveness: float
    quality: Quality


class Check(Protocol):
    """One condition of a policy."""

    def objection(self, attempt: Attempt) -> Reason | None:
        """Why the attempt fails this check, or None when it passes."""
        ...


@dataclass(frozen=True, slots=True)
class GoodEnough:
    """The capture can be judged at all."""

    def objection(self, attempt: Attempt) -> Reason | None:
        """The worst fault of the capture."""
        return attempt.quality.reasons[0] if attempt.quality.reasons else None


@dataclass(frozen=True, slots=True)
class Live:
    """A live person was in front of the camera.

    Attributes:
        threshold: lowest liveness score that passes.
    """

    threshold: float

    def objection(self, attempt: Attempt) -> Reason | None:
        """`SPOOF_SUSPECTED` below the threshold, and for NaN."""
        return None if attempt.liveness >= self.threshold else Reason.SPOOF_SUSPECTED


@dataclass(frozen=True, slots=True)
class Matches:
    """The face is the claimed one.

    Attributes:
        threshold: lowest match evidence that passes, in decades of false match rate.
    """

    threshold: float

    def objection(self, attempt: Attempt) -> Reason | None:
        """`NO_MATCH` below the threshold, and for NaN."""
        return None if attempt.match_evidence >= self.threshold else Reason.NO_MATCH


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every check must pass; they are asked in order.

    Raises:
        ValueError: there are no checks: that would let everybody in.
    """

    checks: tuple[Check, ...]

    def __post_init__(self) -> None:
        """No checks is not a pass."""
        if not self.checks:
            raise ValueError("a policy without checks would accept everybody")

    def objection(self, attempt: Attempt) -> Reason | None:
        """The first objection."""
        for check in self.checks:
            reason = check.objection(attempt)
            if reason is not None:
                return reason
        return None


@dataclass(frozen=True, slots=True)
class AuthenticatePolicy:
    """When a person is let in.

    Attributes:
        match_threshold: in decades of false match rate: 4.0 is FMR 1e-4.
        liveness_threshold: from the card of the liveness network.
        head: turns the same evidence into a probability for the answer.
        drift: with adaptation, decades below the threshold to which the match with the photos
            of the enrolment alone may fall (`decide_learned`).

    Raises:
        ValueError: a threshold is not finite.
    """

    match_threshold: float
    liveness_threshold: float
    head: Head
    drift: float = 0.0

    def __post_init__(self) -> None:
        """A NaN threshold would turn every comparison into a surprise."""
        _check_thresholds(self.liveness_threshold, self.match_threshold, self.drift)

    def decide(self, match: Match, evidence: Evidence) -> Decision:
        """Judge in the order quality, liveness, match; the first objection is the reason.

        Scores of the match are kept out of the answer when the face wasn't live: someone
        who holds up a photo must not learn how good the photo is.
        """
        attempt = Attempt(match.evidence, evidence.liveness.score, evidence.quality)
        checks = AllOf((GoodEnough(), Live(self.liveness_threshold), Matches(self.match_threshold)))
        reason = checks.objection(attempt)
        compared = reason in (None, Reason.NO_MATCH)
        return Decision(
            outcome=_outcome(reason),
            reason=Reason.LIVE_MATCH if reason is None else reason,
            threshold=confidence(self.match_threshold),
            confidence=match.confidence if compared else None,
            liveness_score=evidence.liveness.score,
            quality=evidence.quality,
            probability=self._probability(attempt) if compared else None,
            similarities=match.similarities if compared else {},
        )

    def decide_unclaimed(self, match: Match, evidence: Evidence) -> Decision:
        """Judge a claim that nobody stands behind: never a yes, nor scores that would have been one.

        By chance a capture can resemble a decoy as it can resemble a stranger. A no beside
        a score above the threshold would tell that the id doesn't exist, so scores that
        pass are mirrored to below the threshold.
        """
        excess = match.evidence - self.match_threshold
        if excess < 0.0:
            return self.decide(match, evidence)
        lowered = 2.0 * excess + MIRROR_GAP
        by_network = {model: value - lowered for model, value in match.by_network.items()}
        return self.decide(Match(match.evidence - lowered, by_network), evidence)

    def decide_learned(self, match: Match, anchor: Match, evidence: Evidence, *, bar: float) -> Decision:
        """Judge by the current template and the person's own bar, within what the enrolment allows.

        Accepted is only who reaches the bar with the current template *and* the common
        threshold, less the drift, with the photos of the enrolment alone. Whoever reaches the
        threshold and is refused all the same gets scores like any refused: otherwise they
        would tell that somebody of this id exists, and how strongly they match.

        Args:
            match: with the template as it is now.
            anchor: with the photos of the enrolment.
            evidence: the capture.
            bar: the person's own; counts where it is above the threshold.
        """
        reaches = match.evidence >= max(bar, self.match_threshold)
        # Not `<`: NaN must not pass.
        allowed = anchor.evidence >= self.match_threshold - self.drift
        return self.decide(match, evidence) if reaches and allowed else self.decide_unclaimed(match, evidence)

    def unjudged(self, reason: Reason, quality: Quality | None) -> Decision:
        """The answer when nothing was compared: there was no face to judge, or the capture was refused."""
        return Decision(_outcome(reason), reason, threshold=confidence(self.match_threshold), quality=quality)

    def _probability(self, attempt: Attempt) -> float:
        return self.head.probability(
            HeadInput.of(
                match_evidence=attempt.match_evidence,
                match_threshold=self.match_threshold,
                liveness=attempt.liveness,
                liveness_threshold=self.liveness_threshold,
                quality=attempt.quality.overall,
            )
        )


@dataclass(frozen=True, slots=True)
class IdentifyPolicy:
    """When a face found in the gallery is named.

    The chance that a stranger is taken for *somebody* grows with the gallery, so the
    threshold does too: the false match rate asked of each comparison is the false
    positive identification rate wanted for the whole search, divided by the gallery's
    size, and never laxer than for a single comparison.

    Attributes:
        match_threshold: the floor, in decades of false match rate.
        false_positive_rate: of a whole search by a stranger.

    Raises:
        ValueError: a threshold is not finite, or the rate is not between 0 and 1.
    """

    match_threshold: float
    false_positive_rate: float
    liveness_threshold: float

    def __post_init__(self) -> None:
        """As for `AuthenticatePolicy`."""
        _check_thresholds(self.liveness_threshold, self.match_threshold)
        if not 0.0 < self.false_positive_rate < 1.0:
            raise ValueError("the false positive rate of a search lies between 0 and 1")

    def threshold(self, gallery_size: int) -> float:
        """Match evidence that a candidate needs, in decades."""
        if gallery_size <= 0:
            return self.match_threshold
        return max(self.match_threshold, math.log10(gallery_size / self.false_positive_rate))

    def objection(self, evidence: Evidence) -> Reason | None:
        """Why this capture can't be searched for."""
        return _unusable(evidence, self.liveness_threshold)


@dataclass(frozen=True, slots=True)
class RegisterPolicy:
    """When photos make an enrolment.

    Attributes:
        min_images: fewest photos a registration may bring.
        max_images: most photos.
        min_valid: fewest usable, distinct photos that make a template.
        same_person_threshold: evidence that each photo must reach against the mean of the
            others; below it the photo is left out.
        two_people_threshold: below this the photo shows somebody else and the whole
            registration is refused.
        two_people_contrast: cosine by which photos of two groups may be more alike within than
            between while the groups don't reach `same_person_threshold`; beyond it they
            are two people. 0.25: of 149 people of LFW with six photos none was refused,
            while of mixtures with the most similar of the others 25 % pass instead of 70 %.
        duplicate_similarity: thumbprint correlation above which two photos are one.
        liveness_threshold: from the card of the liveness network.

    Raises:
        ValueError: a threshold is not finite, or a template could be made of no photo.
    """

    same_person_threshold: float
    two_people_threshold: float
    liveness_threshold: float
    min_images: int = 5
    max_images: int = 10
    min_valid: int = 3
    two_people_contrast: float = 0.25
    duplicate_similarity: float = 0.999

    def __post_init__(self) -> None:
        """A NaN line would find no second person and no odd photo."""
        _check_thresholds(
            self.liveness_threshold,
            self.same_person_threshold,
            self.two_people_threshold,
            self.two_people_contrast,
            self.duplicate_similarity,
        )
        if not 1 <= self.min_valid <= self.min_images <= self.max_images:
            raise ValueError("a registration needs 1 <= min_valid <= min_images <= max_images")

    def objection(self, evidence: Evidence) -> Reason | None:
        """Why this photo can't be part of a template."""
        return _unusable(evidence, self.liveness_threshold)


def _unusable(evidence: Evidence, liveness_threshold: float) -> Reason | None:
    """What is wrong with a capture by itself, before it is compared with anybody."""
    attempt = Attempt(math.nan, evidence.liveness.score, evidence.quality)
    return AllOf((GoodEnough(), Live(liveness_threshold))).objection(attempt)


def _check_thresholds(liveness: float, *others: float) -> None:
    if not (0.0 < liveness < 1.0 and all(math.isfinite(value) for value in others)):
        raise ValueError("thresholds must be finite, and the liveness threshold between 0 and 1")


def _outcome(reason: Reason | None) -> Outcome:
    if reason is None:
        return Outcome.ACCEPT
    if reason in (Reason.NO_MATCH, Reason.SPOOF_SUSPECTED, Reason.CHALLENGE_FAILED, Reason.VOICE_NO_MATCH):
        return Outcome.REJECT
    return Outcome.RETRY
