import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from facekey.cli.main import app
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.migrate import migrate
from tests.contract.store.opened import event, open_store

Run = Callable[..., Result]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment with four records."""
    path, key = tmp_path / "store.db", EncryptionKey.generate()
    migrate(f"sqlite:///{path}")

    async def fill() -> None:
        store = await open_store(f"sqlite:///{path}", key)
        for _ in range(4):
            await store.audit.append(event("authenticate", "alice"))
        await store.database.close()

    asyncio.run(fill())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{path}")
    monkeypatch.setenv("ENCRYPTION_KEY", key.written())
    monkeypatch.setenv("FACEKEY_AUDIT_CHECKPOINT_FILE", str(tmp_path / "checkpoints.jsonl"))
    return path


@pytest.fixture
def run(database: Path) -> Run:
    return lambda *words: CliRunner().invoke(app, ["audit", *(str(word) for word in words)])


def tamper(database: Path, *statements: str) -> None:
    with sqlite3.connect(database) as connection:
        for statement in ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete", *statements):
            connection.execute(statement)
    connection.close()


def test_a_whole_log(run: Run) -> None:
    done = run("verify")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("4 audit records, every link holds\n")
    assert "its end is sealed" in done.output
    assert "none checked" in done.output
    assert "record 4 is signed" in run("checkpoint").output
    assert "nothing new" in run("checkpoint").output
    assert "1 signed checkpoints, the last of record 4" in run("verify").output


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE audit SET body = replace(body, 'done', 'gone') WHERE sequence = 2", "audit record 2"),
        ("DELETE FROM audit WHERE sequence = 4", "audit record 4"),
        ("UPDATE audit_head SET sequence = 3", "audit record 3"),
    ],
)
def test_what_was_changed_is_named(run: Run, database: Path, statement: str, named: str) -> None:
    tamper(database, statement)
    done = run("verify")
    assert done.exit_code == 1
    assert named in done.output


def test_without_keys_the_links_are_checked(
    run: Run, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("checkpoint")
    public = database.parent / "public.pem"
    public.write_text(run("key").output)
    monkeypatch.setenv("ENCRYPTION_KEY", "")
    done = run("verify", "--public-key", public)
    assert done.exit_code == 0
    assert "seal of its end: not checked" in done.output
    assert "1 signed checkpoints, the last of record 4" in done.output
    assert "none checked" in run("verify").output
    monkeypatch.setenv("ENCRYPTION_KEY", "weak")
    assert run("verify").exit_code == 78, "a key that can't be used is no missing key"


def test_an_export_goes_elsewhere(run: Run, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = database.parent
    file, public, kept = folder / "log.jsonl", folder / "public.pem", folder / "checkpoints.jsonl"
    public.write_text(run("key").output)
    assert run("export", file).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    lines = run("export", "-").stdout.splitlines()
    assert [line.split('"', 4)[3] for line in lines].count("record") == 6, "exports are on record themselves"
    monkeypatch.setenv("ENCRYPTION_KEY", "")
    monkeypatch.setenv("DATABASE_URL", "sqlite:///nowhere/x.db")
    done = run("verify", "--file", file, "--public-key", public)
    assert done.exit_code == 0, done.output
    assert "1 signed checkpoints, the last of record 5" in done.output
    older = run("verify", "--file", file, "--public-key", public, "--checkpoints", kept)
    assert older.exit_code == 1
    assert "audit record 6: missing" in older.output
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:2] + lines[3:]))
    broken = run("verify", "--file", file)
    assert (broken.exit_code, "audit record 3: missing" in broken.output) == (1, True)
    assert "only the links are checked" in broken.output
    file.write_text("x" * 2_000_000)
    assert run("verify", "--file", file).exit_code == 65
    assert run("verify", "--file", file, "--public-key", file).exit_code == 78


def test_a_database_that_was_put_back(run: Run, database: Path) -> None:
    run("checkpoint")
    older = database.read_bytes()
    for _ in range(2):
        run("export", "-")
    database.write_bytes(older)
    assert run("verify").exit_code == 0, "the database alone can't tell"
    done = run("verify", "--checkpoints", database.parent / "checkpoints.jsonl")
    assert done.exit_code == 1
    assert "audit record 5: missing, with all after it" in done.output


def test_sealing_is_asked_for(run: Run, database: Path) -> None:
    tamper(database, "DELETE FROM audit_head")
    assert run("verify").exit_code == 1
    assert run("seal").exit_code == 1, "asks, and nobody says yes"
    assert run("verify").exit_code == 1
    assert run("seal", "--yes").exit_code == 0
    assert run("verify").output.startswith("5 audit records")
    assert run("seal", "--yes").exit_code == 1


def test_a_checkpoint_file_that_cannot_be_written(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEKEY_AUDIT_CHECKPOINT_FILE", "/nowhere/x")
    done = run("checkpoint")
    assert done.exit_code == 78
    assert "FACEKEY_AUDIT_CHECKPOINT_FILE" in done.output
