from pathlib import Path

import pytest
from sqlalchemy import text

from facekey.core.errors import StoreUnavailable
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.migrate import migrate


async def tables(connection: Connection) -> int:
    found = await connection.execute(text("SELECT count(*) FROM sqlite_master WHERE type = 'table'"))
    return int(found.scalar_one())


def files(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_path_where_nothing_is_does_not_become_an_empty_database(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/mistyped.db")
    with pytest.raises(StoreUnavailable):
        await database.read(tables)
    await database.close()
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "#1.db", "ü.db", "file:x.db"])
async def test_odd_names_are_names(tmp_path: Path, name: str) -> None:
    url = f"sqlite:///{tmp_path}/{name.replace('%', '%25').replace('?', '%3F')}"
    migrate(url)
    database = Database(url)
    assert await database.read(tables) >= 5
    await database.close()


async def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    migrate("sqlite:///data/x.db")
    database = Database("sqlite:///data/x.db")
    assert await database.read(tables) >= 5
    await database.close()
    assert (tmp_path / "data" / "x.db").exists()


async def test_a_folder_that_goes_away_is_unavailable(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/deep/x.db"
    migrate(url)
    database = Database(url)
    for path in (tmp_path / "deep").iterdir():
        path.unlink()
    with pytest.raises(StoreUnavailable):
        await database.write(tables)
    await database.close()
