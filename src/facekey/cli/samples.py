"""`facekey samples`: public photos for a first try."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from facekey.cli.outcome import told_in_one_line
from facekey.settings import read_settings
from facekey.zoo.samples import load_samples, pull_samples
from facekey.zoo.zoo import default_cards_dir

app = typer.Typer(help="Public photos for a first try.", no_args_is_help=True)
output = Console()


@app.callback()
def root() -> None:
    """Public photos for a first try."""


@app.command()
def pull(
    to: Annotated[
        Path | None, typer.Option(help="Folder to put them into; by default beside the networks.")
    ] = None,
) -> None:
    """Fetch five photos of one person and one of another, and print where they are."""
    with told_in_one_line():
        settings = read_settings()
        folder = settings.models_dir.parent / "samples" if to is None else to
        wanted = load_samples(default_cards_dir())
        with Console(stderr=True).status("asking the package registry"):
            paths = pull_samples(wanted, folder, mirror=settings.models_mirror)
        for path in paths:
            output.print(escape(str(path)), soft_wrap=True)
