"""What machine the figures are from."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from facekey.evaluation.machine import describe, version
from facekey.zoo.cores import usable_cores
from facekey.zoo.onnx import runtime_version

__all__ = ["describe", "machine", "now", "version"]


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


def _memory_gb() -> float:
    if not Path("/proc/meminfo").exists():
        return 0.0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
