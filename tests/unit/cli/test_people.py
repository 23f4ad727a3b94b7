from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from facekey.api.service import Service
from facekey.cli.main import app
from facekey.settings import Settings
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.store.sql.migrate import migrate
from tests.contract.store.opened import open_store
from tests.unit.core.made import evidence
from tests.unit.services.deployed import Playback, person, services

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, analyzer: Playback, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line on a real store and an analyzer that plays back."""
    url, key = f"sqlite:///{tmp_path}/store.db", EncryptionKey.generate()
    migrate(url)

    @asynccontextmanager
    async def opened(_: Settings) -> AsyncIterator[Service]:
        store = await open_store(url, key)
        try:
            yield services(store, analyzer)
        finally:
            await store.database.close()

    monkeypatch.setattr("facekey.cli.people.open_service", opened)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENCRYPTION_KEY", key.written())
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def written(folder: Path, images: list[bytes], name: str = "photo") -> list[Path]:
    paths = [folder / f"{name}{number}.jpg" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        path.write_bytes(image)
    return paths


def test_a_photo_may_be_called_anything(run: Run, tmp_path: Path, analyzer: Playback) -> None:
    photos = written(tmp_path, analyzer.photos_of(person(1)), name="[bold] [link=x] [")
    done = run("register", "alice", *photos)
    assert done.exit_code == 0, done.output
    assert "[bold] [link=x] [0.jpg: accepted" in done.output


def test_answers_are_exit_codes(run: Run, tmp_path: Path, analyzer: Playback) -> None:
    assert run("register", "alice", *written(tmp_path, analyzer.photos_of(person(1)))).exit_code == 0
    (same, other) = written(
        tmp_path, [analyzer.photo(evidence(person(1))), analyzer.photo(evidence(person(2)))], name="probe"
    )
    assert run("authenticate", "alice", same).exit_code == 0
    assert run("authenticate", "alice", other).exit_code == 1
    assert run("authenticate", "nobody", same).exit_code == 1
    assert run("identify", same).exit_code == 0
    assert run("identify", other).exit_code == 1
    assert run("users", "show", "bob").exit_code == 1
    assert run("users", "erase", "alice").exit_code == 1, "asks, and nobody says yes"
    assert run("users", "erase", "alice", "--yes").exit_code == 0
    assert run("authenticate", "a/b", same).exit_code == 65
