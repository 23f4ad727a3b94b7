"""`facekey models promote|rollback|shadow|deciding`: which networks decide, and which only watches."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from facekey.cli.outcome import told_in_one_line
from facekey.core.caller import COMMAND_LINE
from facekey.core.choice import Choice
from facekey.services.choose_networks import ChooseNetworks
from facekey.settings import read_settings
from facekey.wiring.networks import choosing

OFF = "off"
output = Console()

Name = Annotated[str, typer.Argument(help="A network by name.")]


def promote(
    name: Name,
    instead_of: Annotated[
        list[str] | None,
        typer.Option(help="A network that steps down, and goes on in shadow.", show_default=False),
    ] = None,
) -> None:
    """Let a measured recognition network decide, beside the others or in their place.

    Refused, with their number, while there are enrolled people whom only a network that steps
    down knows. On record in the audit log; takes effect when the service starts again.
    """

    async def work(choose: ChooseNetworks) -> None:
        await choose.promote(name, instead_of=instead_of or (), caller=COMMAND_LINE)

    _choose(work)


def rollback() -> None:
    """Undo the last change of the networks that decide; at the next start they decide as before it."""

    async def work(choose: ChooseNetworks) -> None:
        await choose.rollback(caller=COMMAND_LINE)

    _choose(work)


def shadow(
    name: Annotated[str, typer.Argument(help="A network by name, or `off`.")],
) -> None:
    """From the next start on show a network what is decided on, and count in the metrics what it says.

    It decides nothing. People who are registered meanwhile get references by it as well.
    """

    async def work(choose: ChooseNetworks) -> None:
        await choose.shadow(None if name == OFF else name, caller=COMMAND_LINE)

    _choose(work)


def deciding() -> None:
    """Say which recognition networks decide from the next start on, and which runs in shadow."""

    async def work(_: ChooseNetworks) -> None:
        return

    _choose(work, changed=False)


def _choose(work: Callable[[ChooseNetworks], Awaitable[None]], *, changed: bool = True) -> None:
    async def run() -> tuple[Choice, frozenset[str]]:
        async with choosing(read_settings()) as choose:
            await work(choose)
            return await choose.now()

    with told_in_one_line():
        choice, names = asyncio.run(run())
        how = "" if choice.deciding is not None else " (all that are installed and measured)"
        output.print(f"deciding: {escape(', '.join(sorted(names)))}{how}", soft_wrap=True)
        output.print(f"in shadow: {escape(choice.shadow or 'none')}", soft_wrap=True)
        if changed:
            output.print("takes effect when the service starts again", soft_wrap=True)
