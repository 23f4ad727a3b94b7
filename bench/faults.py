"""Faults: the service is killed, stores go away, the disk is full, keys change; what was promised holds.

A service on a real PostgreSQL and a real Redis is used by clients that register, authenticate and
erase, and remember each answer. After every fault:

- who was answered as registered is there, whole; who was answered as erased is gone; whoever's
  answer never came is one or the other, never half;
- every decision that was given has its record, and no more records than were asked for;
- the audit chain verifies;
- the service answers again, without anybody's help (after a kill: once it is started again).
"""

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psycopg
from sqlalchemy.engine import make_url

from bench.host import describe
from bench.load import Client, Standing
from bench.photo import sample_photos
from bench.server import deployment, facekey
from tests.photos import shots
from tests.postgres import PostgresServer, start_postgres
from tests.servers import RedisServer

SEED = 4
KILLS = int(os.environ.get("FACEKEY_BENCH_KILLS", "50"))
HEALED_WITHIN_S = 30.0
OUTAGE_S = 3.0
LOAD_S = 4.0
FULL_BYTES = 0  # nothing more may be written


@dataclass
class Drill:
    """One deployment, its clients, and where its stores are.

    Attributes:
        log: what the service says; an outage fills it with errors, as it should.
    """

    environment: dict[str, str]
    postgres: PostgresServer
    redis: RedisServer
    log: Path
    clients: list[Client]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the service answers."""
        return f"http://127.0.0.1:{self.environment['FACEKEY_PORT']}"

    def start(self) -> None:
        """Start the service and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "facekey", "serve"], env=self.environment, stdout=log, stderr=log
            )
        self.wait_until_healthy()

    def wait_until_healthy(self) -> float:
        """Seconds until the service can decide.

        Raises:
            TimeoutError: it doesn't heal.
            RuntimeError: it ended.
        """
        began = time.monotonic()
        while time.monotonic() - began < HEALED_WITHIN_S:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"the service ended by itself: {self.log.read_text()[-3000:]}")
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).is_success:
                    return time.monotonic() - began
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"not healthy after {HEALED_WITHIN_S:g} s")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the service."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None


def main() -> None:
    """Run every drill; exit 1 when a promise was broken."""
    print(f"{describe()}; PostgreSQL and Redis on this machine; seed {SEED}")
    rng = random.Random(SEED)  # noqa: S311 - moments of a drill, not secrets
    drills: dict[str, Callable[[Drill], str]] = {
        f"killed {KILLS} times": lambda drill: _killed(drill, rng),
        "PostgreSQL stopped and started": lambda drill: _outage(
            drill.postgres.halt, drill.postgres.start, drill
        ),
        "Redis stopped and started": lambda drill: _outage(drill.redis.stop, drill.redis.start, drill),
        "keys rotated": _rotated,
    }
    broken: list[str] = []
    with _deployment() as drill:
        for name, run in drills.items():
            broken += _report(name, drill, run)
    with _deployment(on_sqlite=True) as drill:
        broken += _report("disk full", drill, _disk_full)
    if broken:
        sys.exit("\n".join(broken))


def _report(name: str, drill: Drill, run: Callable[[Drill], str]) -> list[str]:
    began = time.monotonic()
    told = run(drill)
    faults = _check(drill)
    promises = [client.promises for client in drill.clients]
    print(
        f"{name:32} {told}; so far {sum(one.decisions for one in promises)} decisions, "
        f"{sum(len(one.people) for one in promises)} people, "
        f"{sum(sum(one.refused.values()) for one in promises)} refused with 503 or 429, "
        f"{sum(one.unanswered for one in promises)} unanswered; {time.monotonic() - began:.0f} s; "
        f"{'FAILED' if faults else 'all promises kept'}"
    )
    return [f"{name}: {fault}" for fault in faults]


# The drills. Each leaves a service that answers.


def _killed(drill: Drill, rng: random.Random) -> str:
    slowest = 0.0
    for number in range(KILLS):
        drill.stop(signal.SIGKILL)
        if number % 10 == 9:
            _verify_chain(drill.environment)
        began = time.monotonic()
        drill.start()
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(rng.uniform(0.1, 2.0))
    return f"longest start {slowest:.1f} s"


def _outage(stop: Callable[[], None], start: Callable[[], None], drill: Drill) -> str:
    """Take a store away for a while."""
    time.sleep(LOAD_S)
    stop()
    time.sleep(OUTAGE_S)
    start()
    healed_s = drill.wait_until_healthy()
    time.sleep(LOAD_S)
    return f"healed after {healed_s:.1f} s"


def _rotated(drill: Drill) -> str:
    before = _decisions(drill)
    for _ in range(3):
        facekey(drill.environment, "keys", "add")
        facekey(drill.environment, "keys", "rotate")
        time.sleep(1.0)
    if _decisions(drill) == before:
        raise RuntimeError("nobody was served while keys were rotated")
    return "3 new root keys, everything wrapped again"


def _disk_full(drill: Drill) -> str:
    time.sleep(LOAD_S)
    assert drill.process is not None  # noqa: S101 - it was started
    database = Path(str(make_url(drill.environment["DATABASE_URL"]).database))
    limit = max(path.stat().st_size for path in database.parent.glob("facekey.db*")) + FULL_BYTES
    resource.prlimit(drill.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    time.sleep(OUTAGE_S)
    refused = sum(client.promises.refused[503] for client in drill.clients)
    resource.prlimit(
        drill.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )
    if not refused:
        raise RuntimeError("the disk was never full")
    healed_s = drill.wait_until_healthy()
    time.sleep(LOAD_S)
    return f"healed after {healed_s:.1f} s"


def _decisions(drill: Drill) -> int:
    return sum(client.promises.decisions for client in drill.clients)


# The promises.


def _check(drill: Drill) -> list[str]:
    """Hold the service to what it answered, with the clients standing still.

    They finish what is under way, and go on afterwards as new clients with the old promises.
    """
    before = time.monotonic()
    for client in drill.clients:
        client.finish()
    faults = [fault for client in drill.clients for fault in client.promises.wrong]
    if not all(client.promises.healed_s > before - LOAD_S for client in drill.clients):
        faults.append("a client was not answered any more")
    expected = 0
    for client in drill.clients:
        for user_id, standing in client.promises.people.items():
            status = httpx.get(f"{drill.url}/api/v1/users/{user_id}", timeout=30).status_code
            if standing is not Standing.UNKNOWN and (status == 200) is not (standing is Standing.ENROLLED):
                faults.append(f"{user_id} was answered as {standing.value}, and now it is {status}")
            expected += status == 200
    total = httpx.get(f"{drill.url}/api/v1/users", timeout=30).json()["total"]
    if total != expected:
        faults.append(f"{total} people are enrolled, the clients know of {expected}")
    faults += _half_registered(drill)
    faults += _records(drill)
    _verify_chain(drill.environment)
    drill.clients[:] = [_resumed(client, drill.url) for client in drill.clients]
    return faults


def _half_registered(drill: Drill) -> list[str]:
    whole = "SELECT count(*) FROM subjects WHERE uid NOT IN (SELECT subject_uid FROM templates)"
    orphans = "SELECT count(*) FROM templates WHERE subject_uid NOT IN (SELECT uid FROM subjects)"
    return [
        f"{count} {what}"
        for what, query in (("people without a template", whole), ("templates without a person", orphans))
        if (count := _count(drill, query))
    ]


def _records(drill: Drill) -> list[str]:
    recorded = _count(drill, """SELECT count(*) FROM audit WHERE body LIKE '%"action":"authenticate"%'""")
    promises = [client.promises for client in drill.clients]
    answered = sum(one.decisions for one in promises)
    asked = answered + sum(one.unanswered + sum(one.refused.values()) for one in promises)
    if not answered <= recorded <= asked:
        return [f"{answered} decisions were given and {asked} asked for, but {recorded} are on record"]
    return []


def _verify_chain(environment: Mapping[str, str]) -> None:
    """Raises CalledProcessError, with what it said, when the chain is broken."""
    facekey(environment, "audit", "verify")


# What the drills stand on.


@contextmanager
def _deployment(*, on_sqlite: bool = False) -> Iterator[Drill]:
    postgres = start_postgres(durable=True)
    with TemporaryDirectory() as folder:
        redis = RedisServer(Path(folder))
        redis.start()
        environment = {
            **deployment(Path(folder)),
            "DATABASE_URL": f"sqlite:///{folder}/store/facekey.db" if on_sqlite else postgres.empty(),
            "REDIS_URL": redis.url,
            "FACEKEY_KEY_PROVIDER": "file",
            "FACEKEY_KEY_FILE": f"{folder}/root.keys",
            "FACEKEY_LOG_LEVEL": "error",
        }
        facekey(environment, "keys", "add")
        drill = Drill(environment, postgres, redis, Path(folder) / "service.log", [])
        try:
            drill.start()
            drill.clients[:] = _clients(drill.url)
            yield drill
        finally:
            for client in drill.clients:
                client.finish()
            drill.stop()
            redis.stop()
            postgres.stop()


def _clients(url: str) -> list[Client]:
    photos = {name.removesuffix(".jpg"): path.read_bytes() for name, path in sample_photos().items()}
    people = {
        "obama": ([*shots(photos["obama"], 3), *shots(photos["obama2"], 2)], photos["obama"]),
        "biden": (shots(photos["biden"], 5), photos["biden"]),
    }
    clients = [Client(name, url, shown, probe) for name, (shown, probe) in people.items()]
    for client in clients:
        client.start()
    return clients


def _resumed(client: Client, url: str) -> Client:
    resumed = client.again(url)
    resumed.start()
    return resumed


def _count(drill: Drill, query: str) -> int:
    url = make_url(drill.environment["DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database))) as connection:
            return int(connection.execute(query).fetchone()[0])
    with psycopg.connect(url.render_as_string(hide_password=False)) as server:
        row = server.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0
