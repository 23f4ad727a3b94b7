"""`facekey keys rotate` as an operator runs it: killed in the middle, and run again."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from facekey.core.audit import ChainedRecord, verify_chain
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.keys.environment import EnvironmentKeys
from facekey.store.sealing import MARK_BYTES, KeyRing
from facekey.store.sql.migrate import migrate
from tests.e2e.conftest import ROOT, facekey

PEOPLE = 6000
STARTED_TIMEOUT_S = 60.0


@pytest.fixture
def old() -> EncryptionKey:
    return EncryptionKey.generate()


@pytest.fixture
def new() -> EncryptionKey:
    return EncryptionKey.generate(2)


@pytest.fixture
def path(tmp_path: Path, old: EncryptionKey) -> Path:
    """A database of many people under the old key."""
    database = tmp_path / "facekey.db"
    migrate(f"sqlite:///{database}")
    ring = KeyRing(EnvironmentKeys(old))
    rows = [
        (uid, f"user{number}", b"sealed", "then", 1, ring.new_data_key(uid)[1])
        for number, uid in enumerate(f"{number:032x}" for number in range(PEOPLE))
    ]
    connection = sqlite3.connect(database)
    with connection:
        connection.executemany(
            "INSERT INTO subjects (uid, lookup, sealed_id, enrolled_at, samples, wrapped_key) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )
    connection.close()
    return database


def environment(path: Path, current: EncryptionKey, *previous: EncryptionKey) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{path}",
        "ENCRYPTION_KEY": current.written(),
        "ENCRYPTION_KEY_PREVIOUS": ",".join(key.written() for key in previous),
    }


def under(path: Path, key: EncryptionKey) -> int:
    """How many people's keys are wrapped by this one."""
    mark = KeyRing(EnvironmentKeys(key)).mark()
    connection = sqlite3.connect(path)
    query = "SELECT count(*) FROM subjects WHERE substr(wrapped_key, 1, ?) = ?"
    count: int = connection.execute(query, (MARK_BYTES, mark)).fetchone()[0]
    connection.close()
    return count


def recorded(path: Path) -> list[tuple[str, dict[str, int]]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT sequence, body, previous, digest FROM audit ORDER BY sequence"
    ).fetchall()
    connection.close()
    verify_chain(ChainedRecord(*row) for row in rows)
    bodies = [json.loads(body) for _, body, _, _ in rows]
    return [(body["outcome"], body["details"]) for body in bodies if body["action"] == "keys_rotate"]


def test_killed_in_the_middle_and_run_again(path: Path, old: EncryptionKey, new: EncryptionKey) -> None:
    both = environment(path, new, old)
    process = subprocess.Popen(
        facekey("keys", "rotate"), env=both, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + STARTED_TIMEOUT_S
    while under(path, new) < PEOPLE // 10:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    done = under(path, new)
    assert PEOPLE // 10 <= done < PEOPLE, "killed in the middle"
    assert done + under(path, old) == PEOPLE, "each is under one of the keys"

    again = subprocess.run(
        facekey("keys", "rotate"), env=both, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stderr
    assert f"{PEOPLE - done} records were wrapped again" in " ".join(again.stdout.split())
    assert under(path, new) == PEOPLE
    assert [outcome for outcome, _ in recorded(path)] == ["begun", "begun", "rotated"]
    assert recorded(path)[-1][1]["left"] == 0

    ring = KeyRing(EnvironmentKeys(new))
    connection = sqlite3.connect(path)
    for uid, wrapped in connection.execute("SELECT uid, wrapped_key FROM subjects"):
        ring.unwrap(wrapped, uid)
    connection.close()
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert old.key_id not in files, "no form under the old key is left in the files"


def test_without_the_old_key_nothing_is_claimed(path: Path, old: EncryptionKey, new: EncryptionKey) -> None:
    told = subprocess.run(
        facekey("keys", "status", "--json"),
        env=environment(path, new),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    (use,) = json.loads(told.stdout)
    assert (use["key_id"], use["records"], use["at_hand"]) == (old.key_id.hex(), PEOPLE, False)
    rotated = subprocess.run(
        facekey("keys", "rotate"),
        env=environment(path, new),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert rotated.returncode == 75
    assert f"{PEOPLE} under key {old.key_id.hex()}" in " ".join(rotated.stderr.split())
    assert under(path, old) == PEOPLE
