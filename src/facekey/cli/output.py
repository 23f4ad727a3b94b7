"""What commands print: tables, JSON, times, and files that are nobody else's business."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 1000


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> None:
    """Print a table; into a file or a pipe nothing of it is cut, since somebody will copy or search it.

    Args:
        columns: their headings.
        rows: text is printed as it is: much of it came from other applications and is no markup.
    """
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(table)


def print_json(value: object) -> None:
    """Print for programs: nothing is wrapped or coloured."""
    typer.echo(json.dumps(value, indent=2))


def moment(time: datetime | None, missing: str = "-") -> str:
    """A time for people, UTC, to the second."""
    return missing if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


@contextmanager
def private_file(path: Path) -> Iterator[TextIO]:
    """A new file that only its owner reads; for `-` the standard output."""
    if str(path) == "-":
        yield sys.stdout
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        yield file
