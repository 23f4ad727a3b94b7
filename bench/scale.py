"""Does authenticate grow slower with the number of enrolled people?

Protocol: two services side by side on one kind of database, one with nobody but the person who
signs in, the other with 10,000 more, made up: five random unit vectors each, sealed and stored as
registrations are. Both get the same webcam picture of the person, by HTTP, one request at a time
and in turns, so that noise of the machine hits both alike. Reported is the ratio of the medians,
with a 95 % interval from 2,000 resamples of the pairs.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np

from bench.host import describe
from bench.photo import enrol, sample_photos, webcam_jpeg
from bench.results import Figure, Result
from bench.server import Server, deployment, running_server
from facekey.core.types import Floats, References, SubjectId, Template
from facekey.settings import read_settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.migrate import migrate
from facekey.wiring.vision import open_vision, open_zoo
from tests.contract.store.opened import event, open_store
from tests.postgres import start_postgres

PEOPLE = 10_000
PHOTOS = 5
ROUNDS = 200
WARM_UP = 20
RESAMPLES = 2_000
REPORT_EVERY = 2_500


def main() -> Result:
    """Measure on SQLite and on PostgreSQL, and print."""
    print(__doc__)
    print(f"machine: {describe()}; {ROUNDS} rounds after {WARM_UP} of warming up")
    with TemporaryDirectory() as folder:
        figures = _measure("SQLite", f"sqlite:///{folder}/empty.db", f"sqlite:///{folder}/full.db")
    postgres = start_postgres(durable=True)
    try:
        figures += _measure("PostgreSQL", postgres.empty(), postgres.empty())
    finally:
        postgres.stop()
    return Result(tuple(figures))


def _measure(kind: str, empty: str, full: str) -> list[Figure]:
    key = EncryptionKey.generate()
    migrate(full)
    began = time.perf_counter()
    asyncio.run(fill(full, key))
    each_ms = 1000 * (time.perf_counter() - began) / PEOPLE
    probe = webcam_jpeg(sample_photos()["obama.jpg"])
    with ExitStack() as stack:
        clients = [stack.enter_context(_service(url, key)) for url in (empty, full)]
        for _ in range(WARM_UP):
            for client, _server in clients:
                _ask(client, probe)
        taken = np.array([[_ask(client, probe) for client, _server in clients] for _ in range(ROUNDS)])
        memory = [server.resident_mb() for _client, server in clients]
    p50 = np.median(taken, axis=0)
    low, high = _interval(taken)
    print(
        f"{kind}: p50 {1000 * p50[0]:.1f} ms with 1 person, {1000 * p50[1]:.1f} ms with {PEOPLE + 1}; "
        f"ratio {p50[1] / p50[0]:.3f} [{low:.3f}, {high:.3f}]; "
        f"memory {memory[0]:.0f} and {memory[1]:.0f} MB; "
        f"storing one person took {each_ms:.1f} ms"
    )
    name = kind.lower()
    return [
        Figure(
            f"{name}_ratio",
            f"{kind}: authenticate with {PEOPLE + 1:,} people over with one",
            float(p50[1] / p50[0]),
            "x",
            ROUNDS,
            low,
            high,
            digits=3,
        ),
        Figure(f"{name}_store_ms", f"{kind}: storing one person", each_ms, "ms", PEOPLE),
    ]


def _interval(taken: Floats) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(taken), (RESAMPLES, len(taken)))
    medians = np.median(taken[picks], axis=1)  # (resamples, 2)
    low, high = np.quantile(medians[:, 1] / medians[:, 0], [0.025, 0.975])
    return float(low), float(high)


def _ask(client: httpx.Client, probe: bytes) -> float:
    began = time.perf_counter()
    answer = client.post("/api/v1/authenticate", data={"user_id": "obama"}, files={"image": probe})
    taken_s = time.perf_counter() - began
    if not answer.is_success or not answer.json()["authenticated"]:
        raise RuntimeError(f"the person was not let in: {answer.status_code} {answer.text}")
    return taken_s


@contextmanager
def _service(url: str, key: EncryptionKey) -> Iterator[tuple[httpx.Client, Server]]:
    with TemporaryDirectory() as folder:
        environment = {**deployment(Path(folder)), "DATABASE_URL": url, "ENCRYPTION_KEY": key.written()}
        with running_server(environment) as server, httpx.Client(base_url=server.url, timeout=60) as client:
            enrol(client, "obama")
            yield client, server


async def fill(url: str, key: EncryptionKey) -> None:
    """Store made-up people as a registration does, each in a transaction of its own."""
    model, population = next(iter(open_vision(open_zoo(read_settings())).populations.items()))
    store = await open_store(url, key)
    rng = np.random.default_rng(1)
    try:
        for number in range(PEOPLE):
            vectors = rng.standard_normal((PHOTOS, len(population.mean))).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            user_id = f"user{number:05}"
            template = Template(SubjectId(user_id), (References(model, vectors),))
            await store.enrol(template, event("register", user_id))
            if number % REPORT_EVERY == REPORT_EVERY - 1:
                print(f"  {number + 1} people stored", flush=True)
    finally:
        await store.database.close()
