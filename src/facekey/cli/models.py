"""`facekey models`: fetch, check and hand out networks."""

from pathlib import Path
from typing import Annotated

import typer
from rich import filesize
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table

from facekey.cli import choice
from facekey.cli.exits import Exit
from facekey.cli.outcome import told_in_one_line
from facekey.settings import read_settings
from facekey.zoo.zoo import Status, Zoo

app = typer.Typer(help="Networks: fetch, check, hand out, and choose which decide.", no_args_is_help=True)
output = Console()

Names = Annotated[list[str] | None, typer.Argument(help="Networks by name.", show_default=False)]
Cache = Annotated[
    Path | None,
    typer.Option(help="Folder of networks; FACEKEY_MODELS_DIR, or the user's cache.", show_default=False),
]
Mirror = Annotated[
    str | None,
    typer.Option(
        help="Folder or file:// address that is asked first; FACEKEY_MODELS_MIRROR.", show_default=False
    ),
]
Cards = Annotated[
    Path | None, typer.Option(help="Other cards than those that come with FaceKey.", show_default=False)
]


class Bars:
    """Implements `zoo.progress.Progress` with a bar for each network."""

    def __init__(self, bars: Progress) -> None:
        """Draw on a running display."""
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def report(self, name: str, step: str, *, done: int = 0, total: int | None = None) -> None:
        """Move the bar of this network, or give it one."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=None, step="")
        task = self._tasks[name]
        if step == "installed":
            # A full bar, whether or not the size was ever known.
            size = max(done, 1)
            self._bars.update(task, step=step, completed=size, total=size)
        elif step == "failed":
            # It stays where it broke off.
            self._bars.update(task, step=step)
            self._bars.stop_task(task)
        elif total is None and done == 0:
            self._bars.update(task, step=escape(step))
        else:
            self._bars.update(task, step=escape(step), completed=done, total=total)


@app.command("list")
def list_models(cache: Cache = None, cards: Cards = None) -> None:
    """Say which networks there are, what is installed, and why the rest is not."""
    with told_in_one_line():
        zoo = _zoo(cache, None, cards)
        table = Table(box=None, pad_edge=False)
        for heading in ("network", "task", "pack", "licence", "state"):
            table.add_column(heading, overflow="fold")
        for name in zoo.names():
            status = zoo.status(name)
            card = status.card
            table.add_row(name, card.task, card.pack, card.licence, _state(status))
        output.print(table)


@app.command()
def pull(
    names: Names = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All networks, not only the default pack.")
    ] = False,
    cache: Cache = None,
    mirror: Mirror = None,
    cards: Cards = None,
) -> None:
    """Fetch, verify and convert networks: those named, --all, or the default pack.

    What can't be had keeps nothing else from coming; the command then ends with an error, and a
    second one goes on where a download broke off.
    """
    with told_in_one_line():
        zoo = _zoo(cache, mirror, cards)
        wanted = names or zoo.names(None if everything else "default")
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[step]}"),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            results = zoo.pull(wanted, Bars(bars))
        _print(results)
        missing = [result.card.name for result in results if not result.installed]
        if missing:
            output.print(
                f"{len(results) - len(missing)} of {len(results)} installed; "
                f"could not be had: {escape(', '.join(missing))}. Run the same command again to go on.",
                soft_wrap=True,
            )
            raise typer.Exit(Exit.UNAVAILABLE)


@app.command()
def verify(names: Names = None, cache: Cache = None, cards: Cards = None) -> None:
    """Hash everything that is installed again, or the networks named."""
    with told_in_one_line():
        zoo = _zoo(cache, None, cards)
        wanted = names or [name for name in zoo.names() if zoo.status(name).installed]
        results = zoo.verify(wanted)
        _print(results)
        if not results or not all(result.installed for result in results):
            raise typer.Exit(Exit.NO)


@app.command()
def export(
    names: Annotated[list[str], typer.Argument(help="Networks by name.")],
    to: Annotated[Path, typer.Option(help="Folder to write into.")],
    cache: Cache = None,
    cards: Cards = None,
) -> None:
    """Write the converted ONNX of networks, with card and hash, for other programs."""
    with told_in_one_line():
        zoo = _zoo(cache, None, cards)
        for name in names:
            for path in zoo.export(name, to):
                output.print(escape(str(path)), soft_wrap=True)


app.command("promote")(choice.promote)
app.command("rollback")(choice.rollback)
app.command("shadow")(choice.shadow)
app.command("deciding")(choice.deciding)


def _zoo(cache: Path | None, mirror: str | None, cards: Path | None) -> Zoo:
    settings = read_settings()
    return Zoo(
        cache_dir=settings.models_dir if cache is None else cache,
        cards_dir=cards,
        mirror=settings.models_mirror if mirror is None else mirror,
    )


def _print(results: list[Status]) -> None:
    # One line each, however narrow the screen or the pipe.
    width = max((len(result.card.name) for result in results), default=0)
    for result in results:
        output.print(f"{result.card.name:<{width}}  {_state(result)}", soft_wrap=True)


def _state(status: Status) -> str:
    if status.reason is None:
        return f"[green]installed[/green], {filesize.decimal(status.size_bytes)}"
    return f"[yellow]{escape(status.reason)}[/yellow]"
