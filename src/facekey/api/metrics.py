"""What the service knows, in the words of Prometheus.

One process answers for itself; the workers of one gunicorn answer for all of them (see `meters`).
Services on several machines are scraped one by one. Nothing here names a person, but error rates
of groups and what the service does are for those who run it: it takes a key of the role
`monitor`, an operator's, or a sign-in.
"""

import os
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from facekey.api.meters import Meters

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Of prometheus_client: where the processes of one service count together."""


class Metrics(Protocol):
    """Where the numbers of a service are kept."""

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        ...


class ProcessMetrics:
    """Implements `Metrics` with registries of this process's own, not the library's global one."""

    def __init__(self, meters: Meters, *collectors: Collector) -> None:
        """Show what was counted, and what collectors find out when they are asked.

        Args:
            meters: counts.
            collectors: of what is the same for all processes of a service.
        """
        self._meters = meters
        self._asked = CollectorRegistry(auto_describe=False)
        for collector in collectors:
            self._asked.register(collector)
        if os.environ.get(SHARED_FOLDER):
            self._counted = CollectorRegistry()
            MultiProcessCollector(self._counted)  # type: ignore[no-untyped-call]
        else:
            self._counted = meters.registry
            ProcessCollector(registry=self._asked)

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        self._meters.sample()
        return generate_latest(self._counted) + generate_latest(self._asked)
