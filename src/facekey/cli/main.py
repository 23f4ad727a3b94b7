"""`facekey`: everything an operator does from a shell."""

import sys
from typing import Annotated

import structlog
import typer

from facekey import __version__
from facekey.cli import (
    accounts,
    alerts,
    audit,
    bias,
    database,
    doctor,
    evaluate,
    export,
    head,
    index,
    keys,
    liveness,
    models,
    people,
    preflight,
    privacy,
    samples,
    serve,
)

app = typer.Typer(
    name="facekey",
    help="Self-hosted face authentication.",
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


app.command("serve")(serve.serve)
app.command("preflight")(preflight.preflight)
app.command("doctor")(doctor.doctor)
app.command("register")(people.register)
app.command("authenticate")(people.authenticate)
app.command("identify")(people.identify)
people.users.command("export")(privacy.export_user)
people.users.command("erase-again")(privacy.erase_again)
app.add_typer(people.users, name="users")
app.add_typer(models.app, name="models")
app.add_typer(samples.app, name="samples")
app.add_typer(export.app, name="export")
app.add_typer(liveness.app, name="liveness")
app.add_typer(head.app, name="head")
app.add_typer(keys.app, name="keys")
app.add_typer(database.app, name="database")
app.add_typer(index.app, name="index")
app.add_typer(accounts.app, name="accounts")
app.add_typer(accounts.keys, name="api-keys")
app.add_typer(audit.app, name="audit")
app.add_typer(privacy.consent, name="consent")
app.add_typer(privacy.retention, name="retention")
app.add_typer(bias.app, name="bias")
app.add_typer(alerts.app, name="alerts")
app.add_typer(evaluate.app, name="evaluate")
