"""Rows of figures, as they are printed while a measurement runs."""

from collections.abc import Sequence

from bench.results import Cell, Column


def say(columns: Sequence[Column], row: Sequence[Cell]) -> None:
    """Print a row as soon as it is there, each cell with its name and unit."""
    cells = zip(columns[1:], row[1:], strict=True)
    told = (f"{column.name} {_told(cell, column)}" for column, cell in cells if cell is not None)
    print(f"  {row[0]}: " + "; ".join(told), flush=True)


def _told(cell: Cell, column: Column) -> str:
    return str(cell) if isinstance(cell, str) else f"{cell:,.{column.digits}f} {column.unit}".rstrip()
