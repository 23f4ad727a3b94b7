"""What a training script shows while it works: bars that move, lines that stay."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from training.parallel import here

Item = TypeVar("Item")

_console = Console(stderr=True, quiet=not here().first)  # of several processes only the first one speaks


def bar(items: Iterable[Item], label: str, total: int) -> Iterator[Item]:
    """Go through the items while a bar on standard error shows how far it is."""
    yield from track(items, description=label, total=total, console=_console, transient=True)


def say(line: str) -> None:
    """One line that stays, above any bar."""
    _console.print(line, highlight=False, markup=False)
