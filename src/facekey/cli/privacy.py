"""`facekey consent | retention | users export`: what people may ask for, and what time asks for."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from facekey.cli.ask import ask
from facekey.cli.outcome import told_in_one_line
from facekey.cli.output import moment, print_table, private_file
from facekey.core.caller import COMMAND_LINE
from facekey.core.consent import ConsentGiven
from facekey.core.erasures import read_erasures
from facekey.core.errors import RequestInvalid
from facekey.core.identifiers import parse_subject_id
from facekey.core.personal_export import export_of
from facekey.wiring.privacy import open_privacy

UserId = Annotated[str, typer.Argument(help="What your application calls the person.")]

consent = typer.Typer(help="What people agreed to.", no_args_is_help=True)
retention = typer.Typer(help="How long people are kept.", no_args_is_help=True)


@consent.command("list")
def list_consents(user_id: UserId) -> None:
    """A person's consents, those that are over included."""
    kept = ask(open_privacy, lambda privacy: privacy.consents.of(parse_subject_id(user_id)))
    print_table(
        ("purpose", "text", "given", "expires", "withdrawn"),
        (
            (
                one.given.purpose,
                one.given.text_version,
                moment(one.given_at),
                moment(one.given.expires_at),
                moment(one.withdrawn_at),
            )
            for one in kept
        ),
    )


@consent.command("give")
def give_consent(
    user_id: UserId,
    purpose: Annotated[str, typer.Argument(help="What the person agreed to.")],
    text_version: Annotated[str, typer.Argument(help="Which text they were shown.")],
    expires: Annotated[datetime | None, typer.Option(help="Until when it holds, UTC.")] = None,
) -> None:
    """Keep another consent."""
    given = ConsentGiven(purpose, text_version, None if expires is None else expires.replace(tzinfo=UTC))
    ask(
        open_privacy,
        lambda privacy: privacy.consents.give(parse_subject_id(user_id), given, caller=COMMAND_LINE),
    )
    typer.echo("it is kept, and on record")


@consent.command("withdraw")
def withdraw_consent(
    user_id: UserId, purpose: Annotated[str | None, typer.Option(help="Left out: all of them.")] = None
) -> None:
    """End consents. Whoever has none left isn't compared any more."""
    ended = ask(
        open_privacy,
        lambda privacy: privacy.consents.withdraw(parse_subject_id(user_id), purpose, caller=COMMAND_LINE),
    )
    typer.echo(f"{ended} consents are withdrawn")


@retention.callback()
def retention_root() -> None:
    """How long people are kept."""


@retention.command("run")
def run_retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say whose time is over.")] = False,
) -> None:
    """Erase whose time is over, and old traces. The service does it every hour by itself."""
    done = ask(open_privacy, lambda privacy: privacy.retain(dry_run=dry_run))
    for one in done.overdue:
        typer.echo(f"{one.subject_id}: {one.reason}")
    if dry_run:
        typer.echo(f"{len(done.overdue)} people would be erased now (200 at most are shown)")
        return
    typer.echo(
        f"{len(done.receipts)} people were erased; {done.traces.attempts} counters, "
        f"{done.traces.refresh_tokens} tokens, {done.traces.messages} messages, {done.traces.voices} voices "
        f"and {done.traces.spoofs} pictures of suspected spoofs removed"
    )


def export_user(
    user_id: UserId,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to; - for the standard output.")],
    vectors: Annotated[bool, typer.Option("--vectors", help="Also the numbers of the face.")] = False,
) -> None:
    """Write down everything that is kept of a person, for that person."""
    data = ask(open_privacy, lambda privacy: privacy.export(parse_subject_id(user_id), caller=COMMAND_LINE))
    with private_file(file) as out:
        out.write(json.dumps(export_of(data, vectors=vectors), indent=2) + "\n")


def erase_again(
    files: Annotated[
        list[Path],
        typer.Argument(
            exists=True, dir_okay=False, help="Receipts, exports of the log, or bodies of its records."
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """After a restore: erase those whom the backup brought back, by what is known of erasures since."""
    with told_in_one_line():
        erased: dict[str, datetime] = {}
        for file in files:
            for subject, at in _erasures(file).items():
                erased[subject] = max(at, erased.get(subject, at))
    back = ask(open_privacy, lambda privacy: privacy.erase_again.find(erased))
    if not back:
        typer.echo(f"of {len(erased)} erased people nobody is back")
        return
    for person in back:
        typer.echo(person.subject_id)
    if not yes:
        typer.confirm(f"Erase these {len(back)} again? It can't be undone", abort=True)
    count = ask(open_privacy, lambda privacy: privacy.erase_again(back, caller=COMMAND_LINE))
    typer.echo(f"{count} people are erased again, and that is on record")


def _erasures(file: Path) -> dict[str, datetime]:
    try:
        return read_erasures(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RequestInvalid("erasures_unreadable", f"{file}: {error}") from error
