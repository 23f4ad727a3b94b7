"""PostgreSQL: for production, and for several services on one database."""

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from facekey.core.errors import SettingsInvalid
from facekey.store.sql.backend import BUSY_TIMEOUT_S

LOCK = 0x66_61_63_65_6B_65_79  # "facekey": the advisory lock that every writer takes
STATEMENT_TIMEOUT_S = 10.0
REWRITTEN_BYTES = 64 * 1024 * 1024  # of the table of people: some 150,000, a third of a second
VACUUMED = (
    "templates, template_history, adaptation, images, consents, labels, "
    "attempts, operators, refresh_tokens, deployment, signing_keys"
)
REWRITE_WAITS_MS = 200
INDEX_TABLE = "vector_index"  # there only where `store.index.pgvector` is in use


class Postgres:
    """Implements `Backend`, over psycopg 3.

    All writers of all services take one advisory lock for the length of their transaction.
    That makes the order of the audit chain and of the change log the order of the commits,
    and a look before a write holds until the commit, as with SQLite.
    """

    readers = 8
    writers = 8  # they wait for each other at the lock, not for a connection

    def __init__(self, address: URL) -> None:
        """Take an address; a user, host and database that are missing come from libpq's defaults.

        Raises:
            SettingsInvalid: it names a driver that isn't used here.
        """
        if address.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
            raise SettingsInvalid("DATABASE_URL: write postgresql://USER:PASSWORD@HOST/DATABASE")
        self._address = address.set(drivername="postgresql+psycopg")

    def engine(self, *, writing: bool) -> Engine:
        """Connections for reading, or for writing behind the one lock."""
        engine = create_engine(
            self._address,
            pool_size=self.writers if writing else self.readers,
            max_overflow=0,
            pool_timeout=BUSY_TIMEOUT_S,
            pool_pre_ping=True,  # a server that was restarted is met with a new connection, not an error
            hide_parameters=True,
            connect_args=_connect_args(STATEMENT_TIMEOUT_S),
            isolation_level="READ COMMITTED" if writing else "REPEATABLE READ",
            execution_options={} if writing else {"postgresql_readonly": True},
        )
        if writing:
            _take_turns(engine)
        return engine

    def migration_engine(self) -> Engine:
        """Connections for changing the schema, behind the same lock as every writer."""
        engine = create_engine(
            self._address, poolclass=NullPool, hide_parameters=True, connect_args=_connect_args(300.0)
        )
        _take_turns(engine)
        return engine

    def forget_deleted(self, connection: Connection) -> None:
        """Remove dead rows from the tables that know people.

        A vacuum frees the space of a dead row and leaves its bytes there until others take it.
        So the table with everybody's wrapped key is written anew as a whole, as long as it is
        not so large that all who wait for it would notice; what a key sealed in the others is
        worth nothing without it. The server's write-ahead log keeps both until it is recycled.
        """
        # VACUUM can't run in a transaction.
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        indexed = connection.exec_driver_sql(f"SELECT to_regclass('{INDEX_TABLE}')").scalar_one()
        size = connection.exec_driver_sql("SELECT pg_table_size('subjects')").scalar_one()
        if size > REWRITTEN_BYTES or not _rewrite_people(connection):
            connection.exec_driver_sql("VACUUM subjects")
        connection.exec_driver_sql(f"VACUUM {VACUUMED}{'' if indexed is None else f', {INDEX_TABLE}'}")


def _rewrite_people(connection: Connection) -> bool:
    """Write the table of people anew; False when somebody reads it for long, such as a backup.

    Everybody who comes meanwhile waits behind this, so it doesn't wait long itself.
    """
    connection.exec_driver_sql(f"SET lock_timeout = {REWRITE_WAITS_MS}")
    try:
        connection.exec_driver_sql("VACUUM (FULL) subjects")
    except OperationalError:
        return False
    finally:
        connection.exec_driver_sql("RESET lock_timeout")
    return True


def _connect_args(statement_timeout_s: float) -> dict[str, str | int]:
    settings = {
        "statement_timeout": int(statement_timeout_s * 1000),
        "lock_timeout": int(BUSY_TIMEOUT_S * 1000),
        "idle_in_transaction_session_timeout": 60_000,  # a dead service must not keep the lock
        "synchronous_commit": "on",  # an answered commit survives a power cut
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return {"connect_timeout": int(BUSY_TIMEOUT_S), "application_name": "facekey", "options": options}


def _take_turns(engine: Engine) -> None:
    @event.listens_for(engine, "begin")
    def wait(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
