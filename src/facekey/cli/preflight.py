"""`facekey preflight`: would the service start?"""

import asyncio

from rich.console import Console

from facekey.cli.outcome import told_in_one_line
from facekey.settings import read_settings
from facekey.wiring.preflight import preflight as look

console = Console()


def preflight() -> None:
    """Say whether the service would start with these settings, or the first thing that is missing.

    What orchestrators wait for before they start it: the database's schema, keys, somebody who can
    sign in, networks. `facekey doctor` looks at much more, and asks a service that runs.
    """
    with told_in_one_line():
        asyncio.run(look(read_settings()))
        console.print("[green]the service would start[/green]")
