"""What machine the figures are from."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from facekey.evaluation.machine import describe, version
from facekey.zoo.cores import usable_cores
from facekey.zoo.onnx import runtime_version

__all__ = ["cpu_of_children_s", "describe", "machine", "now", "on_cores", "version"]


def machine() -> dict[str, str]:
    """Processor, cores, memory, and the versions of what computes."""
    return {
        "processor": describe().partition(", ")[0],
        "cores": str(usable_cores()),
        "memory": f"{_memory_gb():.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "onnxruntime": runtime_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


@contextmanager
def on_cores(cores: int | None) -> Iterator[None]:
    """This thread, and what it starts meanwhile, may use so many cores; None for as many as before."""
    if cores is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(allowed)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def cpu_of_children_s() -> float:
    """Processor seconds of all processes that descend from this one and are running now."""
    ticks, waiting = 0, [os.getpid()]
    while waiting:
        for task in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            for child in task.read_text().split():
                with suppress(OSError):  # it ended meanwhile
                    spent = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
                    ticks += int(spent[11]) + int(spent[12])
                    waiting.append(int(child))
    return ticks / os.sysconf("SC_CLK_TCK")


def _memory_gb() -> float:
    if not Path("/proc/meminfo").exists():
        return 0.0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
