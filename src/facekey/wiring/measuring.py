"""What `/metrics` shows: put together from those who know."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client.registry import Collector

from facekey.api.collectors import BiasCollector, FactsCollector, GalleryCollector, VitalsCollector
from facekey.api.meters import Meters
from facekey.api.metric_files import MetricFiles
from facekey.api.metrics import ProcessMetrics
from facekey.api.service import SystemFacts
from facekey.services.bias import MonitorBias
from facekey.services.repeat import repeating
from facekey.services.take_vitals import TakeVitals
from facekey.services.watch_audit import WatchAudit
from facekey.settings import Settings
from facekey.store.gallery import MemoryGallery
from facekey.store.shared_gallery import SharedGallery
from facekey.store.sql.vitals import SqlVitalSigns
from facekey.vision.pool import Workers
from facekey.wiring.clocks import SystemClock
from facekey.wiring.deployment import Deployment
from facekey.zoo.zoo import Zoo

VITALS_LOOKS_S = 15.0  # as often as Prometheus usually asks
SAMPLES_S = 5.0
PROPORTIONAL = "Pss:"
ROLLUP = Path("/proc/self/smaps_rollup")


@asynccontextmanager
async def looking_after(deployment: Deployment, meters: Meters) -> AsyncIterator[TakeVitals]:
    """Look at the stores, and sample what is a state and no count, as long as this is open."""
    vitals = TakeVitals(signs=SqlVitalSigns(deployment.database, deployment.ring), clock=SystemClock())

    async def sample() -> None:
        """Other processes of this service show what this one is like."""
        # On a thread: the kernel walks through all of the memory to tell how much it is.
        await asyncio.to_thread(meters.sample)

    async with (
        repeating("vitals", vitals, every_s=VITALS_LOOKS_S),
        repeating("samples", sample, every_s=SAMPLES_S),
    ):
        yield vitals


def make_metrics(
    settings: Settings,
    *,
    meters: Meters,
    workers: Workers,
    gallery: MemoryGallery | SharedGallery,
    facts: SystemFacts,
    zoo: Zoo,
    bias: MonitorBias,
    vitals: TakeVitals,
    watch: WatchAudit,
) -> ProcessMetrics:
    """Everything that is counted or can be asked for."""
    meters.gauge("facekey_processes", "Processes of this service", lambda: 1.0)
    meters.gauge("facekey_pool_waiting", "Pictures that wait for a worker", lambda: workers.waiting)
    meters.gauge(
        "facekey_pool_workers", "Pictures that are worked on at once", lambda: settings.vision_threads
    )
    meters.gauge("facekey_pool_queue", "Pictures that may wait", lambda: settings.vision_queue)
    meters.gauge(
        "facekey_streams_limit", "Live streams that may be open", lambda: settings.stream_connections
    )
    if ROLLUP.is_file():  # Linux
        meters.gauge(
            "facekey_resident_bytes",
            "Memory, with what processes share counted once",
            lambda: resident_bytes(ROLLUP) or 0.0,
        )
    collectors: list[Collector] = [
        GalleryCollector(size=lambda: gallery.size, nbytes=lambda: gallery.nbytes, kind=lambda: gallery.kind),
        BiasCollector(lambda: bias.last),
        VitalsCollector(vitals=lambda: vitals.last, audit=lambda: watch.last),
        FactsCollector(facts, {name: card.weights.sha256 for name, card in zoo.cards.items()}),
    ]
    if settings.metrics_dir is not None:
        collectors.append(MetricFiles(settings.metrics_dir))
    return ProcessMetrics(meters, *collectors)


def resident_bytes(file: Path) -> float | None:
    """This process's share of the machine's memory; None where the system doesn't tell."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith(PROPORTIONAL)), None)
