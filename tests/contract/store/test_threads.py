"""The threads that work on connections."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from facekey.core.errors import StoreUnavailable
from facekey.store.sql.connection import Connection
from facekey.store.sql.database import Database
from facekey.store.sql.migrate import migrate

WAIT_S = 20.0
ONE = text("SELECT 1")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    migrate(url)
    database = Database(url)
    yield database
    await database.close()


async def test_one_piece_of_work_stays_on_one_thread_and_off_the_loop(database: Database) -> None:
    async def threads(connection: Connection) -> set[str]:
        names = set()
        for _ in range(3):
            await connection.execute(ONE)
            names.add(threading.current_thread().name)
        return names

    (reader,) = await database.read(threads)
    (writer,) = await database.write(threads)
    assert reader.startswith("reader")
    assert writer.startswith("writer")


@pytest.mark.parametrize("operation", ["read", "write"])
async def test_work_that_waits_for_the_loop_is_a_mistake(database: Database, operation: str) -> None:
    async def mistaken(connection: Connection) -> None:
        await connection.execute(ONE)
        await asyncio.sleep(0)

    ask = database.read if operation == "read" else database.write
    with pytest.raises(RuntimeError, match="nothing but its connection"):
        await ask(mistaken)
    assert await database.read(_one) == 1, "its connection is free again"


async def test_rows_outlive_their_transaction(database: Database) -> None:
    rows = await database.read(lambda connection: connection.execute(text("SELECT 1 UNION SELECT 2")))
    assert sorted(row[0] for row in rows) == [1, 2]


async def test_what_is_written_meanwhile_is_not_in_an_answer_from_before(database: Database) -> None:
    async def while_reading(connection: Connection) -> list[str]:
        read = []
        await connection.execute(text("INSERT INTO attempts VALUES ('a', 1, '2026', NULL, NULL)"))
        for row in await connection.execute(text("SELECT key FROM attempts")):
            read.append(row.key)
            key = f"{row.key}a"
            await connection.execute(
                text("INSERT INTO attempts VALUES (:key, 1, '2026', NULL, NULL)"), {"key": key}
            )
        return read

    assert await database.write(while_reading) == ["a"]


async def test_waiting_for_a_connection_has_an_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facekey.store.sql.threads.BUSY_TIMEOUT_S", 0.05)
    release = threading.Event()

    async def holding(_: Connection) -> None:
        assert release.wait(WAIT_S)

    all_of_them = database._backend.readers
    holders = [asyncio.create_task(database.read(holding)) for _ in range(all_of_them)]
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailable, match="no connection became free"):
        await database.read(_one)
    release.set()
    await asyncio.gather(*holders)
    assert await database.read(_one) == 1


async def _one(connection: Connection) -> int:
    return int((await connection.execute(ONE)).scalar_one())
