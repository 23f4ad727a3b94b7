"""Results: what a bench measured, as data. `report_json` keeps them, `page` and `tables` show them."""

from dataclasses import dataclass
from datetime import datetime

SCHEMA = "facekey-bench/1"

Cell = str | float | None
"""Text, a number in the column's unit, or nothing where nothing was measured."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        unit: of its numbers, such as `ms`; empty for text and plain counts.
        digits: behind the point.
        bars: the page draws the numbers as bars, too.
    """

    name: str
    unit: str = ""
    digits: int = 1
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of figures of one kind; the first column names the row.

    Attributes:
        key: stable, lower case; unique in its result.
        rows: as many cells each as there are columns.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        """Refuse a row of another width: its numbers would stand under the wrong names.

        Raises:
            ValueError: there is one.
        """
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.key}: a row has another number of cells than there are columns")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number.

    Attributes:
        name: stable, lower case; unique in its result.
        said: the same for people.
        unit: such as `ms`, `x`, `1/s`, `MB`; empty for a plain count.
        count: how many measurements are behind it.
        low: of the 95 % interval, where there is one; `high` with it.
        digits: behind the point.
    """

    name: str
    said: str
    value: float
    unit: str = ""
    count: int | None = None
    low: float | None = None
    high: float | None = None
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Target:
    """What must be reached, and what was.

    Attributes:
        at_most: whether less is better.
    """

    said: str
    value: float
    limit: float
    unit: str = ""
    at_most: bool = True
    digits: int = 2

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    @property
    def told(self) -> str:
        """`bytes to decision: 31.50 ms, must be at most 35.00 ms`."""
        way = "at most" if self.at_most else "at least"
        value, limit = (written(number, self.digits, self.unit) for number in (self.value, self.limit))
        return f"{self.said}: {value}, must be {way} {limit}"


@dataclass(frozen=True, slots=True)
class Result:
    """What one bench gives beside what it prints.

    Attributes:
        broken: promises of the product that were broken; the run fails with them.
    """

    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one bench, with where and when.

    Attributes:
        name: as in `python -m bench NAME`.
        version: of FaceKey, with the commit.
        machine: processor, cores and the versions of what computes.
        took_s: the whole bench.
        printed: what it told while it ran.
    """

    name: str
    title: str
    protocol: str
    made_at: datetime
    version: str
    machine: dict[str, str]
    command: str
    took_s: float
    printed: str
    result: Result


def written(value: float, digits: int, unit: str = "") -> str:
    """`1,234.5 ms`: a number for people."""
    space = "" if not unit else " "
    return f"{value:,.{digits}f}{space}{unit}"


def told(figure: Figure) -> str:
    """`31.5 ms [31.2, 31.9], 150 times`."""
    text = written(figure.value, figure.digits, figure.unit)
    if figure.low is not None and figure.high is not None:
        text += f" [{written(figure.low, figure.digits)}, {written(figure.high, figure.digits)}]"
    return text
