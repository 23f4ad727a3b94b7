"""A real store for the tests of what stands on it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facekey.api.service import Service
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.migrate import migrate
from tests.contract.store.opened import Store, open_store
from tests.unit.services.deployed import Playback, services


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of this version."""
    path = tmp_path_factory.mktemp("migrated") / "store.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def store(tmp_path: Path, migrated: Path) -> AsyncIterator[Store]:
    shutil.copy(migrated, tmp_path / "store.db")
    opened = await open_store(f"sqlite:///{tmp_path}/store.db", EncryptionKey.generate())
    yield opened
    await opened.database.close()


@pytest.fixture
def analyzer() -> Playback:
    return Playback()


@pytest.fixture
def service(store: Store, analyzer: Playback) -> Service:
    return services(store, analyzer)


@pytest.fixture
def new_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of a deployment that was never started, for the command line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/facekey.db")
    monkeypatch.setenv("ENCRYPTION_KEY", EncryptionKey.generate().written())
