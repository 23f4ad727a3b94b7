"""Sequence judge: several frames of one person to one liveness score."""

import math
from collections.abc import Mapping, Sequence

from facekey.core.liveness import LivenessFusion
from facekey.core.ports.vision import SequenceNetwork
from facekey.core.types import Glimpse, Liveness, ModelId

FRAMES = "frames"
"""The part that single frames give: what the liveness network says of each of them."""

MIN_ODDS = 1e-3  # a probability of exactly 0 or 1 would outvote every other frame


class SequenceJudge:
    """Asks every part and combines what they say. Holds no state; safe to share between threads."""

    def __init__(self, networks: Mapping[str, SequenceNetwork], fusion: LivenessFusion) -> None:
        """Take the parts.

        Args:
            networks: by the names that the fusion knows them by.
            fusion: what each is worth; it must know `FRAMES` and every network.

        Raises:
            ValueError: the fusion has no weight for one of them.
        """
        unknown = {FRAMES, *networks} - fusion.weights.keys()
        if unknown:
            raise ValueError(f"the fusion has no weight for {', '.join(sorted(unknown))}")
        self._networks = dict(networks)
        self._fusion = fusion

    @property
    def threshold(self) -> float:
        """Lowest score that passes as live."""
        return self._fusion.threshold

    def judge(self, glimpses: Sequence[Glimpse]) -> Liveness:
        """One score from what every frame says and from what happens between them.

        Args:
            glimpses: of one person, at least one, in the order of their times.

        Returns:
            The fused score; its parts are those that said something.

        Raises:
            ValueError: there is no frame, or a part is no probability.
            ModelOutputInvalid: a network gave something that can't be right.
        """
        if not glimpses:
            raise ValueError("liveness over time needs at least one frame")
        said: dict[str, float | None] = {FRAMES: mean_odds(glimpses)}
        said |= {name: network.score(glimpses) for name, network in self._networks.items()}
        parts = {self._id(name): value for name, value in said.items() if value is not None}
        return Liveness(self._fusion.score(said), parts)

    def _id(self, name: str) -> ModelId:
        network = self._networks.get(name)
        return ModelId(name) if network is None else network.model_id


def mean_odds(glimpses: Sequence[Glimpse]) -> float:
    """What the liveness network says of all frames together: the mean of its log-odds, as a probability."""
    bounded = [min(max(glimpse.evidence.liveness.score, MIN_ODDS), 1.0 - MIN_ODDS) for glimpse in glimpses]
    odds = math.fsum(math.log(score / (1.0 - score)) for score in bounded) / len(bounded)
    return 0.5 * (1.0 + math.tanh(odds / 2.0))
