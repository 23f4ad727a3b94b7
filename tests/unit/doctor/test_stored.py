"""Items that look into databases, keys, Redis, backups and files: real ones, fit and unfit."""

import asyncio
import os
import shutil
import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from facekey.core.accounts import ApiKey, Operator
from facekey.core.alerts import Alert, AlertKind
from facekey.core.caller import Role
from facekey.core.errors import SettingsInvalid, StoreUnavailable
from facekey.core.ports.accounts import Operators
from facekey.doctor import accounts, backup, clock, database, keys, log, machine, redis
from facekey.doctor.examination import Finding, Look, Patient, State
from facekey.settings import default_models_dir
from facekey.store import snapshots
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.api_keys import SqlApiKeys
from facekey.store.sql.operators import SqlOperators
from facekey.wiring.alerts import open_outbox
from facekey.wiring.deployment import Deployment
from facekey.zoo.zoo import Zoo
from tests.contract.store.opened import Store, event, open_store, template
from tests.postgres import PostgresServer
from tests.servers import RedisServer
from tests.unit.doctor.conftest import KEY, Make
from tests.unit.services.deployed import NOW, HandClock


def of(make: Make, store: Store, **more: object) -> Patient:
    """The patient whose store this is."""
    return make(DATABASE_URL=store.url, ENCRYPTION_KEY=store.ring.keys.current().written(), **more)


async def one(look: Look, patient: Patient) -> Finding:
    (finding,) = await look(patient)
    assert finding.state is State.OK or finding.mend
    return finding


def is_it(finding: Finding, state: State, said: str) -> None:
    assert (finding.state, said in finding.said) == (state, True), finding


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    return postgres.migrated()


async def test_root_keys(make: Make, tmp_path: Path) -> None:
    is_it(await one(keys.root_keys, make()), State.OK, "version 1")
    older = make(ENCRYPTION_KEY_PREVIOUS=EncryptionKey.generate().written())
    is_it(await one(keys.root_keys, older), State.WARN, "ENCRYPTION_KEY_PREVIOUS")
    for key in ("", "abc", 44 * "A"):
        with pytest.raises(SettingsInvalid):
            await keys.root_keys(make(ENCRYPTION_KEY=key))
    loose = tmp_path / "root.keys"
    loose.write_text("{}")
    loose.chmod(0o644)
    with pytest.raises(SettingsInvalid, match="chmod 600"):
        await keys.root_keys(make(key_provider="file", key_file=loose))


async def test_keys_of_records(make: Make, store: Store) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    is_it(await one(keys.records, of(make, store)), State.OK, "all under the current key")
    current = store.ring.keys.current().written()
    newer = make(
        DATABASE_URL=store.url,
        ENCRYPTION_KEY=EncryptionKey.generate(2).written(),
        ENCRYPTION_KEY_PREVIOUS=current,
    )
    is_it(await one(keys.records, newer), State.WARN, "older key")
    lost = make(DATABASE_URL=store.url, ENCRYPTION_KEY=EncryptionKey.generate(2).written())
    is_it(await one(keys.records, lost), State.FAIL, "isn't at hand")


async def test_sqlite_is_for_development(make: Make, store: Store) -> None:
    is_it(await one(database.server, of(make, store)), State.FAIL, "SQLite")
    is_it(await one(database.connection, of(make, store)), State.OK, "this machine")
    is_it(await one(database.role, of(make, store)), State.OK, "no users")
    is_it(await one(database.schema, of(make, store)), State.OK, "current")
    is_it(await one(database.append_only, of(make, store)), State.OK, "can't be changed")


async def test_postgres_is_asked(make: Make, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = make(DATABASE_URL=postgres_url)
    is_it(await one(database.server, patient), State.OK, "PostgreSQL ")
    is_it(await one(database.connection, patient), State.OK, "this machine")
    is_it(await one(database.schema, patient), State.OK, "current")
    is_it(await one(database.append_only, patient), State.OK, "can't be changed")
    monkeypatch.setattr(database, "OLDEST_SERVER", 99)
    is_it(await one(database.server, patient), State.FAIL, "too old")
    # As if it were elsewhere: the server is asked whether this connection has TLS.
    monkeypatch.setattr(database, "_is_local", lambda _: False)
    is_it(await one(database.connection, patient), State.FAIL, "no TLS")


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("postgresql://u:p@localhost/d", True),
        ("postgresql://u:p@127.0.0.1/d", True),
        ("postgresql:///d", True),
        ("postgresql:///d?host=/var/run/postgresql", True),
        ("postgresql://u:p@db.internal/d", False),
        ("postgresql://u:p@/d?host=10.0.0.1", False),
        ("postgresql://u:p@/d?host=a&host=b", False),
    ],
)
def test_what_is_on_this_machine(url: str, local: bool) -> None:
    assert database._is_local(make_url(url)) is local


async def test_a_superuser_is_told(make: Make, postgres_url: str) -> None:
    is_it(await one(database.role, make(DATABASE_URL=postgres_url)), State.FAIL, "superuser")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
    ordinary = make_url(postgres_url).set(username="plain").render_as_string(hide_password=False)
    is_it(await one(database.role, make(DATABASE_URL=ordinary)), State.OK, "ordinary")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database of either kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres").migrated())
    shutil.copy(request.getfixturevalue("migrated"), tmp_path / "copied.db")
    return f"sqlite:///{tmp_path}/copied.db"


@pytest.fixture
def empty(url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """One of the same kind without tables."""
    if url.startswith("postgres"):
        return str(request.getfixturevalue("postgres").empty())
    (tmp_path / "empty.db").touch(mode=0o600)
    return f"sqlite:///{tmp_path}/empty.db"


async def test_schemas(make: Make, url: str, empty: str) -> None:
    is_it(await one(database.schema, make(DATABASE_URL=empty)), State.FAIL, "no tables")
    is_it(await one(database.append_only, make(DATABASE_URL=empty)), State.UNKNOWN, "no tables")
    is_it(await one(accounts.admins, make(DATABASE_URL=empty)), State.UNKNOWN, "schema")
    assert await accounts.applications(make(DATABASE_URL=empty)) == []
    for statement, said in (
        ("UPDATE alembic_version SET version_num = '0001'", "this version has"),
        ("UPDATE alembic_version SET version_num = '9999'", "newer version"),
    ):
        await _run(url, statement)
        is_it(await one(database.schema, make(DATABASE_URL=url)), State.FAIL, said)


async def test_triggers_that_are_gone(make: Make, url: str) -> None:
    statement = (
        "ALTER TABLE audit DISABLE TRIGGER audit_only_grows"
        if url.startswith("postgres")
        else "DROP TRIGGER audit_no_delete"
    )
    await _run(url, statement)
    finding = await one(database.append_only, make(DATABASE_URL=url))
    is_it(finding, State.FAIL, statement.rsplit(maxsplit=1)[-1])


async def test_a_database_that_is_away(make: Make, tmp_path: Path) -> None:
    nowhere = make(DATABASE_URL="postgresql://facekey:5ec7e7@127.0.0.1:1/facekey")
    for look in (database.server, database.schema, database.role, accounts.admins, log.chain):
        with pytest.raises(StoreUnavailable) as away:
            await look(nowhere)
        assert "5ec7e7" not in str(away.value)
    missing = make(DATABASE_URL=f"sqlite:///{tmp_path}/nothing.db")
    with pytest.raises(StoreUnavailable):
        await log.chain(missing)
    assert not (tmp_path / "nothing.db").exists(), "the doctor makes nothing"


async def test_no_redis(make: Make) -> None:
    is_it(await one(redis.address, make()), State.WARN, "no Redis")
    assert await redis.memory(make()) == []


async def test_redis_as_it_should_be_and_not(make: Make, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, words=("--requirepass", "5ec7e7"))
    server.start()
    try:
        good = make(REDIS_URL=server.url.replace("redis://", "redis://:5ec7e7@"))
        is_it(await one(redis.address, good), State.OK, "with a password")
        is_it(await one(redis.memory, good), State.WARN, "revoked tokens")
        async with redis.asking(redis.redis_url(good)) as asked:
            await asked.call("CONFIG", "SET", "appendonly", "yes")
            is_it(await one(redis.memory, good), State.OK, "keeps what it has")
            await asked.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        is_it(await one(redis.memory, good), State.FAIL, "allkeys-lru")
        with pytest.raises(StoreUnavailable):
            await redis.address(make(REDIS_URL=server.url))
    finally:
        server.stop()
    with pytest.raises(StoreUnavailable):
        await redis.address(good)


async def test_redis_without_password_or_tls(
    make: Make, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = make(REDIS_URL=redis_server.url)
    is_it(await one(redis.address, patient), State.WARN, "password")
    monkeypatch.setattr(redis, "is_loopback", lambda _: False)  # as if it were elsewhere
    is_it(await one(redis.address, patient), State.FAIL, "no TLS")


async def test_clocks(
    make: Make,
    postgres_url: str,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(clock, "SYNCHRONISED", tmp_path / "synchronized")
    is_it(await one(clock.against_others, make()), State.WARN, "nothing to compare")
    settings = make(DATABASE_URL=postgres_url, REDIS_URL=redis_server.url).settings
    for seconds, state in ((0.0, State.OK), (10.0, State.WARN), (-100.0, State.FAIL)):
        hand = HandClock(datetime.now(UTC) - timedelta(seconds=seconds))
        finding = await one(clock.against_others, Patient(settings=settings, clock=hand))
        is_it(finding, state, "PostgreSQL")
        assert "Redis" in finding.said
    (tmp_path / "synchronized").touch()
    is_it(await one(clock.against_others, make()), State.OK, "synchronised")


def operator(name: str, role: Role, *, one_time: bool, expires_in_h: float | None) -> Operator:
    expires = None if expires_in_h is None else NOW + timedelta(hours=expires_in_h)
    return Operator(f"{name}-uid", name, role, "hash", one_time, NOW, expires, NOW)


async def test_admins(make: Make, store: Store) -> None:
    operators: Operators = SqlOperators(store.database, store.audit)
    is_it(await one(accounts.admins, of(make, store)), State.FAIL, "no admin")
    await operators.add(
        operator("one", Role.ADMIN, one_time=True, expires_in_h=1.0), event("operator_add", "x")
    )
    await operators.add(
        operator("two", Role.OPERATOR, one_time=False, expires_in_h=None), event("operator_add", "x")
    )
    is_it(await one(accounts.admins, of(make, store)), State.FAIL, "no admin")
    await operators.add(
        operator("ada", Role.ADMIN, one_time=False, expires_in_h=None), event("operator_add", "x")
    )
    is_it(await one(accounts.admins, of(make, store)), State.OK, "1 admins")
    await operators.add(
        operator("old", Role.ADMIN, one_time=True, expires_in_h=-1.0), event("operator_add", "x")
    )
    is_it(await one(accounts.admins, of(make, store)), State.WARN, "old")
    await operators.disable("old-uid", event("operator_disable", "x"))
    is_it(await one(accounts.admins, of(make, store)), State.OK, "3 accounts")


async def test_api_keys(make: Make, store: Store) -> None:
    api_keys = SqlApiKeys(store.database, store.audit)
    is_it(await one(accounts.applications, of(make, store)), State.OK, "no API key")
    ends = ApiKey("1", "shop", Role.SERVICE, "h1", NOW, "x", expires_at=NOW)
    await api_keys.add(ends, event("api_key_add", "x"))
    is_it(await one(accounts.applications, of(make, store)), State.OK, "1 API keys")
    await api_keys.add(ApiKey("2", "gate", Role.SERVICE, "h2", NOW, "x"), event("api_key_add", "x"))
    is_it(await one(accounts.applications, of(make, store)), State.WARN, "gate")
    await api_keys.revoke("2", event("api_key_revoke", "x"))
    is_it(await one(accounts.applications, of(make, store)), State.OK, "1 API keys")


@pytest.mark.parametrize("full", [False, True])
async def test_the_audit_log(make: Make, store: Store, full: bool) -> None:
    for number in range(5):
        await store.audit.append(event(f"n{number}", "alice"))
    patient = of(make, store, full=full)
    is_it(await one(log.chain, patient), State.OK, "add up")
    await _run(store.url, "DROP TRIGGER audit_no_update")
    await _run(store.url, "UPDATE audit SET body = '{}' WHERE sequence = 4")
    is_it(await one(log.chain, patient), State.FAIL, "record 4")


async def test_a_database_that_nobody_used(make: Make, migrated: Path) -> None:
    with pytest.raises(StoreUnavailable, match="never used"):
        await log.chain(make(DATABASE_URL=f"sqlite:///{migrated}"))


async def test_alerts_that_were_given_up(make: Make, store: Store) -> None:
    patient = of(make, store)
    outbox = open_outbox(Deployment(patient.settings, store.database, store.ring, store.keys))
    await outbox.tell(Alert(AlertKind.TEST, NOW, "test", None, {}))
    is_it(await one(log.undelivered, patient), State.OK, "no alert")
    claimed = await outbox.claim("log", at=NOW, lease_s=1.0)
    assert claimed is not None
    await outbox.failed(claimed, "no answer", at=NOW, wait_s=None)
    is_it(await one(log.undelivered, patient), State.WARN, "1 alerts")


async def saved(store: Store, path: Path) -> Path:
    """A backup, made while the service runs."""

    def copy() -> None:
        source, target = sqlite3.connect(make_url(store.url).database or ""), sqlite3.connect(path)
        source.backup(target)
        target.close()
        source.close()

    await asyncio.to_thread(copy)
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return path


async def test_a_backup_opens(make: Make, store: Store, tmp_path: Path) -> None:
    await store.audit.append(event("first", "alice"))
    empty = await saved(store, tmp_path / "empty.db")
    is_it(await one(backup.restorable, of(make, store, backup=str(empty))), State.OK, "nobody is enrolled")
    await store.enrol(template("alice", 1), event("register", "alice"))
    path = await saved(store, tmp_path / "backup.db")
    before = path.read_bytes()
    is_it(await one(backup.restorable, of(make, store, backup=str(path))), State.OK, "a template opened")
    is_it(await one(backup.restorable, of(make, store, backup_check=str(path))), State.OK, "a template")
    assert path.read_bytes() == before
    os.utime(path, (NOW.timestamp() - 8 * 86_400, NOW.timestamp() - 8 * 86_400))
    fine, old = await backup.restorable(of(make, store, backup=str(path)))
    assert (fine.state, old.state) == (State.OK, State.WARN)
    assert "8 days" in old.said


async def test_a_backup_that_does_not_open(make: Make, store: Store, tmp_path: Path) -> None:
    is_it(await one(backup.restorable, of(make, store)), State.WARN, "no backup")
    missing = of(make, store, backup=str(tmp_path / "nothing"))
    is_it(await one(backup.restorable, missing), State.FAIL, "can't be read")
    await store.enrol(template("alice", 1), event("register", "alice"))
    path = await saved(store, tmp_path / "backup.db")
    other_key = make(DATABASE_URL=store.url, ENCRYPTION_KEY=KEY.written(), backup=str(path))
    is_it(await one(backup.restorable, other_key), State.FAIL, "keys at hand")
    for statements, said in (
        (("UPDATE templates SET sealed = zeroblob(200)",), "keys at hand"),
        (("DROP TRIGGER audit_no_delete", "DELETE FROM audit"), "doesn't add up"),
    ):
        copy = tmp_path / "tampered.db"
        copy.write_bytes(path.read_bytes())
        os.utime(copy, (NOW.timestamp(), NOW.timestamp()))
        for statement in statements:
            await _run(f"sqlite:///{copy}", statement)
        os.utime(copy, (NOW.timestamp(), NOW.timestamp()))
        is_it(await one(backup.restorable, of(make, store, backup=str(copy))), State.FAIL, said)
    for content, said in (
        (b"not a backup", "neither"),
        (path.read_bytes()[:5000] + b"\xff" * 60_000, "damaged"),
    ):
        bad = tmp_path / "bad"
        bad.write_bytes(content)
        os.utime(bad, (NOW.timestamp(), NOW.timestamp()))
        is_it(await one(backup.restorable, of(make, store, backup=str(bad))), State.FAIL, said)


async def test_a_database_restored_from_a_backup(make: Make, postgres: PostgresServer) -> None:
    restored = await open_store(postgres.migrated(), KEY)
    await restored.enrol(template("alice", 1), event("register", "alice"))
    await restored.database.close()
    found = await one(backup.restorable, make(backup=restored.url))
    is_it(found, State.OK, "a template opened")
    other = make(backup=restored.url, ENCRYPTION_KEY=EncryptionKey.generate().written())
    is_it(await one(backup.restorable, other), State.FAIL, "keys at hand")


async def test_a_dump_of_postgres(
    make: Make, postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "bad.dump"
    bad.write_bytes(b"PGDMP and no more")
    os.utime(bad, (NOW.timestamp(), NOW.timestamp()))
    monkeypatch.setenv("PATH", str(tmp_path))
    is_it(await one(backup.restorable, make(backup=str(bad))), State.UNKNOWN, "pg_restore")
    programs = postgres.programs()
    monkeypatch.setenv("PATH", str(programs))
    is_it(await one(backup.restorable, make(backup=str(bad))), State.FAIL, "can't be listed")
    good = tmp_path / "good.dump"
    process = await asyncio.create_subprocess_exec(
        str(programs / "pg_dump"), "-Fc", "-f", str(good), postgres.migrated()
    )
    assert await process.wait() == 0
    os.utime(good, (NOW.timestamp(), NOW.timestamp()))
    is_it(await one(backup.restorable, make(backup=str(good))), State.WARN, "can be listed")


async def test_a_snapshot_of_the_gallery_that_others_can_read(make: Make, tmp_path: Path) -> None:
    patient = make(index_snapshot_dir=tmp_path)
    file = tmp_path / snapshots.FILE
    file.touch(mode=0o600)
    is_it(await one(machine.files, patient), State.OK, "owner only")
    file.chmod(0o644)
    is_it(await one(machine.files, patient), State.FAIL, snapshots.FILE)


async def test_files_that_others_can_read(make: Make, store: Store, tmp_path: Path) -> None:
    patient = of(make, store)
    is_it(await one(machine.files, patient), State.OK, "owner only")
    env = tmp_path / ".env"
    env.write_text("ENCRYPTION_KEY=...")
    for path in (env, tmp_path / "store.db"):
        path.chmod(0o640)
        finding = await one(machine.files, patient)
        is_it(finding, State.FAIL, path.name)
        assert "chmod 600" in finding.mend
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)


async def test_room(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = make(models_dir=tmp_path / "not" / "yet" / "made")
    monkeypatch.setattr(machine, "LITTLE", 1)
    monkeypatch.setattr(machine, "TOO_LITTLE", 0)
    is_it(await one(machine.disk, patient), State.OK, "GB are free")
    monkeypatch.setattr(machine, "LITTLE", 10**18)
    is_it(await one(machine.disk, patient), State.WARN, "GB are free")
    monkeypatch.setattr(machine, "TOO_LITTLE", 10**18)
    is_it(await one(machine.disk, patient), State.FAIL, "GB are free")


async def test_networks_that_are_missing(make: Make, tmp_path: Path) -> None:
    finding = await one(machine.models, make(models_dir=tmp_path / "models"))
    is_it(finding, State.FAIL, "missing")
    assert "facekey models pull" in finding.mend


async def test_networks_are_hashed_again(make: Make, tmp_path: Path, zoo: Zoo) -> None:
    default, cache = default_models_dir(), tmp_path / "models"
    cache.mkdir()
    for name in zoo.names("default"):
        (cache / name).symlink_to(default / name)
    patient = make(models_dir=cache)
    is_it(await one(machine.models, patient), State.OK, "by SHA-256")
    (cache / "mtcnn_pnet").unlink()
    shutil.copytree(default / "mtcnn_pnet", cache / "mtcnn_pnet")
    graph = cache / "mtcnn_pnet" / "mtcnn_pnet.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\x00")
    is_it(await one(machine.models, patient), State.FAIL, "mtcnn_pnet")


async def test_what_networks_run_on(make: Make) -> None:
    is_it(await one(machine.device, make()), State.OK, "networks run on cpu, with ONNX Runtime")
    refused = await one(machine.device, make(device="tensorrt"))
    is_it(refused, State.FAIL, "this ONNX Runtime has only: cpu")


async def test_an_older_schema_is_not_read(make: Make, store: Store) -> None:
    await _run(store.url, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(StoreUnavailable, match="schema"):
        await log.chain(of(make, store))


async def _run(url: str, statement: str) -> None:
    """One statement on a database, past all that FaceKey does."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(make_url(url).database or "")
        connection.execute(statement)
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(url) as opened:
            opened.execute(statement.encode())


@pytest.mark.parametrize(
    ("query", "environment", "verified"),
    [
        ("?sslmode=verify-full", {}, True),
        ("?sslmode=require", {"PGSSLMODE": "verify-full"}, False),
        ("", {"PGSSLMODE": "verify-full"}, True),
        ("", {"PGSSLMODE": "prefer"}, False),
        ("", {}, False),
    ],
)
def test_a_certificate_is_verified_by_the_url_or_else_by_libpq_s_variable(
    query: str, environment: dict[str, str], verified: bool
) -> None:
    url = make_url(f"postgresql://facekey@db.internal/facekey{query}")
    assert database.verifies(url, environment) is verified
