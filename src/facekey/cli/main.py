"""`facekey`: everything an operator does from a shell."""

import sys
from typing import Annotated

import structlog
import typer

from facekey import __version__
from facekey.cli.shelf import ShelvedGroup

app = typer.Typer(
    name="facekey",
    help="Self-hosted face authentication.",
    cls=ShelvedGroup,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals can hold keys and faces
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Self-hosted face authentication."""
    if isinstance(structlog.get_config()["logger_factory"], structlog.PrintLoggerFactory):
        # What commands print is for other programs to read: log lines don't belong there.
        structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
