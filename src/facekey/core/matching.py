"""Comparing a probe with a template over all the networks that both know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from facekey.core.calibration import Calibration, confidence
from facekey.core.errors import ModelMismatch
from facekey.core.fusion import fuse
from facekey.core.similarity import cosine, likeness
from facekey.core.types import Embedding, ModelId, Template


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

    def __init__(self, calibrations: Mapping[ModelId, Calibration]) -> None:
        """Take the calibration of each network in use.

        Raises:
            ValueError: there is none: nothing could ever be decided.
        """
        if not calibrations:
            raise ValueError("matching needs at least one calibrated recognition network")
        self._calibrations = dict(calibrations)

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
        enrolled = {references.model: references for references in template.references}
        by_network = {
            embedding.model: self._calibrations[embedding.model].evidence(
                likeness(embedding, enrolled[embedding.model])
            )
            for embedding in probe
            if embedding.model in enrolled and embedding.model in self._calibrations
        }
        return self._fused(by_network, probe, tuple(enrolled))

    def compare_probes(self, left: Sequence[Embedding], right: Sequence[Embedding]) -> Match:
        """Compare two captures, one photo against another.

        Raises:
            ModelMismatch: they share no network.
        """
        other = {embedding.model: embedding for embedding in right}
        by_network = {
            embedding.model: self._calibrations[embedding.model].evidence(
                cosine(embedding, other[embedding.model])
            )
            for embedding in left
            if embedding.model in other and embedding.model in self._calibrations
        }
        return self._fused(by_network, left, tuple(other))

    @staticmethod
    def _fused(
        by_network: Mapping[ModelId, float], probe: Sequence[Embedding], have: tuple[ModelId, ...]
    ) -> Match:
        if not by_network:
            raise ModelMismatch(ModelId(", ".join(embedding.model for embedding in probe)), have)
        return Match(fuse(tuple(by_network.values())), by_network)
