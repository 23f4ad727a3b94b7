"""The report as one page of HTML: no address of anything elsewhere, light and dark, printable.

It has the looks of an evaluation's report (`facekey.evaluation.page`).
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from bench.results import Cell, Column, Measured, Table, told, written
from facekey.evaluation.page import TEMPLATES as LOOKS

TEMPLATES = Path(__file__).parent / "templates"


def page(made: Sequence[Measured]) -> str:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, LOOKS]),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=written, told=told, cell=shown, numeric=_numeric, width=_width, moment=_moment, plain=_plain
    )
    return environment.get_template("bench.html.jinja").render(
        made=made,
        tiles=[target for one in made for target in one.result.targets],
        machines=list(dict.fromkeys(tuple(one.machine.items()) for one in made)),
    )


def shown(cell: Cell, column: Column) -> str:
    """A cell for people: numbers with the column's digits, a dash where nothing was measured."""
    if cell is None:
        return "-"
    return cell if isinstance(cell, str) else written(cell, column.digits)


def _numeric(table: Table, place: int) -> bool:
    return any(isinstance(row[place], float | int) for row in table.rows)


def _width(cell: Cell, table: Table, place: int) -> str:
    """Of a bar, in percent of the longest one of its column."""
    numbers = [row[place] for row in table.rows]
    most = max((float(one) for one in numbers if isinstance(one, float | int)), default=0.0)
    return f"{100 * float(cell) / most:.1f}" if isinstance(cell, float | int) and most > 0 else "0"


def _moment(when: datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M")


def _plain(text: str) -> str:
    """Paragraphs as they are, their lines joined: docstrings break where the code does."""
    joined: list[str] = []
    for line in text.splitlines():
        begins = not line.strip() or line.lstrip().startswith("- ") or not joined or not joined[-1].strip()
        joined.append(line.strip() if begins else f"{joined.pop()} {line.strip()}")
    text = "\n".join(joined).replace("`", "").replace("Protocol: ", "", 1).strip()
    return text[:1].upper() + text[1:]
