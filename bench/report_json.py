"""The report as JSON: `facekey-bench/1`, described in docs/benchmarks.md.

Every bench leaves a file of its own, so that one can be measured again without the others; the
report is all of them, each with the commit, the machine and the time that it is from.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from bench.results import SCHEMA, Column, Figure, Measured, Result, Table, Target


def as_json(made: Iterable[Measured]) -> str:
    """The report as one JSON object."""
    results = [_written(one) for one in made]
    return json.dumps({"schema": SCHEMA, "results": results}, indent=1, allow_nan=False) + "\n"


def read(text: str) -> tuple[Measured, ...]:
    """What `as_json` wrote.

    Raises:
        ValueError: it is no report of this form; says what to do.
    """
    told = json.loads(text)
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise ValueError(f"this is no report of the form {SCHEMA}; make it again with `make bench`")
    try:
        return tuple(_read(one) for one in told["results"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"this report is not whole ({error}); make it again with `make bench`") from error


def keep(one: Measured, folder: Path) -> None:
    """Leave what a bench measured in a file of its own, in place of what it measured before."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{one.name}.json.part"
    part.write_text(as_json([one]), encoding="utf-8")
    part.replace(folder / f"{one.name}.json")


def kept(folder: Path, order: Iterable[str]) -> tuple[tuple[Measured, ...], tuple[str, ...]]:
    """What was left in a folder, in this order of names; and the names whose files can't be read.

    Another version may have written those: they don't keep a report of the others from being made.
    """
    made: list[Measured] = []
    unread: list[str] = []
    for name in order:
        file = folder / f"{name}.json"
        if not file.exists():
            continue
        try:
            made += read(file.read_text(encoding="utf-8"))
        except ValueError:
            unread.append(name)
    return tuple(made), tuple(unread)


def _written(one: Measured) -> dict[str, object]:
    told = asdict(one)
    told["made_at"] = one.made_at.isoformat(timespec="seconds")
    for target, made in zip(told["result"]["targets"], one.result.targets, strict=True):
        target["met"] = made.met
    result = told.pop("result")
    return {**told, **result}


def _read(told: dict[str, object]) -> Measured:
    plain = dict(told)
    result = Result(
        figures=tuple(Figure(**one) for one in _rows(plain.pop("figures"))),
        tables=tuple(_table(one) for one in _rows(plain.pop("tables"))),
        targets=tuple(
            Target(**{key: value for key, value in one.items() if key != "met"})
            for one in _rows(plain.pop("targets"))
        ),
        notes=_texts(plain.pop("notes")),
        broken=_texts(plain.pop("broken")),
    )
    made_at = datetime.fromisoformat(str(plain.pop("made_at")))
    return Measured(**plain, made_at=made_at, result=result)  # type: ignore[arg-type]


def _table(told: dict[str, object]) -> Table:
    columns = tuple(Column(**one) for one in _rows(told["columns"]))
    rows = tuple(tuple(row) for row in told["rows"])  # type: ignore[attr-defined]
    return Table(str(told["key"]), str(told["title"]), columns, rows, str(told["note"]))


def _rows(told: object) -> list[dict[str, object]]:
    if not isinstance(told, list):
        raise TypeError("a list was expected")
    return told


def _texts(told: object) -> tuple[str, ...]:
    return tuple(str(one) for one in told) if isinstance(told, list) else ()
