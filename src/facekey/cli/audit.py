"""`facekey audit`: prove that the log is whole."""

import asyncio

import typer

from facekey.cli.outcome import told_in_one_line
from facekey.core.audit import ChainedRecord, verify_chain
from facekey.settings import read_settings
from facekey.wiring import open_audit_records

app = typer.Typer(help="The audit log.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """The audit log."""


@app.command("verify")
def verify() -> None:
    """Check every link of the chain; names the first record that was changed, removed or moved."""
    with told_in_one_line():
        count = verify_chain(asyncio.run(_records()))
        typer.echo(f"{count} audit records, every link holds")


async def _records() -> list[ChainedRecord]:
    async with open_audit_records(read_settings()) as records:
        return [record async for record in records]
