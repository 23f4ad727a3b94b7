"""How long the service takes from its start to its first decision, and what memory it needs.

Protocol: `facekey serve` as a new process, nine times, on a database with one enrolled person, after
one start that isn't counted and fills the caches (networks, compiled bytecode). A client asks for a
decision (authenticate, JPEG of 640 x 480) as soon as the port takes a connection, which it does before
the networks are loaded; timed until the answer. Healthy: by another start, until `/health` answers.
Parts: in a process that does these steps alone, one after the other. Processor time is that of the
service's process when it has answered; it doesn't depend on what else the machine does as much as the
clock does. Memory: resident set of one process that is asked again and again, two clients at a time.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from bench.host import describe
from bench.intervals import median
from bench.photo import enrol, sample_photos, webcam_jpeg
from bench.results import Column, Figure, Result, Table, Target, told
from bench.server import deployment, running_server

STARTS = 9
REQUESTS = (1, 50, 500)
CLIENTS = 2
PATIENCE_S = 60.0
START_LIMIT_S = 1.5
MEMORY_LIMIT_MB = 350.0

PARTS = """
import asyncio, gc, json, time
began, taken = time.perf_counter(), {}
def done(part):
    global began
    now = time.perf_counter()
    taken[part], began = now - began, now
gc.disable()
import facekey.cli.serve
done("imports")
from facekey.settings import read_settings
from facekey.wiring.deployment import open_deployment
from facekey.wiring.records import make_records
from facekey.wiring.vision import open_vision, open_zoo
settings = read_settings()
async def open_database():
    async with open_deployment(settings) as deployment:
        await make_records(deployment)
asyncio.run(open_database())
done("settings and database")
vision = open_vision(open_zoo(settings))
done("networks")
print(json.dumps(taken))
"""


def main() -> Result:
    """Measure and print."""
    print(__doc__)
    print(f"machine: {describe()}")
    photo = webcam_jpeg(sample_photos()["obama.jpg"])
    with TemporaryDirectory() as folder:
        environment = _environment(Path(folder))
        with running_server(environment) as server, httpx.Client(base_url=server.url) as http:
            enrol(http, "bench")
        starts, parts = [], []
        for _ in range(STARTS):
            starts.append(_start(environment, photo))
            parts.append(_parts(environment))
        memory = _memory(environment, photo)
    return _result(starts, parts, memory)


def _environment(folder: Path) -> dict[str, str]:
    """A deployment of its own that may keep compiled bytecode, as an installed FaceKey has it."""
    environment = {**deployment(folder), "PYTHONPYCACHEPREFIX": os.fspath(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _start(environment: Mapping[str, str], photo: bytes) -> dict[str, float]:
    """Seconds from the start of a process to the first decision, on the clock and of the processor."""
    url = f"http://127.0.0.1:{environment['FACEKEY_PORT']}"
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "facekey", "serve"], env=dict(environment))
    try:
        _ask_as_soon_as_possible(url, photo)
        taken = {"decision": time.perf_counter() - began, "processor": _processor_s(process.pid)}
    finally:
        process.terminate()
        process.wait(10)
    with running_server(environment) as server:
        return {**taken, "healthy": server.startup_s}


def _ask_as_soon_as_possible(url: str, photo: bytes) -> None:
    until = time.monotonic() + PATIENCE_S
    with httpx.Client(base_url=url, timeout=PATIENCE_S) as http:
        while True:
            try:
                answer = http.post("/api/v1/authenticate", data={"user_id": "bench"}, files={"image": photo})
                break
            except httpx.ConnectError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.005)
    if not answer.raise_for_status().json()["authenticated"]:
        raise RuntimeError(f"the person who is enrolled was turned away: {answer.text}")


def _processor_s(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _parts(environment: Mapping[str, str]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", PARTS], env=dict(environment), capture_output=True, text=True, check=True
    )
    taken: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return taken


def _memory(environment: Mapping[str, str], photo: bytes) -> dict[int, float]:
    """Megabytes at the start, and after so many requests."""
    with running_server(environment) as server, httpx.Client(base_url=server.url, timeout=60) as http:
        found, asked = {0: server.resident_mb()}, 0
        with ThreadPoolExecutor(CLIENTS) as pool:
            for count in REQUESTS:
                list(pool.map(lambda _: _ask(http, photo), range(count - asked)))
                found[count], asked = server.resident_mb(), count
    return found


def _ask(http: httpx.Client, photo: bytes) -> None:
    http.post("/api/v1/identify", files={"image": photo}).raise_for_status()


def _result(
    starts: list[dict[str, float]], parts: list[dict[str, float]], memory: Mapping[int, float]
) -> Result:
    figures = []
    for name, said in (
        ("decision", "start to first decision"),
        ("healthy", "start to healthy"),
        ("processor", "processor time up to the first decision"),
    ):
        mid, low, high = median([start[name] for start in starts])
        figures.append(Figure(f"{name}_s", said, mid, "s", STARTS, low, high, digits=2))
        print(f"{said:44} {told(figures[-1])}")
    rows = [(part, statistics.median(one[part] for one in parts)) for part in parts[0]]
    known = sum(seconds for _, seconds in rows)
    whole = statistics.median(start["decision"] for start in starts)
    rows.append(("rest: interpreter, application, first pictures", whole - known))
    for part, seconds in rows:
        print(f"  {part:42} {seconds:.2f} s")
    for count, megabytes in memory.items():
        print(f"resident after {count:4} requests {megabytes:6.0f} MB")
    most = max(memory.values())
    return Result(
        tuple(figures),
        (
            Table(
                "parts",
                "Where a start goes",
                (Column("part"), Column("time", "s", 2, bars=True)),
                tuple(rows),
            ),
            Table(
                "memory",
                "Resident memory of `facekey serve`",
                (Column("requests"), Column("resident", "MB", 0, bars=True)),
                tuple((str(count), megabytes) for count, megabytes in memory.items()),
            ),
        ),
        (
            Target("start to first decision", whole, START_LIMIT_S, "s"),
            Target("memory after requests", most, MEMORY_LIMIT_MB, "MB", digits=0),
        ),
    )
