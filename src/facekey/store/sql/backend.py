"""What one kind of database does in its own way; everything else is the same SQL for all."""

from typing import Protocol

from sqlalchemy.engine import Connection, Engine

BUSY_TIMEOUT_S = 5.0
"""How long work waits for a connection, or for its turn to write."""


class Backend(Protocol):
    """One database, by its address.

    Attributes:
        readers: connections for reading.
        writers: connections for writing.
    """

    readers: int
    writers: int

    def engine(self, *, writing: bool) -> Engine:
        """Connections for reading, each of which sees one moment, or for writing, one at a time."""
        ...

    def migration_engine(self) -> Engine:
        """Connections for changing the schema; whoever comes second waits for the first to end.

        Raises:
            StoreUnavailable: the database can't be made.
        """
        ...

    def forget_deleted(self, connection: Connection) -> None:
        """Drop what deleted rows left behind.

        Args:
            connection: of the writing or the migration engine, on which no transaction has begun.
        """
        ...
