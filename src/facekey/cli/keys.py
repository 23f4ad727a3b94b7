"""`facekey keys`: the key that protects everything."""

import typer

from facekey.store.keys.encryption_key import EncryptionKey

app = typer.Typer(help="The key that protects every template.", no_args_is_help=True)


@app.callback()
def root() -> None:
    """The key that protects every template."""


@app.command("new")
def new() -> None:
    """Print a new random ENCRYPTION_KEY. Keep it safe: without it nothing can be read again."""
    typer.echo(EncryptionKey.generate().written())
