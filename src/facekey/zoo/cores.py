"""How many cores this process may use, which in a container is fewer than the machine has."""

import math
import os
from functools import cache
from pathlib import Path

MAX_THREADS = 4
"""For one run of a network; ours are too small to keep more of them busy."""

CGROUP = Path("/sys/fs/cgroup/cpu.max")  # of version 2; inside a container its own


@cache
def usable_cores() -> int:
    """Cores that the scheduler gives this process: its affinity, and the quota of its container."""
    quota = _quota(CGROUP)
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, allowed if quota is None else min(allowed, math.ceil(quota)))


def _quota(file: Path) -> float | None:
    """Cores' worth of time in each period; None where there is no limit or it can't be known."""
    try:
        most, period = file.read_text(encoding="ascii").split()
        return None if most == "max" else int(most) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None
