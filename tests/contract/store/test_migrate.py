import sqlite3
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.store.sql.database import checked_url
from facekey.store.sql.migrate import migrate
from facekey.store.sql.tables import metadata


def test_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(url: str) -> None:
    migrate(url)


def test_processes_that_start_together_do_not_collide(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/new.db"
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(migrate, [address] * 4))
    migrate(address)


def test_a_newer_schema_is_refused(url: str) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(SettingsInvalid, match="newer"):
        migrate(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        migrate(f"sqlite:///{tmp_path}/x.db")


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql://x/y"]
)
def test_unsupported_databases_are_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="DATABASE_URL"):
        checked_url(url)


def test_what_a_url_holds_is_not_repeated() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        checked_url("postgresql://user:p@host:secret-port/x")
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsInvalid, match="can't be made"):
        checked_url(f"sqlite:///{tmp_path}/file/below/x.db")


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        migrate(f"sqlite:///{tmp_path}/.")


def test_what_a_crash_left_in_the_log_goes_at_the_next_start(url: str, tmp_path: Path) -> None:
    crashed = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    crashed.execute("INSERT INTO subjects VALUES ('u', 'alice', 'then', 1, x'00')")
    assert (tmp_path / "store.db-wal").stat().st_size > 0
    migrate(url)
    assert (tmp_path / "store.db-wal").stat().st_size == 0
    crashed.close()
