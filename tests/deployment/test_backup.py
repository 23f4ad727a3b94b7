"""The drill: a backup under load, everything wiped, restored; people get in again and the log adds up."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import psycopg
import pytest

from facekey.store.keys.encryption_key import EncryptionKey
from tests.e2e.conftest import ROOT, facekey, free_port, running
from tests.photos import Photos
from tests.postgres import PostgresServer

SCRIPTS = ROOT / "deployment" / "backup"
NOBODY = 65534


@dataclass
class Site:
    """A database with what backs it up."""

    url: str
    folder: Path
    environment: dict[str, str] = field(repr=False)

    def run(
        self, script: str, *words: str, user: int | None = None, **changes: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPTS / script, *words],
            env={**self.environment, **changes},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            user=user,
        )

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return [] if cursor.description is None else cursor.fetchall()

    @property
    def dumps(self) -> list[Path]:
        return sorted((self.folder / "backups").glob("facekey-*.dump"))


@pytest.fixture
def site(postgres: PostgresServer, tmp_path: Path) -> Site:
    url = postgres.migrated()
    (tmp_path / "backups").mkdir()
    (tmp_path / "metrics").mkdir()
    environment = {
        "PATH": f"{postgres.programs()}:{os.environ['PATH']}",
        "DATABASE_URL": url,
        "FACEKEY_BACKUP_DIR": str(tmp_path / "backups"),
        "FACEKEY_METRICS_DIR": str(tmp_path / "metrics"),
    }
    return Site(url, tmp_path, environment)


@pytest.fixture
def service(site: Site) -> dict[str, str]:
    return {
        **os.environ,
        "ENCRYPTION_KEY": EncryptionKey.generate().written(),
        "DATABASE_URL": site.url,
        "FACEKEY_PORT": str(free_port()),
        "FACEKEY_METRICS_DIR": str(site.folder / "metrics"),
        "FACEKEY_RATE_RECOGNITION_BURST": "1000",
    }


class Load:
    """Authenticates again and again, and remembers what it was told."""

    def __init__(self, url: str, photo: bytes) -> None:
        self._url, self._photo = url, photo
        self.answers: list[bool] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            self.answers.append(accepted(self._url, self._photo))


def accepted(url: str, photo: bytes) -> bool:
    answer = httpx.post(
        f"{url}/api/v1/authenticate", data={"user_id": "alice"}, files={"image": photo}, timeout=60
    )
    return bool(answer.raise_for_status().json()["authenticated"])


def verified(environment: Mapping[str, str]) -> str:
    run = subprocess.run(
        facekey("audit", "verify"),
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_drill(site: Site, service: dict[str, str], photos: Photos, samples: dict[str, Path]) -> None:
    probe = samples["obama3.jpg"].read_bytes()
    with running(facekey("serve"), service) as (url, _):
        files = [("images", photo) for photo in photos.enrolment()]
        httpx.post(
            f"{url}/api/v1/register", data={"user_id": "alice"}, files=files, timeout=60
        ).raise_for_status()
        with Load(url, probe) as load:
            while len(load.answers) < 3:
                time.sleep(0.05)
            made = site.run("backup.sh")
            told = len(load.answers)
            while len(load.answers) < told + 3:
                time.sleep(0.05)
        assert made.returncode == 0, made.stderr
        assert all(load.answers), "nobody waited in vain, and nobody was refused"
        busy = site.run("restore.sh", "--replace", str(site.dumps[0]))
        assert (busy.returncode, "stop it first" in busy.stderr) == (75, True)

    assert made.stdout.strip() == str(site.dumps[0])
    assert b"alice" not in site.dumps[0].read_bytes()
    assert oct(site.dumps[0].stat().st_mode & 0o777) == "0o600"

    site.ask("DROP SCHEMA public CASCADE")
    site.ask("CREATE SCHEMA public")
    restored = site.run("restore.sh", str(site.dumps[0]))
    assert restored.returncode == 0, restored.stderr
    assert restored.stdout.startswith("restored: 1 people")
    assert "every link holds" in verified(service)
    with running(facekey("serve"), service) as (url, _):
        assert accepted(url, probe)
        assert not accepted(url, samples["biden.jpg"].read_bytes())
        told_by_service = httpx.get(f"{url}/metrics").text
    assert "every link holds" in verified(service)
    assert "facekey_backup_timestamp_seconds " in told_by_service
    assert f"facekey_backup_bytes {float(site.dumps[0].stat().st_size)}" in told_by_service

    # A second time over what is there: it is put aside, whole, with what protects the log.
    again = site.run("restore.sh", str(site.dumps[0]))
    assert (again.returncode, "--replace" in again.stderr) == (73, True)
    again = site.run("restore.sh", "--replace", str(site.dumps[0]))
    assert again.returncode == 0, again.stderr
    assert "every link holds" in verified(service)
    ((aside,),) = site.ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before_%'")
    assert len(site.ask(f"TABLE {aside}.audit")) > len(site.ask("TABLE public.audit"))
    with pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        site.ask("DELETE FROM public.audit")
    doctor = subprocess.run(
        facekey("doctor", "--json", "--backup", site.url),
        env=service,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert '"backup"' in doctor.stdout


@pytest.fixture
def dumped(site: Site) -> Site:
    """With one backup, of an empty deployment."""
    made = site.run("backup.sh")
    assert made.returncode == 0, made.stderr
    return site


def test_a_dump_that_was_changed_is_not_restored(dumped: Site) -> None:
    content = bytearray(dumped.dumps[0].read_bytes())
    content[len(content) // 2] ^= 1
    dumped.dumps[0].write_bytes(content)
    refused = dumped.run("restore.sh", "--replace", str(dumped.dumps[0]))
    assert (refused.returncode, "isn't what was written" in refused.stderr) == (65, True)


def test_a_restore_that_fails_changes_nothing(dumped: Site) -> None:
    dump = dumped.dumps[0]
    Path(f"{dump}.sha256").unlink()
    dump.write_bytes(dump.read_bytes()[:-3000])
    before = dumped.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    refused = dumped.run("restore.sh", "--replace", str(dump))
    assert refused.returncode in (1, 65), refused.stderr
    assert dumped.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == before
    assert dumped.ask("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before_%'") == []


@pytest.mark.parametrize(
    ("script", "changes", "code", "said"),
    [
        (
            "backup.sh",
            {"DATABASE_URL": "", "FACEKEY_SECRETS_DIR": "/nonexistent"},
            78,
            "DATABASE_URL is missing",
        ),
        ("backup.sh", {"DATABASE_URL": "sqlite:///x.db"}, 78, "no postgresql://"),
        ("backup.sh", {"DATABASE_URL": "postgresql://a:b@127.0.0.1:9/x"}, 75, "can't be reached"),
        ("backup.sh", {"FACEKEY_BACKUP_KEEP_DAYS": "0"}, 78, "FACEKEY_BACKUP_KEEP_DAYS"),
        ("backup.sh", {"FACEKEY_BACKUP_DIR": "/nonexistent/below"}, 78, "FACEKEY_BACKUP_DIR"),
        ("restore.sh", {}, 64, "say which dump"),
        ("rehearse.sh", {}, 66, "no backup"),
        ("schedule.sh", {"FACEKEY_BACKUP_EVERY_HOURS": "often"}, 78, "FACEKEY_BACKUP_EVERY_HOURS"),
    ],
)
def test_what_cannot_be_done_is_said(
    site: Site, script: str, changes: dict[str, str], code: int, said: str
) -> None:
    user = NOBODY if os.geteuid() == 0 and changes.get("FACEKEY_BACKUP_DIR") else None
    ended = site.run(script, user=user, **changes)
    assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr
    assert site.dumps == []


def test_the_password_is_on_no_command_line(site: Site, tmp_path: Path) -> None:
    # Stands where psql would, and says what it was called with.
    (tmp_path / "bin").mkdir()
    shown = tmp_path / "shown"
    for name in ("psql", "pg_dump"):
        (tmp_path / "bin" / name).write_text(f'#!/bin/sh\necho "$@ [$PGPASSWORD]" >>{shown}\nexit 1\n')
        (tmp_path / "bin" / name).chmod(0o755)
    site.run(
        "backup.sh",
        DATABASE_URL="postgresql+psycopg://facekey:p%40ss%2Fw@db.internal:5432/facekey?sslmode=verify-full",
        PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    )
    said = shown.read_text()
    assert "[p@ss/w]" in said
    assert "--dbname=postgresql://facekey@db.internal:5432/facekey?sslmode=verify-full" in said
    assert "p%40ss" not in said


def test_old_backups_go_and_the_newest_stays(dumped: Site) -> None:
    old = dumped.dumps[0].with_name("facekey-20200101T000000Z.dump")
    kept = dumped.dumps[0].with_name("facekey-20200102T000000Z.dump")
    for path, days in ((old, 15), (kept, 13)):
        path.write_bytes(b"old")
        at = time.time() - days * 86_400
        os.utime(path, (at, at))
    time.sleep(1.1)  # the names are to the second
    assert dumped.run("backup.sh").returncode == 0
    assert not old.exists()
    assert kept.exists()
    assert len(dumped.dumps) == 3


def test_a_backup_is_rehearsed_in_a_server_of_its_own(dumped: Site) -> None:
    user = None
    if os.geteuid() == 0:  # PostgreSQL doesn't run as root, and neither does the image of the job
        user = NOBODY
        for path in (dumped.folder, *dumped.folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        for folder in dumped.folder.parents[:3]:
            folder.chmod(folder.stat().st_mode | 0o711)
    rehearsed = dumped.run("rehearse.sh", user=user)
    assert rehearsed.returncode == 0, rehearsed.stderr
    assert f"{dumped.dumps[0].name} restored: 0 people" in rehearsed.stdout
    assert (
        "facekey_backup_restored_timestamp_seconds"
        in (dumped.folder / "metrics" / "restored.prom").read_text()
    )
    assert list((dumped.folder / "backups").glob(".rehearsal-*")) == []
