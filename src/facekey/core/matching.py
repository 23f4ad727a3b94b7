"""Comparing a probe with a template over all the networks that both know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facekey.core.calibration import Calibration, confidence
from facekey.core.errors import ModelMismatch
from facekey.core.fusion import FusionRule, Means, fuse, fuse_many
from facekey.core.similarity import likeness_of, likenesses_of
from facekey.core.types import Embedding, Floats, ModelId, Template


@dataclass(frozen=True, slots=True)
class Match:
    """How alike a probe and a template are.

    Attributes:
        evidence: fused, in decades of false match rate (`core.calibration`).
        by_network: evidence of each network that took part.
    """

    evidence: float
    by_network: Mapping[ModelId, float]

    @property
    def confidence(self) -> float:
        """The fused evidence on the API's scale, 0..1."""
        return confidence(self.evidence)

    @property
    def similarities(self) -> dict[str, float]:
        """Each network's evidence on the API's scale under its short name, and `fusion`."""
        named = {short_name(model): confidence(value) for model, value in self.by_network.items()}
        return {**named, "fusion": self.confidence}


def short_name(model: ModelId) -> str:
    """`mobilefacenet` of `mobilefacenet:d8ba40c0127f`."""
    return model.partition(":")[0]


class Matcher:
    """Compares with the networks that have a calibration; others have no say."""

    def __init__(self, calibrations: Mapping[ModelId, Calibration], rules: Sequence[FusionRule] = ()) -> None:
        """Take the calibration of each network in use.

        Args:
            calibrations: of each network by itself.
            rules: learned fusions, each for one set of networks. A set that none is for is
                fused by `core.fusion.fuse`.

        Raises:
            ValueError: there is no network: nothing could ever be decided; or two rules are
                for the same networks.
        """
        if not calibrations:
            raise ValueError("matching needs at least one calibrated recognition network")
        self._calibrations = dict(calibrations)
        self._rules = {rule.networks: rule for rule in rules}
        if len(self._rules) != len(rules):
            raise ValueError("two fusion rules are for the same networks")

    @property
    def models(self) -> tuple[ModelId, ...]:
        """The networks that take part."""
        return tuple(self._calibrations)

    def cosine_at(self, model: ModelId, evidence: float) -> float:
        """The cosine at which one network gives this evidence.

        Raises:
            KeyError: the network takes no part.
        """
        return self._calibrations[model].cosine_at(evidence)

    def compare(self, probe: Sequence[Embedding], template: Template) -> Match:
        """Compare on every network that the probe and the template share.

        Raises:
            ModelMismatch: they share none: the person must be enrolled again.
        """
        return self._compare(
            _vectors(probe), {references.model: references.mean() for references in template.references}
        )

    def compare_probes(self, left: Sequence[Embedding], right: Sequence[Embedding]) -> Match:
        """Compare two captures, one photo against another.

        Raises:
            ModelMismatch: they share no network.
        """
        return self._compare(_vectors(left), _vectors(right))

    def evidences(self, probes: Mapping[ModelId, Floats], references: Mapping[ModelId, Floats]) -> Floats:
        """Fused evidence of many faces against many others at once, for evaluation.

        Args:
            probes: by network (N, D) means of unit vectors, as of one photo or of a template's;
                all rows have the same networks.
            references: by network (M, D).

        Returns:
            (N, M) float32, what `compare` gives for each pair.

        Raises:
            ModelMismatch: they share no network.
        """
        shared = self._shared(probes, references)
        rule = self._rules.get(frozenset(shared))
        if rule is not None:
            return rule.evidences(probes, references)
        return fuse_many(
            [
                self._calibrations[model].evidences(likenesses_of(probes[model], references[model]))
                for model in shared
            ]
        )

    def _compare(self, probe: Means, reference: Means) -> Match:
        shared = self._shared(probe, reference)
        by_network = {
            model: self._calibrations[model].evidence(likeness_of(probe[model], reference[model]))
            for model in shared
        }
        rule = self._rules.get(frozenset(shared))
        if rule is None:
            return Match(fuse(tuple(by_network.values())), by_network)
        return Match(rule.evidence(probe, reference), by_network)

    def _shared(self, probe: Means, reference: Means) -> tuple[ModelId, ...]:
        shared = tuple(model for model in self._calibrations if model in probe and model in reference)
        if not shared:
            raise ModelMismatch(ModelId(", ".join(probe)), tuple(reference))
        return shared


def _vectors(embeddings: Sequence[Embedding]) -> dict[ModelId, Floats]:
    return {embedding.model: np.asarray(embedding.vector) for embedding in embeddings}
