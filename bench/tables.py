"""`python -m bench.tables`: put the figures of `report.json` into the pages that show them.

A page marks the place of a block with two comments; what stands between them is made anew:

    <!-- bench:latency.operations -->
    <!-- /bench -->

`NAME.KEY` is a table of a bench, `NAME` its figures, `NAME.from` when, where and by which command it was
measured, `targets` everything that must be reached, `cost` what decisions cost. A block
whose bench was not run stays as it is, and is told.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.cost import cost
from bench.page import shown
from bench.report_json import read
from bench.results import Cell, Column, Measured, Result, Table, told, written

REPORT = Path("build") / "bench" / "report.json"
PAGES = tuple(Path("docs") / name for name in ("benchmarks.md", "capacity.md", "identification.md"))
BLOCK = re.compile(r"(<!-- bench:([\w.]+) -->\n)(.*?)(<!-- /bench -->)", re.DOTALL)


def main() -> None:
    """Parse, and write the pages."""
    parser = argparse.ArgumentParser(prog="bench.tables", description=__doc__)
    parser.add_argument("--report", type=Path, default=REPORT, help=f"what `make bench` wrote ({REPORT})")
    parser.add_argument("pages", nargs="*", type=Path, default=PAGES, help="pages with marked places")
    given = parser.parse_args()
    try:
        made = read(given.report.read_text(encoding="utf-8"))
    except OSError as error:
        sys.exit(f"{given.report}: {error.strerror}; `make bench` writes it")
    except ValueError as error:
        sys.exit(f"{given.report}: {error}")
    absent = [str(path) for path in given.pages if not path.is_file()]
    if absent:
        sys.exit(f"there is no page {', '.join(absent)}; nothing was written")
    for path in given.pages:
        text, missing = filled(path.read_text(encoding="utf-8"), made)
        path.write_text(text, encoding="utf-8")
        print(
            f"{path}: written"
            + (f"; not measured, left as they were: {', '.join(missing)}" if missing else "")
        )


def filled(text: str, made: Sequence[Measured]) -> tuple[str, list[str]]:
    """A page with its blocks made anew, and the names of those for which nothing was measured."""
    missing: list[str] = []

    def anew(found: re.Match[str]) -> str:
        content = _block(found[2], made)
        if content is None:
            missing.append(found[2])
            return found[0]
        return f"{found[1]}\n{content}\n\n{found[4]}"

    return BLOCK.sub(anew, text), missing


def markdown(table: Table) -> str:
    """A table in Markdown; numbers to the right."""
    numeric = [
        any(not isinstance(row[place], str | None) for row in table.rows)
        for place in range(len(table.columns))
    ]
    heads = [f"{one.name}, {one.unit}" if one.unit else one.name for one in table.columns]
    lines = [_line(heads), _line(["---:" if number else "---" for number in numeric])]
    lines += [
        _line([_cell(cell, column) for cell, column in zip(row, table.columns, strict=True)])
        for row in table.rows
    ]
    return "\n".join([*lines, *(["", table.note] if table.note else [])])


def _block(name: str, made: Sequence[Measured]) -> str | None:
    if name == "targets":
        return markdown(_targets(made)) if made else None
    if name == "cost":
        tables = cost(made)
        return "\n\n".join(markdown(table) for table in tables) if tables else None
    bench, _, key = name.partition(".")
    one = next((one for one in made if one.name == bench), None)
    if one is None:
        return None
    if key == "from":
        return _from(one)
    if not key:
        return markdown(_figures(one.result))
    table = next((table for table in one.result.tables if table.key == key), None)
    return None if table is None else markdown(table)


def _targets(made: Sequence[Measured]) -> Table:
    columns = (Column("what"), Column("must be"), Column("is"), Column(""), Column("command"))
    rows = tuple(
        (
            target.said,
            f"at {'most' if target.at_most else 'least'} {written(target.limit, target.digits, target.unit)}",
            written(target.value, target.digits, target.unit),
            "reached" if target.met else "**missed**",
            f"`make bench NAMES={one.name}`",
        )
        for one in made
        for target in one.result.targets
    )
    return Table("targets", "", columns, rows)


def _figures(result: Result) -> Table:
    columns = (Column("what"), Column("median [95 %]"), Column("times", digits=0))
    rows = tuple(
        (one.said, told(one), None if one.count is None else float(one.count)) for one in result.figures
    )
    return Table("figures", "", columns, rows)


def _from(one: Measured) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in one.machine.items())
    when = one.made_at.strftime("%Y-%m-%d %H:%M")
    return f"`make bench NAMES={one.name}`, {when} UTC, FaceKey {one.version}; {machine}."


def _cell(cell: Cell, column: Column) -> str:
    return shown(cell, column).replace("|", "\\|")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
