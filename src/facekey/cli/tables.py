"""Tables on the command line."""

from rich.console import Console
from rich.table import Table

WIDE = 1000


def print_table(table: Table) -> None:
    """Print a table; into a file or a pipe nothing of it is cut, since somebody will copy or search it."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    console.print(table)
