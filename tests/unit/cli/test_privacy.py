import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from facekey.cli.main import app
from facekey.core.audit_lines import receipt_text
from facekey.core.caller import COMMAND_LINE
from facekey.core.types import SubjectId
from facekey.settings import read_settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.migrate import migrate
from facekey.wiring.privacy import open_privacy
from tests.contract.store.opened import event, open_store, template

Run = Callable[..., Result]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A deployment in which alice was enrolled today and bob long ago."""
    url, key = f"sqlite:///{tmp_path}/store.db", EncryptionKey.generate()
    migrate(url)

    async def fill() -> None:
        store = await open_store(url, key)
        await store.enrol(template("alice", 1), event("register", "alice"))
        await store.enrol(template("bob", 2), event("register", "bob", at=LONG_AGO))
        await store.database.close()

    asyncio.run(fill())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENCRYPTION_KEY", key.written())
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def test_what_applications_wrote_is_no_markup(run: Run) -> None:
    assert run("consent", "give", "alice", "[/door]", "[red]v1").exit_code == 0
    listed = run("consent", "list", "alice")
    assert listed.exit_code == 0
    assert "[/door]" in listed.output
    assert "[red]v1" in listed.output


def test_consents_come_and_go(run: Run) -> None:
    assert run("consent", "give", "alice", "door", "v1", "--expires", "2099-01-01").exit_code == 0
    listed = run("consent", "list", "alice").output
    assert "door" in listed
    assert "2099-01-01 00:00:00" in listed
    assert "1 consents are withdrawn" in run("consent", "withdraw", "alice", "--purpose", "door").output
    assert "0 consents are withdrawn" in run("consent", "withdraw", "alice").output
    assert run("consent", "list", "nobody").exit_code == 1
    assert run("consent", "give", "alice", "door", "v1", "--expires", "2001-01-01").exit_code == 65
    assert run("consent", "give", "a/b", "door", "v1").exit_code == 65


def test_an_export_is_for_its_person(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "alice.json"
    assert run("users", "export", "alice", file).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    told = json.loads(file.read_text())
    assert told["user_id"] == "alice"
    assert "values" not in told["template"]["models"][0]
    full = json.loads(run("users", "export", "alice", "-", "--vectors").output)
    assert len(full["template"]["models"][0]["values"]) == 3
    assert run("users", "export", "nobody", "-").exit_code == 1


def test_time_erases(run: Run) -> None:
    dry = run("retention", "run", "--dry-run")
    assert dry.output.startswith("bob: unused\n1 people would be erased")
    done = run("retention", "run")
    assert done.stdout.startswith("bob: unused\n1 people were erased")
    assert run("retention", "run").stdout.startswith("0 people were erased")
    assert run("consent", "list", "alice").exit_code == 0


def test_a_receipt_is_verified(run: Run, tmp_path: Path) -> None:
    async def erase() -> str:
        async with open_privacy(read_settings()) as privacy:
            done = await privacy.erase(SubjectId("alice"), caller=COMMAND_LINE)
            return receipt_text(done.said, done.signature)

    receipt, public = tmp_path / "receipt.json", tmp_path / "public.pem"
    receipt.write_text(asyncio.run(erase()))
    public.write_text(run("audit", "key").output)
    for words in ((), ("--public-key", public)):
        done = run("audit", "verify-receipt", receipt, *words)
        assert done.exit_code == 0, done.output
        assert "audit record 3" in done.output
    said = json.loads(receipt.read_text())
    for changed in (json.dumps({**said, "subject": "0" * 32}), json.dumps({**said, "kid": "0"}), "{}", "x"):
        receipt.write_text(changed)
        assert run("audit", "verify-receipt", receipt, "--public-key", public).exit_code == 1


def test_who_came_back_with_a_backup_is_erased_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backup is from when both were enrolled; since then alice was erased."""
    monkeypatch.setenv("FACEKEY_RETENTION_DAYS_UNUSED", "0")  # or bob, of long ago, would be as well
    kept = tmp_path / "backup.db"
    shutil.copyfile(tmp_path / "store.db", kept)
    assert run("users", "erase", "alice", "--yes", "--receipt", tmp_path / "alice.json").exit_code == 0
    assert run("audit", "export", tmp_path / "log.jsonl").exit_code == 0
    long_before = '{"action":"erase","outcome":"erased","at":"2019-01-01T00:00:00+00:00","subject":"%s"}'
    pseudonym = json.loads((tmp_path / "alice.json").read_text())["subject"]
    (tmp_path / "older.jsonl").write_text(long_before % pseudonym)

    for known in ("alice.json", "log.jsonl"):
        for suffix in ("-wal", "-shm"):
            (tmp_path / f"store.db{suffix}").unlink(missing_ok=True)
        shutil.copyfile(kept, tmp_path / "store.db")
        assert "nobody is back" in run("users", "erase-again", tmp_path / "older.jsonl").output
        asked = run("users", "erase-again", tmp_path / known)
        assert (asked.exit_code, "alice" in asked.output) == (1, True), "nobody said yes"
        done = run("users", "erase-again", tmp_path / known, tmp_path / "older.jsonl", "--yes")
        assert (done.exit_code, "1 people are erased again" in done.output) == (0, True), done.output
        assert "bob" not in done.output
        assert "nobody is back" in run("users", "erase-again", tmp_path / known).output
        assert "every link holds" in run("audit", "verify").output
    (tmp_path / "picture.jpg").write_bytes(b"\xff\xd8\xff")
    assert run("users", "erase-again", tmp_path / "picture.jpg").exit_code == 65
