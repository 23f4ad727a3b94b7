"""Engines side by side: what the cores decide together when nothing but the engine is computed.

Cores share memory, caches and often a processor's clock or its very units, so that two of them do
less than twice what one does. `python -m bench.side_by_side CORE SECONDS PHOTO` is one engine: it says
`ready`, begins at a line of input, and says how many it decided.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from bench.decision import Decider

SECONDS = 6.0


def rate(photo: bytes, cores: int, seconds: float = SECONDS) -> float:
    """Decisions a second of so many engines, each a process with one thread on a core of its own.

    Raises:
        RuntimeError: an engine ended before it was ready.
    """
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "face.jpg"
        path.write_bytes(photo)
        engines = [
            subprocess.Popen(
                [sys.executable, "-m", "bench.side_by_side", str(core), str(seconds), str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for core in allowed
        ]
        try:
            if any(_said(engine) != "ready" for engine in engines):
                raise RuntimeError("an engine ended before it was ready; what it said is above")
            for engine in engines:
                _tell(engine)
            return sum(float(_said(engine)) for engine in engines) / seconds
        finally:
            for engine in engines:
                with engine:
                    engine.terminate()


def _said(engine: "subprocess.Popen[str]") -> str:
    return "" if engine.stdout is None else engine.stdout.readline().strip()


def _tell(engine: "subprocess.Popen[str]") -> None:
    if engine.stdin is not None:
        engine.stdin.write("go\n")
        engine.stdin.flush()


def main() -> None:
    """One engine."""
    core, seconds, path = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])
    os.sched_setaffinity(0, {core})
    cv2.setNumThreads(1)
    decider, photo = Decider(threads=1), path.read_bytes()
    enrolled = decider.look(photo)
    for _ in range(5):
        decider.look(photo)
    print("ready", flush=True)
    sys.stdin.readline()
    decided, until = 0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        decider.decide(enrolled, decider.look(photo))
        decided += 1
    print(decided, flush=True)


if __name__ == "__main__":
    main()
