"""What this process counts: stages, decisions, requests, streams, and the queue before the networks.

Every label has few values that are known beforehand: a stage, an action, an outcome, a reason that
clients are told, a route's pattern, a status. None is an id, a name, an address or a path.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from facekey.core.ports.measures import Decided

STAGE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
REQUEST_S = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SCORES = tuple(number / 20 for number in range(1, 21))
METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
UNMATCHED, OTHER = "unmatched", "other"
LOOKED_AT, DROPPED = "looked_at", "dropped"


class Meters:
    """Implements `core.ports.measures.Meter`, and counts what only the API sees."""

    def __init__(self) -> None:
        """Begin at nothing, in a registry of this process's own."""
        self.registry = registry = CollectorRegistry(auto_describe=False)
        self._stages = Histogram(
            "facekey_stage_seconds",
            "How long each stage of a decision took",
            ["stage"],
            buckets=STAGE_S,
            registry=registry,
        )
        self._decisions = Counter(
            "facekey_decisions",
            "Decisions that are on record, by what the client was told",
            ["action", "outcome", "reason"],
            registry=registry,
        )
        self._confidence = Histogram(
            "facekey_match_confidence",
            "Calibrated similarity of what was compared",
            ["action"],
            buckets=SCORES,
            registry=registry,
        )
        self._liveness = Histogram(
            "facekey_liveness_score", "Liveness scores", ["action"], buckets=SCORES, registry=registry
        )
        self._quality = Histogram(
            "facekey_quality_score",
            "Quality of the captures that were judged",
            buckets=SCORES,
            registry=registry,
        )
        self._requests = Counter(
            "facekey_requests",
            "Requests that were answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self._request_s = Histogram(
            "facekey_request_seconds",
            "How long requests took",
            ["route"],
            buckets=REQUEST_S,
            registry=registry,
        )
        self._streams = Gauge("facekey_streams_open", "Live streams that are open", registry=registry)
        self._frames = Counter("facekey_stream_frames", "Frames of live streams", ["fate"], registry=registry)
        for fate in (LOOKED_AT, DROPPED):
            self._frames.labels(fate)

    # Of the services, and of the threads that look at pictures.

    def took(self, stage: str, seconds: float) -> None:
        """A stage ended, well or not."""
        self._stages.labels(stage).observe(seconds)

    def decided(self, decided: Decided) -> None:
        """A decision is on record."""
        self._decisions.labels(decided.action, decided.outcome, decided.reason).inc()
        if decided.confidence is not None:
            self._confidence.labels(decided.action).observe(decided.confidence)
        if decided.liveness is not None:
            self._liveness.labels(decided.action).observe(decided.liveness)
        if decided.quality is not None:
            self._quality.observe(decided.quality)

    # Of the API.

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request ended.

        Args:
            method: as it was sent: anything.
            route: the pattern, never the path.
            status: of the answer.
            seconds: from its head to the end of the answer.
        """
        known = method if method in METHODS else OTHER
        self._requests.labels(known, route, str(status)).inc()
        self._request_s.labels(route).observe(seconds)

    def stream_opened(self) -> None:
        """A live stream is there."""
        self._streams.inc()

    def stream_closed(self) -> None:
        """It is gone."""
        self._streams.dec()

    def frames(self, *, looked_at: int = 0, dropped: int = 0) -> None:
        """So many frames of a stream came to this."""
        self._frames.labels(LOOKED_AT).inc(looked_at)
        self._frames.labels(DROPPED).inc(dropped)

    # Of what is only asked when somebody reads the figures.

    def gauge(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """Show what a function gives at that moment."""
        self.registry.register(_Asked(lambda: GaugeMetricFamily(name, documentation, value())))

    def counter(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """Show a count that somebody else keeps."""
        self.registry.register(_Asked(lambda: CounterMetricFamily(name, documentation, value())))


class _Asked(Collector):
    """One figure that is made when it is read."""

    def __init__(self, made: Callable[[], GaugeMetricFamily | CounterMetricFamily]) -> None:
        self._made = made

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The figure as it is now."""
        yield self._made()
