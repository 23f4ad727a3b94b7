"""What is counted of a network in shadow. No label is an id, a name or an address."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from facekey.core.ports.shadow import Agreement

COSINES = tuple(number / 20 for number in range(-4, 21))  # liveness, 0..1, falls in as well
YES, NO = "yes", "no"


class ShadowMeters:
    """Implements `core.ports.shadow.ShadowMeter`."""

    def __init__(self, registry: CollectorRegistry, network: str) -> None:
        """Count for one network, in a process's own registry; every figure is there from the beginning."""
        self._compared = Counter(
            "facekey_shadow_compared",
            "Decisions beside which the network in shadow was asked, by who said yes to the face",
            ["network", "agreement"],
            registry=registry,
        )
        self._scores = Histogram(
            "facekey_shadow_score",
            "Scores of the network in shadow: cosines of a recognition network, liveness of another",
            ["network", "live_said"],
            buckets=COSINES,
            registry=registry,
        )
        self._failures = Counter(
            "facekey_shadow_failures",
            "Pictures that were decided on and that the network in shadow could make nothing of",
            ["network"],
            registry=registry,
        )
        self._dropped = Counter(
            "facekey_shadow_dropped",
            "Decisions that were not shown to the network in shadow, because the service was busy",
            ["network"],
            registry=registry,
        )
        self._network = network
        for agreement in Agreement:
            self._compared.labels(network, agreement)
        for said in (YES, NO):
            self._scores.labels(network, said)
        self._failures.labels(network)
        self._dropped.labels(network)

    def compared(self, agreement: Agreement, *, matched: bool, score: float | None) -> None:
        """A decision was compared."""
        self._compared.labels(self._network, agreement).inc()
        if score is not None:
            self._scores.labels(self._network, YES if matched else NO).observe(score)

    def failed(self) -> None:
        """It could make nothing of a picture that was decided on."""
        self._failures.labels(self._network).inc()

    def dropped(self) -> None:
        """A decision was not compared."""
        self._dropped.labels(self._network).inc()
