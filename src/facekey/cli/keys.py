"""`facekey keys`: the keys that protect everything."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from facekey.cli.exits import Exit
from facekey.cli.outcome import told_in_one_line
from facekey.cli.output import print_json, print_table
from facekey.core.caller import COMMAND_LINE
from facekey.core.root_keys import KeyUse, Rotation
from facekey.settings import Settings, read_settings
from facekey.store.keys.encryption_key import FIRST_VERSION, LAST_VERSION, EncryptionKey
from facekey.store.keys.stored import add_key, use_key
from facekey.wiring.accounts import renew_face_tokens as sign_anew
from facekey.wiring.clocks import SystemClock
from facekey.wiring.keys import open_key_file
from facekey.wiring.rotation import key_uses, open_rotation

app = typer.Typer(help="The keys that protect every template.", no_args_is_help=True)
console = Console()

Version = Annotated[int, typer.Option(min=FIRST_VERSION, max=LAST_VERSION, help="Its number.")]


@app.callback()
def root() -> None:
    """The keys that protect every template."""


@app.command("new")
def new(version: Version = FIRST_VERSION) -> None:
    """Print a new random ENCRYPTION_KEY. Keep it safe: without it nothing can be read again."""
    typer.echo(EncryptionKey.generate(version).written())


@app.command("add")
def add(
    later: Annotated[
        bool, typer.Option("--later", help="Only let it open; `facekey keys use` lets it seal.")
    ] = False,
) -> None:
    """Put a new key into the key file, which is made if there is none, and seal with it from now on."""
    with told_in_one_line():
        path, wrapping = open_key_file(read_settings())
        listed = add_key(path, wrapping, SystemClock().now(), make_current=not later)
        added = listed.keys[-1].version
        console.print(f"version {added} is in {path}; version {listed.current} seals", soft_wrap=True)
        if len(listed.keys) > 1:
            console.print("what is stored already comes under the new key by: facekey keys rotate")
        console.print("keep a copy of the file in a safe place: without it nothing can be read again")


@app.command("use")
def use(version: Annotated[int, typer.Argument(help="A version of the key file.")]) -> None:
    """Seal with another key of the key file from now on."""
    with told_in_one_line():
        path, wrapping = open_key_file(read_settings())
        listed = use_key(path, wrapping, version)
        console.print(f"version {listed.current} of {path} seals", soft_wrap=True)


@app.command("status")
def status(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """How many records hang on which key. Exit code 1 when some are under a key that isn't at hand."""
    with told_in_one_line():
        uses = asyncio.run(key_uses(read_settings()))
    if as_json:
        print_json([_as_json(use) for use in uses])
    else:
        print_table(
            ("key id", "version", "records", "state"),
            ((use.key_id, str(use.version), str(use.records), _state(use)) for use in uses),
        )
    if not all(use.at_hand for use in uses):
        raise typer.Exit(Exit.NO)


@app.command("rotate")
def rotate() -> None:
    """Put everything that is stored under the current key, while the service runs.

    May be stopped at any time and run again: what is done stays done.
    """
    with told_in_one_line():
        rotation = asyncio.run(_rotate(read_settings()))
    under = sum(use.records for use in rotation.uses)
    console.print(
        f"[green]{rotation.rewrapped} records were wrapped again[/green], all {under} are current",
        soft_wrap=True,
    )


@app.command("renew-face-tokens")
def renew_face_tokens() -> None:
    """Sign face tokens with a new key, from the next start of each service on.

    The old one stays in the published key set for a day: restart the services within it.
    """
    with told_in_one_line():
        asyncio.run(sign_anew(read_settings()))
    console.print("a new key is there; restart the services within a day", soft_wrap=True)


async def _rotate(settings: Settings) -> Rotation:
    columns = TextColumn("wrapping keys again"), BarColumn(), MofNCompleteColumn()
    async with open_rotation(settings) as rotate_keys:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            bar = bars.add_task("", total=None)
            return await rotate_keys(
                caller=COMMAND_LINE,
                report=lambda done, total: bars.update(bar, completed=done, total=total),
            )


def _as_json(use: KeyUse) -> dict[str, object]:
    return {
        "key_id": use.key_id,
        "version": use.version,
        "records": use.records,
        "at_hand": use.at_hand,
        "current": use.current,
    }


def _state(use: KeyUse) -> Text:
    if use.current:
        return Text("current", "green")
    return Text("older; facekey keys rotate") if use.at_hand else Text("the key is not at hand", "red")
