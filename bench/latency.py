"""How long one authenticate takes, and where the time goes.

Protocol: one JPEG of 640 x 480 with one face (public photo) of somebody who is enrolled and
let in, default pack, one request at a time. In process: `services.Authenticate` with the real
store (SQLite, every audit record committed to disk). Bare: the very `InferenceSession.run` calls
that the engine made for this picture, again with the same arrays. HTTP: the same request to
`facekey serve` in another process on loopback. They take turns, so that noise of the
machine hits all alike, and before each there is a pause in which the threads of the one
before, which spin for a moment after their work, fall asleep; medians are compared.
"""

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from numpy.typing import NDArray

from bench.host import describe
from bench.photo import enrol, enrolment, sample_photos, webcam_jpeg
from bench.server import running_server
from facekey.core.caller import COMMAND_LINE
from facekey.core.types import SubjectId
from facekey.settings import Settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.wiring.service import open_service
from facekey.wiring.vision import open_vision, open_zoo
from facekey.zoo.onnx import OnnxSession

ROUNDS = 150
WARM_UP = 15
PAUSE_S = 0.05

Call = tuple[OnnxSession, tuple[NDArray[Any], ...]]


def main() -> None:
    """Measure and print."""
    print(__doc__)
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
        asyncio.run(_measure(settings, photo, http))


async def _measure(settings: Settings, photo: bytes, http: httpx.Client) -> None:
    stages: dict[str, list[float]] = defaultdict(list)
    vision = open_vision(open_zoo(settings), observe=lambda stage, taken: stages[stage].append(taken))
    calls = _recorded_calls(lambda: vision.pipeline.analyze(photo))
    times: dict[str, list[float]] = defaultdict(list)
    enrol(http, "bench")
    async with open_service(settings) as service:
        await service.register(SubjectId("bench"), enrolment(), caller=COMMAND_LINE)
        for number in range(WARM_UP + ROUNDS):
            if number == WARM_UP:
                times.clear()
                stages.clear()
            with _timed(times["engine"]):
                vision.pipeline.analyze(photo)
            with _timed(times["bare"]):
                for session, arrays in calls:
                    session.run(*arrays)
            with _timed(times["in process"]):
                await service.authenticate(SubjectId("bench"), photo, caller=COMMAND_LINE)
            with _timed(times["HTTP"]):
                http.post(  # noqa: ASYNC212 - the loop has nothing else to do meanwhile
                    "/api/v1/authenticate", data={"user_id": "bench"}, files={"image": photo}
                ).raise_for_status()
    _report(times, stages, len(calls))


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    time.sleep(PAUSE_S)
    began = time.perf_counter()
    yield
    into.append(time.perf_counter() - began)


def _recorded_calls(analyze: Any) -> list[Call]:
    """The networks that one analysis runs, with what they are given."""
    calls: list[Call] = []
    original = OnnxSession.run

    def recording(session: OnnxSession, *arrays: NDArray[Any]) -> Any:
        calls.append((session, tuple(array.copy() for array in arrays)))
        return original(session, *arrays)

    OnnxSession.run = recording  # type: ignore[method-assign]
    try:
        analyze()
    finally:
        OnnxSession.run = original  # type: ignore[method-assign]
    return calls


def _report(times: dict[str, list[float]], stages: dict[str, list[float]], calls: int) -> None:
    def ms(values: list[float]) -> str:
        spread = statistics.quantiles(values, n=20)
        return f"p50 {1000 * statistics.median(values):6.2f} ms   p95 {1000 * spread[-1]:6.2f} ms"

    print(f"bare, {calls} InferenceSession.run calls  {ms(times['bare'])}")
    print(f"engine, bytes to evidence          {ms(times['engine'])}")
    print(f"authenticate in process            {ms(times['in process'])}")
    print(f"authenticate over HTTP             {ms(times['HTTP'])}")
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = [engine / bare for engine, bare in zip(times["engine"], times["bare"], strict=True)]
    print(f"engine / bare: {statistics.median(ratios):.2f} (median of paired ratios)")
    print(f"HTTP adds: {1000 * (medians['HTTP'] - medians['in process']):.2f} ms to p50")
    print(
        "stages, p50: "
        + ", ".join(f"{name} {1000 * statistics.median(v):.1f} ms" for name, v in stages.items())
    )
