"""`facekey alerts`: try the ways by which alerts leave, and look at what waits."""

import asyncio
import secrets
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from facekey.cli.ask import ask
from facekey.cli.exits import Exit
from facekey.cli.outcome import told_in_one_line
from facekey.cli.output import moment, print_json, print_table
from facekey.core.alerts import Alert, AlertKind, message_of
from facekey.core.caller import COMMAND_LINE
from facekey.core.errors import DeliveryFailed
from facekey.core.ports.alerts import Notifier, Waiting
from facekey.services.deliver import SEND_S
from facekey.settings import read_settings
from facekey.wiring.alerts import notifiers, open_alerts
from facekey.wiring.clocks import SystemClock

app = typer.Typer(help="Alerts by e-mail and webhook.", no_args_is_help=True)
console = Console()


@app.callback()
def root() -> None:
    """Alerts by e-mail and webhook."""


@app.command("test")
def test() -> None:
    """Send a test message over every way that is set up. Exit code 1 when one fails."""
    with told_in_one_line():
        failed = False
        carriers = notifiers(read_settings())
        for channel, notifier in carriers.items():
            why = asyncio.run(_try(notifier))
            failed |= why is not None
            console.print(
                f"{channel}: {'[green]sent[/green]' if why is None else f'[red]{escape(why)}[/red]'}"
            )
        if carriers.keys() == {"log"}:
            console.print("neither e-mail nor webhook is set up: FACEKEY_SMTP_HOST, FACEKEY_WEBHOOK_URL")
    if failed:
        raise typer.Exit(Exit.NO)


@app.command("list")
def show(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """What waits, what was sent and what was given up. Exit code 1 when something was given up."""
    waiting = ask(open_alerts, lambda outbox: outbox.newest(limit))
    if as_json:
        print_json([_as_json(one) for one in waiting])
    elif waiting:
        print_table(
            ("created", "way", "message", "tries", "state"),
            (
                (moment(one.created_at), one.channel, one.message.title, str(one.tries), _state(one))
                for one in waiting
            ),
        )
    else:
        console.print("there is no alert")
    if any(one.failed_at is not None for one in waiting):
        raise typer.Exit(Exit.NO)


@app.command("retry")
def retry() -> None:
    """Let what was given up be tried again by the running service."""
    again = ask(open_alerts, lambda outbox: outbox.retry(at=SystemClock().now()))
    console.print(f"{again} messages will be tried again")


async def _try(notifier: Notifier) -> str | None:
    """Send one message; why it couldn't be, or None."""
    now = SystemClock().now()
    alert = Alert(AlertKind.TEST, now, COMMAND_LINE.actor, None, {})
    try:
        async with asyncio.timeout(SEND_S):
            await notifier.send(message_of(alert, secrets.token_hex(16)))
    except DeliveryFailed as failure:
        return str(failure)
    except TimeoutError:
        return f"no answer within {SEND_S:.0f} s"
    return None


def _state(one: Waiting) -> str:
    if one.sent_at is not None:
        return f"sent {moment(one.sent_at)}"
    if one.failed_at is not None:
        return f"given up: {one.last_error}; facekey alerts retry"
    return f"due {moment(one.next_try_at)}" + ("" if one.last_error is None else f": {one.last_error}")


def _as_json(one: Waiting) -> dict[str, object]:
    return {
        "id": one.message.uid,
        "channel": one.channel,
        "kind": str(one.message.kind),
        "title": one.message.title,
        "count": one.message.count,
        "subject": one.message.subject,
        "created_at": one.created_at.isoformat(),
        "next_try_at": one.next_try_at.isoformat(),
        "tries": one.tries,
        "sent_at": None if one.sent_at is None else one.sent_at.isoformat(),
        "failed_at": None if one.failed_at is None else one.failed_at.isoformat(),
        "last_error": one.last_error,
    }
