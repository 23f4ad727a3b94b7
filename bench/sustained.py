"""Sustained: authentications at the machine's limit for ten minutes, then more than it can do.

gunicorn with one worker a core, a real PostgreSQL and a real Redis, all on this machine, beside the
clients. Real photos over HTTP: a person who is enrolled asks to be let in, again and again (closed
loop: each client waits for its answer and asks again at once).

- sustained: as many clients as keep every core busy. Latency, and how memory, connections and open
  files go on;
- overload: many more clients than places. What isn't answered with a decision is 503 with
  Retry-After, and what is answered doesn't wait for long.

FACEKEY_BENCH_SECONDS (600) is how long the first part lasts.
"""

import os
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

import httpx
import numpy as np
import psycopg

from bench.host import describe
from bench.photo import enrol, sample_photos, webcam_jpeg
from bench.results import Figure, Result
from bench.server import deployment
from facekey.zoo.cores import usable_cores
from tests.postgres import start_postgres
from tests.servers import RedisServer

SECONDS = int(os.environ.get("FACEKEY_BENCH_SECONDS", "600"))
WARM_S = 20.0
LOOK_S = 10.0
OVERLOAD_S = 30.0
CLIENTS_A_CORE = 2
OVERLOAD_CLIENTS = 128
WHO = "subject"
PROPORTIONAL = "Pss:"
GROWTH_MB = 20.0
"""Between the first and the last tenth; more is told as growth."""


@dataclass
class Answers:
    """What clients were told."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def take(self, answer: httpx.Response, seconds: float) -> None:
        """Count one answer."""
        if answer.status_code == httpx.codes.OK:
            self.seconds.append(seconds)
            self.statuses["accepted" if answer.json()["authenticated"] else "rejected"] += 1
        else:
            after = "Retry-After" if "Retry-After" in answer.headers else "no Retry-After"
            self.statuses[f"{answer.status_code} with {after}"] += 1


@dataclass(frozen=True)
class Look:
    """One look at the whole service.

    Attributes:
        memory_mb: of all its processes, with what they share counted once.
        files: that are open, without connections.
    """

    memory_mb: float
    postgres: int
    redis: int
    files: int


def main() -> Result:
    """Run both parts, and say which promises were broken."""
    workers = usable_cores()
    print(f"{describe()}; gunicorn with {workers} workers, PostgreSQL, Redis and clients on this machine")
    with TemporaryDirectory() as folder, service(Path(folder), workers) as (url, look, photo):
        ask(url, photo, CLIENTS_A_CORE * workers, WARM_S)
        clients = CLIENTS_A_CORE * workers
        looks: list[Look] = []
        sustained = ask(url, photo, clients, SECONDS, lambda: looks.append(look()))
        broken = _tell_sustained(*sustained, looks, clients)
        overload = ask(url, photo, OVERLOAD_CLIENTS, OVERLOAD_S)
        broken += _tell_overload(*overload)
        after, _ = ask(url, photo, clients, 5.0)
        if set(after.statuses) != {"accepted"}:
            broken.append(f"after the overload: {dict(after.statuses)}")
    return Result(
        (*_figures("sustained", *sustained), *_figures("overload", *overload)), broken=tuple(broken)
    )


def _figures(name: str, answers: Answers, took_s: float) -> tuple[Figure, ...]:
    p50, p99 = (1000 * float(np.quantile(answers.seconds, q)) for q in (0.5, 0.99))
    count = len(answers.seconds)
    return (
        Figure(f"{name}_rate", f"{name}: decisions a second", count / took_s, "1/s", count),
        Figure(f"{name}_p50_ms", f"{name}: p50", p50, "ms", count, digits=0),
        Figure(f"{name}_p99_ms", f"{name}: p99", p99, "ms", count, digits=0),
    )


def _tell_sustained(answers: Answers, took_s: float, looks: list[Look], clients: int) -> list[str]:
    p50, p90, p99, most = (float(np.quantile(answers.seconds, q)) * 1000 for q in (0.5, 0.9, 0.99, 1.0))
    print(
        f"sustained: {clients} clients, {took_s:.0f} s, {len(answers.seconds)} decisions, "
        f"{len(answers.seconds) / took_s:.1f} a second; p50 {p50:.0f} ms, p90 {p90:.0f}, p99 {p99:.0f} "
        f"({p99 / p50:.2f} x p50), longest {most:.0f}; answers {dict(answers.statuses)}"
    )
    tenth = max(1, len(looks) // 10)
    broken = []
    for name in ("memory_mb", "postgres", "redis", "files"):
        values = [float(getattr(one, name)) for one in looks]
        first, last = statistics.median(values[:tenth]), statistics.median(values[-tenth:])
        print(f"  {name:10} first tenth {first:.0f}, last tenth {last:.0f}, most {max(values):.0f}")
        if last - first > (GROWTH_MB if name == "memory_mb" else 2):
            broken.append(f"{name} grew from {first:.0f} to {last:.0f}")
    if p99 > 3 * p50:
        broken.append(f"p99 is {p99 / p50:.2f} x p50")
    if set(answers.statuses) != {"accepted"}:
        broken.append(f"not everybody was let in: {dict(answers.statuses)}")
    return broken


def _tell_overload(answers: Answers, took_s: float) -> list[str]:
    p50, p99 = (float(np.quantile(answers.seconds, q)) * 1000 for q in (0.5, 0.99))
    print(
        f"overload: {OVERLOAD_CLIENTS} clients, {took_s:.0f} s, "
        f"{len(answers.seconds) / took_s:.1f} decisions a second; "
        f"p50 {p50:.0f} ms, p99 {p99:.0f}; answers {dict(answers.statuses)}"
    )
    wrong = set(answers.statuses) - {"accepted", "503 with Retry-After"}
    return [f"overload: {one}" for one in sorted(wrong)]


def ask(
    url: str, photo: bytes, clients: int, seconds: float, look: Callable[[], object] | None = None
) -> tuple[Answers, float]:
    """Ask from so many clients for so long; what they were told, and how long it took."""
    told = [Answers() for _ in range(clients)]
    ends = time.perf_counter() + seconds

    def client(mine: Answers) -> None:
        with httpx.Client(base_url=url, timeout=120) as http:
            while time.perf_counter() < ends:
                began = time.perf_counter()
                answer = http.post("/api/v1/authenticate", data={"user_id": WHO}, files={"image": photo})
                mine.take(answer, time.perf_counter() - began)
                if not answer.is_success:
                    time.sleep(min(1.0, float(answer.headers.get("Retry-After", "1"))))

    threads = [threading.Thread(target=client, args=(one,)) for one in told]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    while look is not None and time.perf_counter() < ends:
        look()
        time.sleep(LOOK_S if seconds > 10 * LOOK_S else 1.0)
    for thread in threads:
        thread.join()
    every = Answers()
    for one in told:
        every.seconds += one.seconds
        every.statuses += one.statuses
    return every, time.perf_counter() - began


@contextmanager
def service(folder: Path, workers: int) -> Iterator[tuple[str, Callable[[], Look], bytes]]:
    """A service with somebody enrolled: where it answers, how it is looked at, and a photo that is let in."""
    postgres, redis = start_postgres(durable=True), RedisServer(folder)
    redis.start()
    database = postgres.migrated()
    environment = {**deployment(folder), "DATABASE_URL": database, "REDIS_URL": redis.url}
    url = f"http://127.0.0.1:{environment['FACEKEY_PORT']}"
    command = [sys.executable, "-m", "gunicorn", "app.main:app", "--workers", str(workers)]
    process = Popen(command, env=environment, cwd=Path(__file__).parents[1])
    try:
        _until_ready(url, process)
        with httpx.Client(base_url=url) as http:
            enrol(http, WHO)
        yield url, lambda: look_at(process.pid, database, redis), webcam_jpeg(sample_photos()["obama3.jpg"])
    finally:
        process.terminate()
        process.wait(60)
        redis.stop()
        postgres.stop()


def _until_ready(url: str, process: Popen[bytes]) -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{url}/health/ready", timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise TimeoutError("the service didn't get ready")


def look_at(master: int, database: str, redis: RedisServer) -> Look:
    """All processes of a gunicorn, and who is connected to its stores."""
    pids = [master, *map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split())]
    lines = (line for pid in pids for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines())
    memory_mb = sum(int(line.split()[1]) for line in lines if line.startswith(PROPORTIONAL)) / 1024
    with psycopg.connect(database) as connection:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'facekey'"
        row = connection.execute(asked).fetchone()
    files = sum(
        not _target(file).startswith("socket:") for pid in pids for file in Path(f"/proc/{pid}/fd").iterdir()
    )
    return Look(memory_mb, 0 if row is None else int(row[0]), redis.clients(), files)


def _target(file: Path) -> str:
    """What an open file is; nothing where it was closed meanwhile."""
    try:
        return str(file.readlink())
    except OSError:
        return "socket:"
