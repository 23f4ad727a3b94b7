"""How commands end: with an exit code, and an error as one line instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape

from facekey.cli.exits import exit_code
from facekey.core.errors import FaceKeyError, RegistrationRefused

errors = Console(stderr=True)


@contextmanager
def told_in_one_line() -> Iterator[None]:
    """Turn an error of ours into its sentence and an exit code; a defect keeps its traceback."""
    try:
        yield
    except FaceKeyError as error:
        errors.print(f"[red]{escape(str(error))}[/red]")
        if isinstance(error, RegistrationRefused):
            for number, sample in enumerate(error.samples, start=1):
                errors.print(f"  photo {number}: {sample['reason']}. {sample['advice'] or ''}")
        raise typer.Exit(exit_code(error)) from error
