"""Machine: where figures come from, and of which version."""

import os
import platform
import re
from pathlib import Path

import cv2

from facekey import __version__
from facekey.zoo.onnx import runtime_version

REPOSITORY = Path(__file__).parents[3]
COMMIT = re.compile(r"^[0-9a-f]{40,64}$")
SHOWN = 7


def describe() -> str:
    """Processor, cores and versions, in one line."""
    model = platform.processor() or "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(": ")[2] if names else model
    return (
        f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"onnxruntime {runtime_version()}, opencv {cv2.__version__}"
    )


def version(repository: Path = REPOSITORY) -> str:
    """`0.1.0 (a1b2c3d)`: the version, and the commit where FaceKey runs from its repository."""
    commit = _commit(repository / ".git")
    return __version__ if commit is None else f"{__version__} ({commit[:SHOWN]})"


def _commit(git: Path) -> str | None:
    """What HEAD points to; None where that can't be told."""
    try:
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        if head.startswith("ref: "):
            name = head.removeprefix("ref: ")
            if (git / name).is_file():
                head = (git / name).read_text(encoding="ascii").strip()
            else:
                packed = (git / "packed-refs").read_text(encoding="ascii").splitlines()
                head = next(line.split()[0] for line in packed if line.endswith(f" {name}"))
    except (OSError, UnicodeDecodeError, StopIteration):
        return None
    return head if COMMIT.match(head) else None
