import json
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from facekey.cli.main import app
from facekey.store.keys.encryption_key import EncryptionKey
from tests.contract.store.opened import event, open_store, template
from tests.postgres import PostgresServer

PEOPLE = 3


@pytest.fixture
async def address(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A PostgreSQL database with people in it, as the settings name it."""
    url, key = postgres.migrated(), EncryptionKey.generate()
    store = await open_store(url, key)
    for number in range(PEOPLE):
        await store.enrol(template(f"user{number}", number), event("register", "x"))
    await store.database.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENCRYPTION_KEY", key.written())
    monkeypatch.setenv("FACEKEY_INDEX", "pgvector")
    return url


def rebuild(*words: str) -> Result:
    return CliRunner().invoke(app, ["index", "rebuild", *words])


def turns(address: str) -> list[str]:
    with psycopg.connect(address) as connection:
        return [turn for (turn,) in connection.execute("SELECT turn FROM vector_index")]


def last_record(address: str) -> dict[str, object]:
    with psycopg.connect(address) as connection:
        row = connection.execute("SELECT body FROM audit ORDER BY sequence DESC LIMIT 1").fetchone()
    assert row is not None
    record: dict[str, object] = json.loads(row[0])
    return record


def test_rebuilt_with_the_same_key_and_with_a_new_one(address: str) -> None:
    first = rebuild()
    assert first.exit_code == 0, first.output
    assert f"{PEOPLE} people are in the index" in first.output
    before = turns(address)
    assert len(before) == PEOPLE
    assert last_record(address)["outcome"] == "rebuilt"
    assert rebuild().exit_code == 0
    assert turns(address) == before
    renewed = rebuild("--new-key")
    assert renewed.exit_code == 0, renewed.output
    assert len(turns(address)) == PEOPLE
    assert set(turns(address)).isdisjoint(before)
    assert (last_record(address)["action"], last_record(address)["outcome"]) == ("index_rebuild", "revoked")


@pytest.mark.parametrize(
    ("kind", "url", "fault"),
    [
        ("memory", "sqlite:///x.db", "there is no shared index"),
        ("pgvector", "sqlite:///x.db", "needs DATABASE_URL=postgresql://"),
    ],
)
def test_there_is_nothing_to_rebuild(
    kind: str, url: str, fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENCRYPTION_KEY", EncryptionKey.generate().written())
    monkeypatch.setenv("FACEKEY_INDEX", kind)
    refused = rebuild()
    assert refused.exit_code == 78
    assert fault in " ".join(refused.output.split())
