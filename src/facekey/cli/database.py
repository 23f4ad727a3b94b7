"""`facekey database`: the schema, for those who upgrade."""

import typer
from rich.console import Console

from facekey.cli.outcome import told_in_one_line
from facekey.settings import read_settings
from facekey.store.sql.schema import newest_revision
from facekey.wiring.database import prepare_database, require_database

app = typer.Typer(help="The database's schema.", no_args_is_help=True)
console = Console()


@app.command("upgrade")
def upgrade() -> None:
    """Create the tables, or bring them to this version's schema, in one transaction."""
    with told_in_one_line():
        prepare_database(read_settings())
        console.print(f"[green]the database has the schema {newest_revision()}[/green]")


@app.command("check")
def check() -> None:
    """Say whether the service would start with this database; an empty one is prepared."""
    with told_in_one_line():
        require_database(read_settings())
        console.print(
            f"[green]the database has the schema {newest_revision()}, as this version needs[/green]"
        )
