"""`facekey index`: the index that services share (FACEKEY_INDEX=pgvector)."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from facekey.cli.outcome import told_in_one_line
from facekey.core.caller import COMMAND_LINE
from facekey.settings import Settings, read_settings
from facekey.wiring.galleries import open_index

app = typer.Typer(help="The index that services share.", no_args_is_help=True)
console = Console()


@app.callback()
def root() -> None:
    """The index that services share."""


@app.command("rebuild")
def rebuild(
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Turn by a new key: copies of the old index become worthless.")
    ] = False,
) -> None:
    """Empty the index and fill it from the sealed templates, while the service runs.

    May be stopped at any time: the next search, or the next run, goes on with it.
    """
    with told_in_one_line():
        people = asyncio.run(_rebuild(read_settings(), new_key=new_key))
        how = "turned by a new key" if new_key else "turned by the same key"
        console.print(f"[green]{people} people are in the index[/green], {how}")


async def _rebuild(settings: Settings, *, new_key: bool) -> int:
    columns = TextColumn("taking in changes"), BarColumn(), MofNCompleteColumn()
    async with open_index(settings) as rebuild_index:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task("", total=None)
            return await rebuild_index(
                new_key=new_key,
                caller=COMMAND_LINE,
                report=lambda done, total: bars.update(bar, completed=done, total=total),
            )
