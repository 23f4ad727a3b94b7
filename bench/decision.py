"""A decision without a store: the engine, the comparison and the policy that the service has."""

from facekey.core.calibration import evidence_of_fmr
from facekey.core.policy import AuthenticatePolicy
from facekey.core.types import Decision, Evidence
from facekey.settings import Settings, read_settings
from facekey.wiring.head import load_head
from facekey.wiring.vision import open_vision, open_zoo
from facekey.zoo.cores import MAX_THREADS


class Decider:
    """Looks at pictures, and decides between two looks as `authenticate` does."""

    def __init__(self, settings: Settings | None = None, *, threads: int = MAX_THREADS) -> None:
        """Load the networks that the settings name.

        Args:
            settings: of the deployment; left out, those of the environment.
            threads: for one run of a network, at most.
        """
        settings = settings or read_settings()
        self.vision = open_vision(open_zoo(settings, threads=threads))
        self._policy = AuthenticatePolicy(
            evidence_of_fmr(settings.match_fmr), self.vision.liveness_threshold, load_head()
        )

    def look(self, image: bytes) -> Evidence:
        """All that one picture says; raises what `Pipeline.analyze` raises."""
        return self.vision.pipeline.analyze(image)

    def decide(self, enrolled: Evidence, shown: Evidence) -> Decision:
        """Whether the person who is shown is the one who is enrolled, and live."""
        match = self.vision.matcher.compare_probes(shown.embeddings, enrolled.embeddings)
        return self._policy.decide(match, shown)
