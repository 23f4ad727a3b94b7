"""The commands by name. Each module is imported when its command is asked for."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from facekey.cli.beginning import uncollected

if TYPE_CHECKING:
    from typer._click import Command, Context

COMMANDS = {
    "serve": "serve:serve",
    "preflight": "preflight:preflight",
    "doctor": "doctor:doctor",
    "register": "people:register",
    "authenticate": "people:authenticate",
    "identify": "people:identify",
    "users": "people:users",
    "models": "models:app",
    "samples": "samples:app",
    "export": "export:app",
    "liveness": "liveness:app",
    "head": "head:app",
    "keys": "keys:app",
    "database": "database:app",
    "index": "index:app",
    "accounts": "accounts:app",
    "api-keys": "accounts:keys",
    "audit": "audit:app",
    "consent": "privacy:consent",
    "retention": "privacy:retention",
    "bias": "bias:app",
    "alerts": "alerts:app",
    "evaluate": "evaluate:app",
}
"""In the order of `--help`: the module below `facekey.cli`, and what in it is the command or the group."""


class Shelf(Mapping[str, "Command"]):
    """The commands that typer finds by name; which there are is known without importing one."""

    def __init__(self) -> None:
        """Nothing is imported yet."""
        self._taken: dict[str, Command] = {}

    def __getitem__(self, name: str) -> "Command":
        """Import the command, the first time that it is asked for."""
        if name not in self._taken:
            self._taken[name] = _load(name, COMMANDS[name])
        return self._taken[name]

    def __iter__(self) -> Iterator[str]:
        """The names, in order."""
        return iter(COMMANDS)

    def __len__(self) -> int:
        """How many there are."""
        return len(COMMANDS)


class ShelvedGroup(TyperGroup):
    """Typer's group, with its commands on a shelf."""

    def __init__(self, **attributes: Any) -> None:
        """Take what typer gives."""
        super().__init__(**attributes)
        self.commands = Shelf()  # type: ignore[assignment] # nobody puts anything there

    def list_commands(self, ctx: "Context") -> list[str]:  # noqa: ARG002 - as in typer
        """The names alone: typer's own way asks for the commands as well."""
        return list(self.commands)


def _load(name: str, place: str) -> "Command":
    module, _, attribute = place.partition(":")
    with uncollected():
        found = getattr(import_module(f"facekey.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        command: Command = typer.main.get_group(found)
    else:
        alone = typer.Typer(add_completion=False)
        alone.command(name)(found)
        command = typer.main.get_command(alone)
    command.name = name
    return command
