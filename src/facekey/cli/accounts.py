"""`facekey accounts` and `facekey api-keys`: who may run the service, and which applications may use it."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from facekey.api.address import parse_address
from facekey.cli.ask import ask
from facekey.cli.outcome import told_in_one_line
from facekey.cli.output import moment, print_table
from facekey.core.attempts import Claim
from facekey.core.caller import COMMAND_LINE, Role
from facekey.core.errors import RequestInvalid
from facekey.core.identifiers import parse_subject_id
from facekey.services.manage_accounts import ManageAccounts, NewOperator
from facekey.services.unlock import Unlock
from facekey.wiring.accounts import open_accounts

Answer = TypeVar("Answer")
Name = Annotated[str, typer.Argument(help="3 to 64 characters: small letters, digits and . _ -")]

app = typer.Typer(help="Operators: people who run the service.", no_args_is_help=True)
keys = typer.Typer(help="API keys: how applications sign in.", no_args_is_help=True)
console = Console()


@app.command("add")
def add(name: Name, role: Annotated[Role, typer.Option(help="admin or operator")] = Role.OPERATOR) -> None:
    """Make an operator. The first admin of a service is made here."""
    _show_password(_ask(lambda manage, _: manage.add_operator(name, role, caller=COMMAND_LINE)))


@app.command("reset-password")
def reset_password(name: Name) -> None:
    """Give an operator a new one-time password; every sign-in of theirs ends."""
    _show_password(_ask(lambda manage, _: manage.reset_password(name, caller=COMMAND_LINE)))


@app.command("disable")
def disable(name: Name) -> None:
    """Let an operator sign in no more."""
    _ask(lambda manage, _: manage.disable_operator(name, caller=COMMAND_LINE))
    console.print(f"{name} can't sign in any more")


@app.command("list")
def list_operators() -> None:
    """All operators."""
    operators = _ask(lambda manage, _: manage.operators())
    if not operators:
        console.print("there is no operator yet; make the first: facekey accounts add NAME --role admin")
        return
    print_table(
        ("name", "role", "made", "password", "state", "on record as"),
        (
            (
                one.name,
                one.role,
                moment(one.created_at),
                "one-time" if one.one_time else "own",
                "active" if one.disabled_at is None else f"disabled {moment(one.disabled_at)}",
                f"operator:{one.uid}",
            )
            for one in operators
        ),
    )


@app.command("unlock")
def unlock(
    user: Annotated[str | None, typer.Option(help="A user id.")] = None,
    address: Annotated[str | None, typer.Option(help="An IP address.")] = None,
    operator: Annotated[str | None, typer.Option(help="The name of an operator.")] = None,
) -> None:
    """Forget the failed attempts on a user, from an address, or on an operator."""
    with told_in_one_line():
        if [user, address, operator].count(None) != 2:
            raise RequestInvalid("claim_invalid", "name one of --user, --address and --operator")
        claim = Claim(
            None if user is None else parse_subject_id(user),
            None if address is None else parse_address(address),
            operator,
        )
    limited = _ask(lambda _, unlocking: unlocking(claim, caller=COMMAND_LINE))
    console.print("unlocked" if limited else "there were no failed attempts")


@keys.command("add")
def add_key(
    name: Name,
    role: Annotated[Role, typer.Option(help="service, monitor or operator")] = Role.SERVICE,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="How long it lasts.")] = None,
    audience: Annotated[
        str | None, typer.Option(help="Whom face tokens are for that it may ask for; left out, none.")
    ] = None,
) -> None:
    """Make a key for an application and print it, once."""
    made = _ask(
        lambda manage, _: manage.add_api_key(
            name, role, lasts_days=days, audience=audience, caller=COMMAND_LINE
        )
    )
    console.print(f"{name} ({role}); put this into the application's secrets, it is shown only now:")
    typer.echo(made.key)


@keys.command("list")
def list_keys() -> None:
    """All API keys, without the keys."""
    found = _ask(lambda manage, _: manage.api_keys())
    if not found:
        console.print("there is no API key yet; make one: facekey api-keys add NAME")
        return
    print_table(
        ("uid", "name", "role", "audience", "made", "ends", "last used", "state"),
        (
            (
                one.uid,
                one.name,
                one.role,
                one.audience or "none",
                moment(one.created_at),
                moment(one.expires_at, "never"),
                moment(one.last_used_at, "never"),
                "active" if one.revoked_at is None else f"revoked {moment(one.revoked_at)}",
            )
            for one in found
        ),
    )


@keys.command("revoke")
def revoke_key(uid: Annotated[str, typer.Argument(help="The uid that `list` shows.")]) -> None:
    """Let a key open nothing any more."""
    _ask(lambda manage, _: manage.revoke_api_key(uid, caller=COMMAND_LINE))
    console.print("revoked")


def _ask(question: Callable[[ManageAccounts, Unlock], Awaitable[Answer]]) -> Answer:
    return ask(open_accounts, lambda opened: question(*opened))


def _show_password(made: NewOperator) -> None:
    console.print(
        f"{made.operator.name} ({made.operator.role}); one-time password, good until "
        f"{made.expires_at:%Y-%m-%d %H:%M} UTC for choosing another (POST /api/v1/auth/password):"
    )
    typer.echo(made.one_time_password)
