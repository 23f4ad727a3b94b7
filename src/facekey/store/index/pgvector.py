"""Search in PostgreSQL by pgvector: for galleries that several services share.

What lies in the table has left the process: one vector for each person and network,
turned by the deployment's key (`store.turning`), never as the network made it, in half
precision. Rows hang on `subjects` and go with it.

While a network has few rows, each search compares with all of them. From `GRAPH_FROM` on
PostgreSQL keeps a graph (HNSW) over them, which every later row enters as it is written; the
planner decides by its own estimates which of the two is quicker. What either finds is compared
again on the sealed templates.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from facekey.core.types import Embedding, Floats
from facekey.store.sql.connection import Connection
from facekey.store.turning import Turn, Turning

# Made here and not by a migration: a deployment that doesn't use it needs no pgvector.
SCHEMA = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    """CREATE TABLE IF NOT EXISTS vector_index (
        subject_uid varchar(32) NOT NULL REFERENCES subjects (uid) ON DELETE CASCADE,
        model varchar(128) NOT NULL,
        turn varchar(16) NOT NULL,
        turned halfvec NOT NULL,
        PRIMARY KEY (subject_uid, model)
    )""",
    # 512 numbers are just long enough to be stored apart, and every search reads all of them.
    "ALTER TABLE vector_index ALTER COLUMN turned SET STORAGE MAIN",
    """CREATE TABLE IF NOT EXISTS vector_index_state (
        id integer PRIMARY KEY CHECK (id = 1),
        turning_key varchar(16) NOT NULL,
        seen bigint NOT NULL
    )""",
)

GRAPH_FROM = 2_000  # rows of one network; building takes a second or two then
CONNECTIVITY = 24
EXPANSION_ADD = 128
EXPANSION_SEARCH = 200
LARGEST_GRAPH = 4_000  # numbers of a half-precision vector that the extension can build one for

IS_THERE = text("SELECT to_regclass('vector_index_state')")
COLUMN = text(
    "SELECT format_type(atttypid, NULL) FROM pg_attribute "
    "WHERE attrelid = 'vector_index'::regclass AND attname = 'turned'"
)
HALVE = (
    "SET LOCAL statement_timeout = 0",  # written anew as a whole: some ten seconds for a million
    "ALTER TABLE vector_index ALTER COLUMN turned TYPE halfvec USING turned::halfvec",
)
GRAPHS = text(
    "SELECT indexname FROM pg_indexes "
    "WHERE tablename = 'vector_index' AND indexname LIKE 'vector_index_turned_%'"
)
HELD = text("SELECT count(*) FROM (SELECT 1 FROM vector_index WHERE turn = :turn LIMIT :enough) AS held")
SEARCH_WIDELY = text(
    "SELECT set_config('hnsw.ef_search', :width, true), "
    "set_config('hnsw.iterative_scan', 'strict_order', true)"
)
STATE = text("SELECT turning_key, seen FROM vector_index_state")
BECOME = text(
    "INSERT INTO vector_index_state (id, turning_key, seen) VALUES (1, :turning_key, :seen) "
    "ON CONFLICT (id) DO UPDATE SET turning_key = :turning_key, seen = :seen"
)
CLEAR = text("DELETE FROM vector_index")
PUT = text(
    "INSERT INTO vector_index (subject_uid, model, turn, turned) "
    "VALUES (:uid, :model, :turn, CAST(:turned AS halfvec))"
)
REMOVE = text("DELETE FROM vector_index WHERE subject_uid = :uid")
PEOPLE = text("SELECT count(DISTINCT subject_uid) FROM vector_index")


@dataclass(frozen=True, slots=True)
class IndexState:
    """What the rows of the index are.

    Attributes:
        turning_key: id of the key that turned them.
        seen: the last entry of the change log that is in them.
    """

    turning_key: str
    seen: int


class PgVectorIndex:
    """The rows, within transactions of the caller."""

    async def prepare(self, connection: Connection) -> None:
        """Make extension and tables where they are missing."""
        # Looked first: changing a table, even to what it is, waits for all searches to end.
        if (await connection.execute(IS_THERE)).scalar_one() is None:
            for statement in SCHEMA:
                await connection.execute(text(statement))
        elif (await connection.execute(COLUMN)).scalar_one() == "vector":  # as versions before had it
            for statement in HALVE:
                await connection.execute(text(statement))

    async def state(self, connection: Connection) -> IndexState | None:
        """What the rows are; None when there never were any."""
        row = (await connection.execute(STATE)).first()
        return None if row is None else IndexState(row.turning_key, row.seen)

    async def become(self, connection: Connection, state: IndexState) -> None:
        """Note what the rows are from now on."""
        await connection.execute(BECOME, {"turning_key": state.turning_key, "seen": state.seen})

    async def clear(self, connection: Connection) -> None:
        """Forget everybody."""
        for name in (await connection.execute(GRAPHS)).scalars().all():
            await connection.execute(text(f'DROP INDEX "{name}"'))
        # Not TRUNCATE: a search that began before would see no rows at all, and find nobody.
        await connection.execute(CLEAR)

    async def put(
        self, connection: Connection, people: Mapping[str, Sequence[Embedding]], turning: Turning
    ) -> None:
        """Add people's vectors, or replace them. Here is where they are turned."""
        await self.remove(connection, list(people))
        rows = [
            {"uid": uid, "model": embedding.model, "turn": turn.turn_id, "turned": _written(turn(embedding))}
            for uid, embeddings in people.items()
            for embedding in embeddings
            for turn in (turning.of(embedding),)
        ]
        if rows:
            await connection.execute(PUT, rows)

    async def grow_graphs(self, connection: Connection, turns: Iterable[Turn]) -> None:
        """Build the graphs that are due for these. Nobody else can write meanwhile; searches go on."""
        for turn in turns:
            name, dimensions = f"vector_index_turned_{turn.turn_id}", len(turn.matrix)
            there = text(f"SELECT to_regclass('{name}')")
            if dimensions > LARGEST_GRAPH or (await connection.execute(there)).scalar_one() is not None:
                continue
            held = await connection.execute(HELD, {"turn": turn.turn_id, "enough": GRAPH_FROM})
            if held.scalar_one() == GRAPH_FROM:
                await connection.execute(text("SET LOCAL statement_timeout = 0"))
                await connection.execute(
                    text(
                        f"CREATE INDEX {name} ON vector_index "
                        f"USING hnsw ((turned::halfvec({dimensions})) halfvec_ip_ops) "
                        f"WITH (m = {CONNECTIVITY}, ef_construction = {EXPANSION_ADD}) "
                        f"WHERE turn = '{turn.turn_id}'"
                    )
                )

    async def remove(self, connection: Connection, uids: Sequence[str]) -> None:
        """Forget people; unknown ones are passed over."""
        if uids:
            await connection.execute(REMOVE, [{"uid": uid} for uid in uids])

    async def people(self, connection: Connection) -> int:
        """How many people are in the index."""
        total: int = (await connection.execute(PEOPLE)).scalar_one()
        return total

    async def nbytes(self, connection: Connection) -> int:
        """Bytes of the vectors with what finds them."""
        size = await connection.execute(text("SELECT pg_total_relation_size('vector_index')"))
        return int(size.scalar_one())

    async def nearest(
        self, connection: Connection, probe: Embedding, turning: Turning, count: int
    ) -> list[str]:
        """Whose vectors are most like the probe, best first."""
        turn = turning.of(probe)
        await connection.execute(SEARCH_WIDELY, {"width": str(max(count, EXPANSION_SEARCH))})
        given = {"probe": _written(turn(probe)), "count": count}
        rows = await connection.execute(text(nearest_query(turn)), given)
        return [row.subject_uid for row in rows]


def nearest_query(turn: Turn) -> str:
    """The search for those nearest to `:probe` among one network's rows.

    The turn is named in the statement itself: of a parameter a prepared plan could not tell that
    the graph is for it. It is a hash in hexadecimal digits.
    """
    kind = f"halfvec({len(turn.matrix)})"
    return (
        f"SELECT subject_uid FROM vector_index WHERE turn = '{turn.turn_id}' "  # noqa: S608 # nosec B608 - see above
        f"ORDER BY (turned::{kind}) <#> CAST(:probe AS {kind}) LIMIT :count"
    )


def _written(vector: Floats) -> str:
    return json.dumps(vector.tolist())
