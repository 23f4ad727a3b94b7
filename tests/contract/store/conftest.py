from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.migrate import migrate
from tests.contract.store.opened import Store, open_store
from tests.postgres import PostgresServer


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path}/store.db"
    migrate(address)
    return address


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    return postgres.migrated()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    """A database with this version's tables; who asks for it runs against both kinds."""
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address


@pytest.fixture
def key() -> EncryptionKey:
    return EncryptionKey.generate()


@pytest.fixture
async def store(url: str, key: EncryptionKey) -> AsyncIterator[Store]:
    opened = await open_store(url, key)
    yield opened
    await opened.database.close()


@pytest.fixture
async def neighbour(url: str, key: EncryptionKey, store: Store) -> AsyncIterator[Store]:
    """Another process on the same database."""
    opened = await open_store(url, key)
    yield opened
    await opened.database.close()
