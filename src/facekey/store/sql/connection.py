"""What work on the database is given: statements, one after the other, in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, TypeVarTuple, overload

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import CursorResult, Dialect, Executable, RootTransaction
from sqlalchemy.sql.selectable import TypedReturnsRows

Result = TypeVar("Result")
Columns = TypeVarTuple("Columns")
AnyRows = CursorResult[*tuple[Any, ...]]
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class Connection:
    """SQLAlchemy's connection, for work that is written with `await`.

    The work runs on the thread of its connection from its first statement to its last, so
    nothing here ever waits for the event loop: see `store.sql.threads`.
    """

    __slots__ = ("_sync",)

    def __init__(self, sync: SyncConnection) -> None:
        """Take a connection that nobody else uses meanwhile."""
        self._sync = sync

    @property
    def dialect(self) -> Dialect:
        """Which database it is."""
        return self._sync.dialect

    @property
    def transaction(self) -> RootTransaction | None:
        """The transaction that statements belong to; None before the first."""
        return self._sync.get_transaction()

    @overload
    async def execute(
        self, statement: TypedReturnsRows[*Columns], parameters: Parameters | None = None
    ) -> CursorResult[*Columns]: ...
    @overload
    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> AnyRows: ...
    async def execute(self, statement: Executable, parameters: Parameters | None = None) -> AnyRows:
        """Run a statement; with a list of parameters, once for each."""
        return self._sync.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str) -> AnyRows:
        """Run SQL as it is written."""
        return self._sync.exec_driver_sql(statement)

    async def run_sync(self, work: Callable[[SyncConnection], Result]) -> Result:
        """Do what needs SQLAlchemy's own connection."""
        return work(self._sync)
