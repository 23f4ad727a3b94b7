"""How long one authenticate takes, and where the time goes.

Protocol: one JPEG of 640 x 480 with one face (public photo) of somebody who is enrolled and let
in, default pack, one request at a time. Bytes to decision: the engine, the comparison and the
policy, without a store. Bare: the very `InferenceSession.run` calls that the engine made for
this picture, again with the same arrays, one after the other (the engine may run some side by
side). In process: `services.Authenticate` with the real store (SQLite, every audit record
committed to disk); its stages are those that the service itself reports. HTTP: the same request
to `facekey serve` in another process on loopback. They take turns, so that noise of the machine
hits all alike; bare runs and decisions both come after another copy of the networks has run, so
that neither finds its weights in the processor's caches. Before each there is a pause in which
the threads of the one before fall asleep. Medians with 95 % intervals from the order of the
values; ratios are medians of paired ratios.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import httpx

from bench.decision import Decider
from bench.host import describe
from bench.intervals import median
from bench.photo import enrol, enrolment, sample_photos, webcam_jpeg
from bench.recorded import Call, recorded
from bench.results import Column, Figure, Result, Table, Target, told
from bench.server import running_server
from facekey.api.logs import configure
from facekey.api.meters import Meters
from facekey.core.caller import COMMAND_LINE
from facekey.core.types import SubjectId
from facekey.settings import Settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.wiring.service import open_service

ROUNDS = 150
WARM_UP = 15
PAUSE_S = 0.05
MOST_MS, MOST_RATIO = 35.0, 1.15
BARE, DECISION, IN_PROCESS, HTTP = "bare", "decision", "in_process", "http"
SAID = {
    BARE: "bare network runs of one picture",
    DECISION: "bytes to decision, without a store",
    IN_PROCESS: "authenticate in process, on record",
    HTTP: "authenticate over HTTP",
}
STAGES = {
    "decode": "bytes to pixels",
    "detect": "find the faces and their five points",
    "align": "cut the crops for all that follows",
    "mesh": "lay 468 points",
    "quality": "sharpness, light, pose, size, occlusion",
    "liveness": "all liveness networks, one with the other",
    "embed": "all recognition networks, one with the other",
    "fingerprint": "what replays are known by",
    "queue": "wait for a worker of the pool",
    "load": "fetch and unseal the template",
    "compare": "compare and decide",
    "record": "seal the audit record and commit it",
}
Times = dict[str, list[float]]


def main() -> Result:
    """Measure and print."""
    print(__doc__)
    configure("error")  # what the service logs isn't part of the report
    print(f"machine: {describe()}; {ROUNDS} rounds after {WARM_UP} of warming up")
    photo = webcam_jpeg(sample_photos()["obama.jpg"])
    with (
        TemporaryDirectory() as folder,
        running_server() as server,
        httpx.Client(base_url=server.url) as http,
    ):
        settings = Settings(
            ENCRYPTION_KEY=EncryptionKey.generate().written(),
            DATABASE_URL=f"sqlite:///{folder}/bench.db",
        )
        return asyncio.run(_measure(settings, photo, http))


class StageMeters(Meters):
    """Meters of a service that also keep each stage's seconds."""

    def __init__(self) -> None:
        """Begin at nothing."""
        super().__init__()
        self.seconds: Times = defaultdict(list)

    def took(self, stage: str, seconds: float) -> None:
        """A stage ended."""
        super().took(stage, seconds)
        self.seconds[stage].append(seconds)


async def _measure(settings: Settings, photo: bytes, http: httpx.Client) -> Result:
    decider, meters = Decider(settings), StageMeters()
    enrolled = decider.look(photo)
    calls = recorded(lambda: decider.look(photo))
    times: Times = defaultdict(list)
    enrol(http, "bench")
    async with open_service(settings, meters=meters) as service:
        await service.register(SubjectId("bench"), enrolment(), caller=COMMAND_LINE)
        for number in range(WARM_UP + ROUNDS):
            if number == WARM_UP:
                times.clear()
                meters.seconds.clear()
            with _timed(times[HTTP]):
                http.post(  # noqa: ASYNC212 - the loop has nothing else to do meanwhile
                    "/api/v1/authenticate", data={"user_id": "bench"}, files={"image": photo}
                ).raise_for_status()
            with _timed(times[DECISION]):
                decider.decide(enrolled, decider.look(photo))
            with _timed(times[IN_PROCESS]):
                await service.authenticate(SubjectId("bench"), photo, caller=COMMAND_LINE)
            with _timed(times[BARE]):
                for call in calls:
                    call.again()
    return _result(times, meters.seconds, calls)


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    time.sleep(PAUSE_S)
    began = time.perf_counter()
    yield
    into.append(time.perf_counter() - began)


def _result(times: Times, stages: Times, calls: list[Call]) -> Result:
    figures = [_figure(name, said, times[name]) for name, said in SAID.items()]
    ratios = [one / bare for one, bare in zip(times[DECISION], times[BARE], strict=True)]
    ratio, low, high = median(ratios)
    figures += [
        Figure(
            "decision_over_bare",
            "bytes to decision over the bare runs",
            ratio,
            "x",
            len(ratios),
            low,
            high,
            digits=2,
        ),
        _added("http_adds", "HTTP adds", times[HTTP], times[IN_PROCESS]),
        _added("store_adds", "store and record add", times[IN_PROCESS], times[DECISION]),
    ]
    for figure in figures:
        print(f"{figure.said:45} {told(figure)}")
    operations = _operations(times, stages)
    print("stages, p50: " + ", ".join(f"{row[0]} {row[2]:.2f} ms" for row in operations.rows))
    print(f"network runs of one picture: {len(calls)} ({', '.join(call.network for call in calls)})")
    p50 = 1000 * statistics.median(times[DECISION])
    targets = (
        Target("bytes to decision, p50", p50, MOST_MS, "ms", digits=1),
        Target("bytes to decision over the bare network runs", ratio, MOST_RATIO, "x"),
    )
    return Result(tuple(figures), (operations,), targets)


def _operations(times: Times, stages: Times) -> Table:
    columns = (Column("operation"), Column("what"), Column("p50", "ms", 2, bars=True), Column("p95", "ms", 2))
    rows = [
        (name, STAGES.get(name, ""), *_p50_p95(stages[name]))
        for name in [*(one for one in STAGES if one in stages), *(one for one in stages if one not in STAGES)]
    ]
    rows.append(
        (
            "total",
            "authenticate in process, from bytes to the committed decision",
            *_p50_p95(times[IN_PROCESS]),
        )
    )
    return Table("operations", "Where the time of one authenticate goes", columns, tuple(rows))


def _p50_p95(seconds: list[float]) -> tuple[float, float]:
    return 1000 * statistics.median(seconds), 1000 * statistics.quantiles(seconds, n=20)[-1]


def _figure(name: str, said: str, seconds: list[float]) -> Figure:
    mid, low, high = median([1000 * one for one in seconds])
    return Figure(f"{name}_ms", said, mid, "ms", len(seconds), low, high, digits=2)


def _added(name: str, said: str, more: list[float], less: list[float]) -> Figure:
    mid, low, high = median([1000 * (a - b) for a, b in zip(more, less, strict=True)])
    return Figure(f"{name}_ms", said, mid, "ms", len(more), low, high, digits=2)
