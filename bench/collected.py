"""From benches that print to one report: what each printed, its figures, where and when."""

import io
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TextIO

from bench.host import machine, now, version
from bench.page import page
from bench.report_json import as_json, keep, kept
from bench.results import Measured, Result

Bench = Callable[[], Result | None]
"""A bench, ready to run; None where it only prints."""


class Tee(io.TextIOBase):
    """Writes to a stream and remembers what. No terminal, so that progress bars stay out of it."""

    def __init__(self, stream: TextIO) -> None:
        """Take where it is shown."""
        self._stream = stream
        self._kept: list[str] = []

    @property
    def text(self) -> str:
        """All that was written."""
        return "".join(self._kept)

    def write(self, text: str, /) -> int:
        """Show and remember."""
        self._kept.append(text)
        return self._stream.write(text)

    def flush(self) -> None:
        """Show it now."""
        self._stream.flush()


def measure(name: str, protocol: str, bench: Bench) -> Measured:
    """Run one bench."""
    tee = Tee(sys.stdout)
    # Of the code that runs, which is read now: a commit may be made meanwhile.
    of_version = version()
    made_at, began = now(), time.perf_counter()
    with redirect_stdout(tee):
        result = bench() or Result()
    took_s = time.perf_counter() - began
    printed = tee.text.replace(protocol, "", 1).strip()
    for target in result.targets:
        print(f"{'reached' if target.met else 'MISSED '}: {target.told}")
    title, _, rest = protocol.strip().partition("\n\n")
    return Measured(
        name=name,
        title=" ".join(title.split()).rstrip("."),
        protocol=rest,
        made_at=made_at,
        version=of_version,
        machine=machine(),
        command=shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        took_s=took_s,
        printed=printed,
        result=result,
    )


def leave(one: Measured, folder: Path) -> None:
    """Keep what a bench measured beside what others did before."""
    keep(one, folder / "results")


def report(folder: Path, order: Sequence[str]) -> tuple[Path, Path]:
    """Write all that was kept into `report.json` and `report.html`; says where they are."""
    made, unread = kept(folder / "results", order)
    if unread:
        print(f"left out, measured in another form; measure again: {', '.join(unread)}")
    as_data, as_page = folder / "report.json", folder / "report.html"
    as_data.write_text(as_json(made), encoding="utf-8")
    as_page.write_text(page(made), encoding="utf-8")
    return as_data, as_page
