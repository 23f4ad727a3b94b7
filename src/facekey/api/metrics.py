"""What this process knows, in the words of Prometheus.

Each process answers for itself: with several, scrape each, or set the `instance` label
apart behind a proxy. Nothing here names a person, but error rates of groups and what the
process does are for those who run it: it takes a key of the role `monitor`, an operator's,
or a sign-in. The gauges of bias are those of the last report that this process made; before
the first they are absent.
"""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from facekey.api.meters import Meters
from facekey.core.bias import Verdict
from facekey.services.bias import MonitorBias


class Metrics(Protocol):
    """Where a process's numbers are kept."""

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        ...


class BiasCollector(Collector):
    """Turns the last bias report into gauges."""

    def __init__(self, bias: MonitorBias) -> None:
        """Take what makes the reports."""
        self._bias = bias

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges; none before the first report."""
        labels = ("attribute", "group", "rate")
        ratio = GaugeMetricFamily(
            "facekey_bias_ratio", "Error rate of a group over that of all other groups", labels=labels
        )
        alarm = GaugeMetricFamily(
            "facekey_bias_alarm",
            "1 where a group is over 25 % worse and chance doesn't explain it, else 0; absent where unknown",
            labels=labels,
        )
        report = self._bias.last
        for finding in () if report is None else report.findings:
            if finding.ratio is not None:
                names = (finding.attribute, finding.group, str(finding.rate))
                ratio.add_metric(names, finding.ratio)
                alarm.add_metric(names, float(finding.verdict is Verdict.ALARM))
        yield ratio
        yield alarm
        if report is not None:
            yield GaugeMetricFamily(
                "facekey_bias_report_timestamp_seconds", "When the report was made", report.at.timestamp()
            )


class ProcessMetrics:
    """Implements `Metrics` with a registry of this process's own, not the library's global one."""

    def __init__(self, bias: MonitorBias, meters: Meters) -> None:
        """Show what was counted, the process itself, and the last bias report."""
        self.registry = meters.registry
        ProcessCollector(registry=self.registry)
        self.registry.register(BiasCollector(bias))

    def text(self) -> bytes:
        """All of them, in Prometheus' text format."""
        return generate_latest(self.registry)
