"""What machine the figures are from."""

import os
import platform
from pathlib import Path

import cv2
import onnxruntime


def describe() -> str:
    """Processor, cores and versions, in one line."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(": ")[2] if names else model
    return (
        f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"onnxruntime {onnxruntime.__version__}, opencv {cv2.__version__}"
    )
