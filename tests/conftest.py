"""What many tests need: the default networks and the public photos, fetched once for all runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from facekey.settings import default_models_dir, read_settings
from facekey.zoo.samples import load_samples, pull_samples
from facekey.zoo.zoo import Zoo, default_cards_dir
from tests.photos import Photos
from tests.postgres import PostgresServer, start_postgres
from tests.servers import RedisServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of the suite's own, started when first asked for."""
    server = start_postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def zoo() -> Zoo:
    """The default pack, in the user's own cache."""
    zoo = Zoo(cache_dir=read_settings().models_dir)
    missing = [result for result in zoo.pull(zoo.names("default")) if not result.installed]
    if missing:
        pytest.fail("; ".join(f"{result.card.name}: {result.reason}" for result in missing))
    return zoo


@pytest.fixture(scope="session")
def samples() -> dict[str, Path]:
    """The public photos by file name, in the user's own cache."""
    folder = default_models_dir().parent / "samples"
    return {path.name: path for path in pull_samples(load_samples(default_cards_dir()), folder)}


@pytest.fixture(scope="session")
def photos(samples: dict[str, Path]) -> Photos:
    """The photos that most tests use, as bytes."""
    return Photos(*(samples[f"{name}.jpg"].read_bytes() for name in ("obama", "obama2", "obama3", "biden")))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests of a worker: each uses a part of its own (another secret)."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()
