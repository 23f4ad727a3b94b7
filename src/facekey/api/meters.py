"""What the service counts: stages, networks, decisions, requests, streams, stores, lock-outs.

Every label has few values that are known beforehand: a stage, a network's card, an action, an outcome,
a reason that clients are told, a route's pattern, a status. None is an id, an address or a path.

Under gunicorn all workers count into files that they share (prometheus_client's multiprocess
mode), so whichever worker is asked tells the figures of all. What is a state and no count, such
as how much waits, is written there by each worker whenever it is sampled.
"""

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from facekey.core.calibration import evidence_of_confidence
from facekey.core.ports.measures import Decided
from facekey.core.types import Outcome

STAGE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
REQUEST_S = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
STORE_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SCORES = tuple(number / 20 for number in range(1, 21))
DECADES = tuple(number / 2 for number in range(4, 33))
"""Evidence of those who are let in: from 2 (one stranger in 100 looks as alike) to 16."""

CERTAIN = 1.0 - 1e-9  # evidence beyond this would be without end
ONE_TO_ONE = frozenset({"authenticate", "authenticate_stream"})
SUMMED: Final = "livesum"  # over the workers that run
METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"})
UNMATCHED, OTHER = "unmatched", "other"
LOOKED_AT, DROPPED = "looked_at", "dropped"
STORES = ("database", "redis")
COUNTED = ("user", "address", "sign_in", "operator")
"""What failures are counted under: see `store.sql.ledger`."""


class Meters:
    """Implements the plugs of `core.ports.measures`, and counts what only the API sees."""

    def __init__(self, trace: Callable[[str, float], None] | None = None) -> None:
        """Begin at nothing, in a registry of this process's own.

        Args:
            trace: told of everything that ended and how many seconds it took, for those who trace.
        """
        self._trace = trace
        self.registry = registry = CollectorRegistry(auto_describe=False)
        self._stages = Histogram(
            "facekey_stage_seconds",
            "How long each stage of a decision took",
            ["stage"],
            buckets=STAGE_S,
            registry=registry,
        )
        self._networks = Histogram(
            "facekey_network_seconds",
            "How long one run of each network took",
            ["network"],
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
        self._genuine = Histogram(
            "facekey_genuine_evidence",
            "Evidence of those who were let in, in decades of the false match rate",
            buckets=DECADES,
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
        self._streams = Gauge(
            "facekey_streams_open", "Live streams that are open", registry=registry, multiprocess_mode=SUMMED
        )
        self._frames = Counter("facekey_stream_frames", "Frames of live streams", ["fate"], registry=registry)
        for fate in (LOOKED_AT, DROPPED):
            self._frames.labels(fate)
        self._overloaded = Counter(
            "facekey_overloaded", "Pictures that were refused because too many waited", registry=registry
        )
        self._stores = Histogram(
            "facekey_store_seconds",
            "How long the database and Redis took to answer",
            ["store", "operation"],
            buckets=STORE_S,
            registry=registry,
        )
        self._store_failures = Counter(
            "facekey_store_failures", "Questions that a store didn't answer", ["store"], registry=registry
        )
        self._lockouts = Counter(
            "facekey_lockouts",
            "Times that failures made somebody wait, or locked them",
            ["who"],
            registry=registry,
        )
        for store in STORES:
            self._store_failures.labels(store)
        for who in COUNTED:
            self._lockouts.labels(who)
        self._sampled: list[tuple[Gauge, Callable[[], float]]] = []

    # Of the services, and of the threads that look at pictures.

    def took(self, stage: str, seconds: float) -> None:
        """A stage ended, well or not."""
        self._stages.labels(stage).observe(seconds)
        if self._trace is not None:
            self._trace(stage, seconds)

    def ran(self, network: str, seconds: float) -> None:
        """A network ran once, for one picture or several."""
        self._networks.labels(network).observe(seconds)
        if self._trace is not None:
            self._trace(network, seconds)

    def overloaded(self) -> None:
        """A picture was refused because too many wait."""
        self._overloaded.inc()

    def asked(self, store: str, operation: str, seconds: float, *, failed: bool) -> None:
        """A store answered, or didn't."""
        self._stores.labels(store, operation).observe(seconds)
        if self._trace is not None:
            self._trace(f"{store} {operation}", seconds)
        if failed:
            self._store_failures.labels(store).inc()

    def locked_out(self, who: str) -> None:
        """Failures keep somebody out from now on."""
        self._lockouts.labels(who).inc()

    def decided(self, decided: Decided) -> None:
        """A decision is on record."""
        self._decisions.labels(decided.action, decided.outcome, decided.reason).inc()
        if decided.confidence is not None:
            self._confidence.labels(decided.action).observe(decided.confidence)
            if decided.action in ONE_TO_ONE and decided.outcome == Outcome.ACCEPT:
                self._genuine.observe(evidence_of_confidence(min(decided.confidence, CERTAIN)))
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

    # Of states, which are looked at now and then.

    def gauge(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """Show what a function gives whenever it is sampled, summed over the workers."""
        gauge = Gauge(name, documentation, registry=self.registry, multiprocess_mode=SUMMED)
        self._sampled.append((gauge, value))

    def sample(self) -> None:
        """Look at every state."""
        for gauge, value in self._sampled:
            gauge.set(value())
