"""Figures that others left as files: of the last evaluation, of the last backup.

What makes them runs now and then and is no service that could be scraped. It leaves a file in
Prometheus' text format, in one step, and `/metrics` shows what the newest says. Their names are
of their own, so a file can't say anything in the service's name.
"""

from collections.abc import Iterator, KeysView
from pathlib import Path

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

MOST_FILES = 16
MOST_BYTES = 256 * 1024
MOST_SAMPLES = 2000
NAMES = ("facekey_model_", "facekey_backup_")
"""What the names of families begin with; nothing that the service counts itself does."""

log = structlog.get_logger(__name__)


class MetricFiles(Collector):
    """Shows what stands in the `*.prom` files of a folder; what can't be used is left out whole."""

    def __init__(self, folder: Path) -> None:
        """Take the folder; it may come later."""
        self._folder = folder
        self._refused: dict[str, str] = {}

    def collect(self) -> Iterator[Metric]:
        """Every family of every file, and how many files could not be used."""
        families: dict[str, Metric] = {}
        refused: dict[str, str] = {}
        files = sorted(self._folder.glob("*.prom"))
        for file in files[:MOST_FILES]:
            try:
                found = _read(file, known=families.keys())
            except (OSError, ValueError) as error:
                refused[file.name] = str(error)
            else:
                families.update(found)
        refused.update((file.name, f"more than {MOST_FILES} files") for file in files[MOST_FILES:])
        self._tell(refused)
        yield from families.values()
        yield GaugeMetricFamily(
            "facekey_metric_files_refused",
            "Files with figures of others that could not be used",
            len(refused),
        )

    def _tell(self, refused: dict[str, str]) -> None:
        """Once for each file that is refused, or for another reason than before."""
        for name, why in refused.items():
            if self._refused.get(name) != why:
                log.warning("metric_file_refused", file=name, cause=why)
        self._refused = refused


def _read(file: Path, *, known: KeysView[str]) -> dict[str, Metric]:
    """The families of one file.

    Raises:
        OSError: it can't be read.
        ValueError: it isn't what Prometheus reads, or says more than it may.
    """
    with file.open("rb") as opened:
        content = opened.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES} bytes")
    found = list(text_string_to_metric_families(content.decode()))
    if sum(len(family.samples) for family in found) > MOST_SAMPLES:
        raise ValueError(f"more than {MOST_SAMPLES} samples")
    families = {family.name: family for family in found}
    for name, family in families.items():
        if not name.startswith(NAMES) or any(not sample.name.startswith(name) for sample in family.samples):
            raise ValueError(f"{name}: names begin with {' or '.join(NAMES)}")
    if twice := families.keys() & known:
        raise ValueError(f"{min(twice)}: another file says it, too")
    return families
