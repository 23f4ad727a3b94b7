"""Figures that are looked up when somebody reads them, and are the same for all processes of a service."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from facekey.api.meters import COUNTED
from facekey.api.service import SystemFacts
from facekey.core.bias import Verdict
from facekey.core.vitals import AuditLook, Vitals
from facekey.services.bias import BiasReport

DIGEST_SHOWN = 12
DECIDING, IDLE = "deciding", "idle"


class GalleryCollector(Collector):
    """How many are enrolled, and what finding them takes."""

    def __init__(
        self, *, size: Callable[[], int], nbytes: Callable[[], int], kind: Callable[[], str]
    ) -> None:
        """Take whom to ask."""
        self._size = size
        self._nbytes = nbytes
        self._kind = kind

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Three gauges."""
        yield GaugeMetricFamily(
            "facekey_enrolled", "People in this process's view of the gallery", self._size()
        )
        yield GaugeMetricFamily(
            "facekey_index_bytes", "Memory of this process's index, or of the shared one", self._nbytes()
        )
        index = GaugeMetricFamily(
            "facekey_index", "1 for what is searched: exact, graph or pgvector", labels=("kind",)
        )
        index.add_metric((self._kind(),), 1.0)
        yield index


class BiasCollector(Collector):
    """Turns the last bias report into gauges; none before the first."""

    def __init__(self, last: Callable[[], BiasReport | None]) -> None:
        """Take whom to ask for the report."""
        self._last = last

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        labels = ("attribute", "group", "rate")
        ratio = GaugeMetricFamily(
            "facekey_bias_ratio", "Error rate of a group over that of all other groups", labels=labels
        )
        alarm = GaugeMetricFamily(
            "facekey_bias_alarm",
            "1 where a group is over 25 % worse and chance doesn't explain it, else 0; absent where unknown",
            labels=labels,
        )
        report = self._last()
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


class VitalsCollector(Collector):
    """Turns the last look at the stores into gauges; absent before the first and after one that failed."""

    def __init__(self, *, vitals: Callable[[], Vitals | None], audit: Callable[[], AuditLook | None]) -> None:
        """Take whom to ask for the last looks."""
        self._vitals = vitals
        self._audit = audit

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        look = self._audit()
        if look is not None:
            yield GaugeMetricFamily(
                "facekey_audit_intact", "1 while the end of the audit log adds up, else 0", float(look.intact)
            )
            yield GaugeMetricFamily(
                "facekey_audit_checked_timestamp_seconds",
                "When the log was last looked at",
                look.at.timestamp(),
            )
        vitals = self._vitals()
        if vitals is not None:
            yield from _gauges(vitals)


def _gauges(vitals: Vitals) -> Iterator[GaugeMetricFamily]:
    locked = GaugeMetricFamily(
        "facekey_locked", "How many wait or are locked now because of failures", labels=("who",)
    )
    for who in COUNTED:
        locked.add_metric((who,), vitals.kept_out.get(who, 0))
    yield locked
    keys = GaugeMetricFamily(
        "facekey_key_created_timestamp_seconds", "When the current key was made", labels=("purpose",)
    )
    for purpose, made_at in vitals.keys_made_at.items():
        keys.add_metric((purpose,), made_at.timestamp())
    yield keys
    yield GaugeMetricFamily("facekey_audit_records", "Records in the audit log", vitals.audit_records)
    yield GaugeMetricFamily("facekey_alerts_waiting", "Alerts that are not sent yet", vitals.alerts_waiting)
    yield GaugeMetricFamily(
        "facekey_alerts_given_up", "Alerts that could not be sent and are kept", vitals.alerts_given_up
    )
    if vitals.checkpoint_at is not None:
        yield GaugeMetricFamily(
            "facekey_audit_checkpoint_timestamp_seconds",
            "When the newest checkpoint of the log was signed",
            vitals.checkpoint_at.timestamp(),
        )


class FactsCollector(Collector):
    """What runs: the version, and the networks that are installed."""

    def __init__(self, facts: SystemFacts, digests: Mapping[str, str]) -> None:
        """Take what doesn't change while the process runs.

        Args:
            facts: of the service.
            digests: SHA-256 in hex of what each installed network was made from.
        """
        self._facts = facts
        self._digests = digests

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Two gauges that are always 1: their labels are what they tell."""
        build = GaugeMetricFamily("facekey_build_info", "What runs", labels=("version", "profile", "device"))
        build.add_metric((self._facts.version, self._facts.profile, self._facts.device), 1.0)
        yield build
        networks = GaugeMetricFamily(
            "facekey_network_info",
            "Networks that are installed",
            labels=("network", "task", "sha256", "role"),
        )
        for network in self._facts.networks:
            if network.installed:
                role = DECIDING if network.in_use else IDLE
                digest = self._digests.get(network.name, "")[:DIGEST_SHOWN]
                networks.add_metric((network.name, network.task, digest, role), 1.0)
        yield networks
        yield GaugeMetricFamily(
            "facekey_started_timestamp_seconds",
            "When this process was ready",
            self._facts.started_at.timestamp(),
        )
