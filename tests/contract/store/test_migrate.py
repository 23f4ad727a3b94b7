import sqlite3
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.store.sql.database import backend_of
from facekey.store.sql.migrate import migrate
from facekey.store.sql.schema import MIGRATIONS, newest_revision, revisions
from facekey.store.sql.tables import metadata
from tests.contract.store.opened import on_sqlite
from tests.postgres import PostgresServer

BEFORE, NEWEST_TABLES = "0006", ("network_choices",)


def test_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    engine = backend_of(url).migration_engine()
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_what_is_known_of_schemas_without_alembic_is_what_alembic_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert newest_revision() == script.get_current_head()
    assert revisions() == sorted(one.revision for one in script.walk_revisions())


def test_migrating_twice_changes_nothing(url: str) -> None:
    migrate(url)


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that nobody has touched."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/new.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.empty()


def test_processes_that_start_together_do_not_collide(empty: str) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        list(pool.map(migrate, [empty] * 4))
    migrate(empty)


def test_a_newer_schema_is_refused(url: str) -> None:
    engine = backend_of(url).migration_engine()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for upgrade in (True, False):
        with pytest.raises(SettingsInvalid, match="newer"):
            migrate(url, upgrade=upgrade)


def older(url: str) -> str:
    """Make a database what the version before left: its last migration taken back."""
    engine = backend_of(url).migration_engine()
    with engine.begin() as connection:
        for table in NEWEST_TABLES:
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0006'")
    return url


def test_an_older_schema_is_upgraded_when_that_was_asked_for(url: str) -> None:
    older(url)
    with pytest.raises(SettingsInvalid, match=r"0006.*facekey database upgrade"):
        migrate(url, upgrade=False)
    migrate(url)
    migrate(url, upgrade=False)


def test_an_empty_database_is_prepared_in_any_case(empty: str) -> None:
    migrate(empty, upgrade=False)
    migrate(empty, upgrade=False)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE outbox", "outbox is missing"),
        ("ALTER TABLE operators DROP COLUMN vouched", r"operators\.vouched is missing"),
        ("DELETE FROM alembic_version", "doesn't say of which version"),
        ("INSERT INTO alembic_version VALUES ('0006')", "claims 2 schemas"),
    ],
)
@pytest.mark.parametrize("upgrade", [True, False])
def test_a_schema_that_is_half_there_is_refused(url: str, statement: str, said: str, upgrade: bool) -> None:
    with backend_of(url).migration_engine().begin() as connection:
        connection.exec_driver_sql(statement)
    with pytest.raises(SettingsInvalid, match=said):
        migrate(url, upgrade=upgrade)


def test_an_upgrade_that_fails_leaves_the_older_schema_whole(url: str, tmp_path: Path) -> None:
    older(url)
    with backend_of(url).migration_engine().begin() as connection:
        connection.exec_driver_sql("CREATE TABLE network_choices (in_the_way INTEGER)")
    with pytest.raises(StoreUnavailable, match="already exists"):
        migrate(url)
    with backend_of(url).migration_engine().begin() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one() == BEFORE
        connection.exec_driver_sql("DROP TABLE network_choices")
    migrate(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        migrate(f"sqlite:///{tmp_path}/x.db")


@pytest.mark.parametrize(
    "address",
    ["", "nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql+asyncpg://x/y"],
)
def test_unsupported_databases_are_refused(address: str) -> None:
    with pytest.raises(SettingsInvalid, match="DATABASE_URL"):
        backend_of(address)


def test_what_a_url_holds_is_not_repeated() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        backend_of("postgresql://user:p@host:secret-port/x")
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_log_only_grows_whoever_asks(kind: str, request: pytest.FixtureRequest) -> None:
    engine = backend_of(request.getfixturevalue(f"{kind}_url")).migration_engine()
    record = {"n": 1, "body": "{}", "previous": b"p", "digest": b"d"}
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO audit VALUES (:n, :body, :previous, :digest)"), record)
    for change in ("UPDATE audit SET body = ''", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="only grows"), engine.begin() as connection:
            connection.exec_driver_sql(change)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsInvalid, match="can't be made"):
        backend_of(f"sqlite:///{tmp_path}/file/below/x.db")


def test_a_path_that_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        migrate(f"sqlite:///{tmp_path}/.")


@on_sqlite
def test_what_a_crash_left_in_the_log_goes_at_the_next_start(url: str, tmp_path: Path) -> None:
    crashed = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    crashed.execute("INSERT INTO subjects VALUES ('u', 'alice', 'then', 1, x'00', 1, x'00', NULL, NULL)")
    assert (tmp_path / "store.db-wal").stat().st_size > 0
    migrate(url)
    assert (tmp_path / "store.db-wal").stat().st_size == 0
    crashed.close()
