"""How many decisions a second, and how long each takes, with 1 to 64 clients over HTTP.

Protocol: a service in processes of its own on this machine, which the clients share: each is one
connection that asks for an authentication (640 x 480 JPEG, somebody who is enrolled and let in,
each decision on record), and asks again at once when it is answered. Two deployments: `facekey
serve`, one process on SQLite; and gunicorn with a worker a core on PostgreSQL and Redis. What is
answered 503 is counted as refused and asked again after the time it says; times are those of
decisions. The single-thread engine time is measured in the same run, before the load and after
it: bytes to decision on one core, one thread for each network; the median of both. Cores over
that time is what the cores could decide if nothing but the engine had to be computed and none
slowed the other. Side by side: as many such engines as cores at once, and no service; two cores
do less than twice what one does. CPU of the service: processor time of its processes for each
decision, PostgreSQL's not counted; it depends less than the rates on what else the machine does.
"""

import http.client
import secrets
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np

from bench.decision import Decider
from bench.host import cpu_of_children_s, describe, on_cores
from bench.photo import enrol, sample_photos, webcam_jpeg
from bench.results import Column, Figure, Result, Table, Target, written
from bench.server import running_server
from bench.side_by_side import rate
from bench.sustained import WHO, service
from facekey.zoo.cores import usable_cores

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
AT = 16  # clients at which targets are looked at
WARM_S, SECONDS = 3.0, 8.0
ENGINE_ROUNDS = 40
LEAST_SHARE, MOST_TAIL = 0.9, 4.0
MOST_WAIT_S = 1.0

Opened = tuple[str, bytes]
"""Where a service answers, and a picture that is let in."""


@dataclass
class Answers:
    """What one client was told.

    Attributes:
        wrong: what must not be, and ended it.
    """

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """What so many clients saw.

    Attributes:
        rate: decisions a second.
        cpu_ms: processor time of the service's processes for each decision.
        refused: answers that were no decision.
    """

    clients: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    decided: int
    refused: int


def main() -> Result:
    """Measure and print."""
    print(__doc__)
    cores = usable_cores()
    print(f"machine: {describe()}; {SECONDS:g} s for each number of clients after {WARM_S:g} s of warming up")
    photo = webcam_jpeg(sample_photos()["obama3.jpg"])
    engine = _engine_seconds(photo)
    loads = {}
    for name, opened in (("one_process", _one_process), ("gunicorn", lambda: _gunicorn(cores))):
        with opened() as (url, shown):
            loads[name] = [ask(url, shown, clients) for clients in CLIENTS]
        print("\n".join(_line(name, load) for load in loads[name]))
    engine += _engine_seconds(photo)
    return _result(loads, statistics.median(engine), len(engine), rate(photo, cores))


def ask(url: str, photo: bytes, clients: int, seconds: float = SECONDS) -> Load:
    """Ask from so many clients for so long."""
    body, kind = _form(photo)
    _together(url, body, kind, clients, WARM_S)
    began, computed_s = time.perf_counter(), cpu_of_children_s()
    answers = _together(url, body, kind, clients, seconds)
    took_s, computed_s = time.perf_counter() - began, cpu_of_children_s() - computed_s
    taken = [second for one in answers for second in one.seconds]
    if not taken:
        raise RuntimeError(f"{clients} clients were told nothing but refusals")
    p50, p99 = (1000 * float(np.quantile(taken, q)) for q in (0.5, 0.99))
    cpu_ms, refused = 1000 * computed_s / len(taken), sum(one.refused for one in answers)
    return Load(clients, len(taken) / took_s, p50, p99, cpu_ms, len(taken), refused)


def _together(url: str, body: bytes, kind: str, clients: int, seconds: float) -> list[Answers]:
    """Let so many clients ask at the same time.

    Raises:
        RuntimeError: one was told what must not be.
    """
    answers = [Answers() for _ in range(clients)]
    until = time.perf_counter() + seconds
    threads = [threading.Thread(target=_client, args=(url, body, kind, until, one)) for one in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = next((one.wrong for one in answers if one.wrong), None)
    if wrong is not None:
        raise RuntimeError(wrong)
    return answers


def _client(url: str, body: bytes, kind: str, until: float, mine: Answers) -> None:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    while time.perf_counter() < until and not mine.wrong:
        began = time.perf_counter()
        connection.request("POST", "/api/v1/authenticate", body, {"Content-Type": kind})
        answer = connection.getresponse()
        said = answer.read()
        if answer.status == httpx.codes.OK:
            mine.seconds.append(time.perf_counter() - began)
            if b'"authenticated":true' not in said:
                mine.wrong = f"somebody who is enrolled was refused: {said[:200]!r}"
        elif answer.status == httpx.codes.SERVICE_UNAVAILABLE:
            mine.refused += 1
            time.sleep(min(MOST_WAIT_S, float(answer.getheader("Retry-After", "1"))))
        else:
            mine.wrong = f"{answer.status}: {said[:200]!r}"
    connection.close()


def _form(photo: bytes) -> tuple[bytes, str]:
    """The request's body, made once: what a client computes, the service can't."""
    mark = f"facekey{secrets.token_hex(8)}"
    parts = (
        f'--{mark}\r\nContent-Disposition: form-data; name="user_id"\r\n\r\n{WHO}\r\n'.encode(),
        f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="face.jpg"\r\n'.encode(),
        b"Content-Type: image/jpeg\r\n\r\n" + photo + f"\r\n--{mark}--\r\n".encode(),
    )
    return b"".join(parts), f"multipart/form-data; boundary={mark}"


@contextmanager
def _one_process() -> Iterator[Opened]:
    with running_server() as server, httpx.Client(base_url=server.url) as client:
        enrol(client, WHO)
        yield server.url, webcam_jpeg(sample_photos()["obama3.jpg"])


@contextmanager
def _gunicorn(workers: int) -> Iterator[Opened]:
    with TemporaryDirectory() as folder, service(Path(folder), workers) as (url, _look, photo):
        yield url, photo


def _engine_seconds(photo: bytes) -> list[float]:
    """Bytes to decision on one core, each network with one thread."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    taken = []
    with on_cores(1):
        decider = Decider(threads=1)
        enrolled = decider.look(photo)
        for _ in range(ENGINE_ROUNDS):
            began = time.perf_counter()
            decider.decide(enrolled, decider.look(photo))
            taken.append(time.perf_counter() - began)
    cv2.setNumThreads(threads)
    return taken[len(taken) // 8 :]  # the first ones warm up


def _line(name: str, load: Load) -> str:
    return (
        f"{name}, {load.clients:2} clients: {load.rate:5.1f} decisions a second, p50 {load.p50_ms:6.1f} ms, "
        f"p99 {load.p99_ms:6.1f} ms ({load.p99_ms / load.p50_ms:.2f} x), CPU {load.cpu_ms:.1f} ms each, "
        f"{load.refused} refused"
    )


TITLES = {
    "one_process": "facekey serve, SQLite",
    "gunicorn": "gunicorn with a worker a core, PostgreSQL, Redis",
}


def _result(loads: dict[str, list[Load]], engine_s: float, count: int, together: float) -> Result:
    cores = usable_cores()
    bound = cores / engine_s
    alone = written(1000 * engine_s, 1, "ms")
    print(f"engine with one thread: {alone}; {cores} cores could decide {bound:.1f} a second")
    print(f"{cores} engines side by side: {together:.1f} decisions a second, {together / bound:.2f} x that")
    figures = [
        Figure("engine_one_thread_ms", "bytes to decision with one thread", 1000 * engine_s, "ms", count),
        Figure("engine_bound", f"{cores} cores over that time", bound, "1/s"),
        Figure("side_by_side", f"{cores} engines side by side", together, "1/s"),
        Figure(
            "side_by_side_share",
            "engines side by side, of what the cores could",
            together / bound,
            "x",
            digits=2,
        ),
    ]
    targets, tables = [], []
    for name, some in loads.items():
        at = next(load for load in some if load.clients == AT)
        share = at.rate / bound
        figures.append(
            Figure(f"{name}_rate", f"{TITLES[name]}: decisions at {AT} clients", at.rate, "1/s", at.decided)
        )
        targets += [
            Target(
                f"{TITLES[name]}: decisions at {AT} clients over what the cores could",
                share,
                LEAST_SHARE,
                "x",
                at_most=False,
            ),
            Target(f"{TITLES[name]}: p99 over p50 at {AT} clients", at.p99_ms / at.p50_ms, MOST_TAIL, "x"),
        ]
        figures.append(
            Figure(
                f"{name}_share",
                f"{TITLES[name]}: of what engines side by side decide",
                at.rate / together,
                "x",
                digits=2,
            )
        )
        tables.append(_table(name, some, bound, together))
    best = max(load.rate for some in loads.values() for load in some)
    figures.append(
        Figure("best_per_core", "decisions a second and core, service at its best", best / cores, "1/s")
    )
    return Result(tuple(figures), tuple(tables), tuple(targets))


def _table(name: str, some: list[Load], bound: float, together: float) -> Table:
    columns = (
        Column("clients", digits=0),
        Column("decisions a second", "1/s", bars=True),
        Column("of what the cores could", "%", 0),
        Column("of engines side by side", "%", 0),
        Column("p50", "ms", 0),
        Column("p99", "ms", 0),
        Column("p99 over p50", "x", 2),
        Column("CPU of the service for each", "ms"),
        Column("refused (503)", digits=0),
    )
    rows = tuple(
        (
            float(load.clients),
            load.rate,
            100 * load.rate / bound,
            100 * load.rate / together,
            load.p50_ms,
            load.p99_ms,
            load.p99_ms / load.p50_ms,
            load.cpu_ms,
            float(load.refused),
        )
        for load in some
    )
    return Table(f"http_{name}", TITLES[name], columns, rows)
