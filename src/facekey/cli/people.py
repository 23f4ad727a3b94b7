"""`facekey register | authenticate | identify | users`: the service's verbs without a server."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from facekey.cli.ask import ask
from facekey.cli.exits import Exit
from facekey.cli.outcome import told_in_one_line
from facekey.cli.output import moment, print_json, print_table
from facekey.cli.privacy import erase_again, export_user
from facekey.core.audit_lines import receipt_text
from facekey.core.calibration import confidence
from facekey.core.caller import COMMAND_LINE
from facekey.core.consent import ConsentGiven
from facekey.core.enrolment import usable
from facekey.core.errors import SubjectUnknown
from facekey.core.identifiers import parse_subject_id
from facekey.core.types import Outcome, Subject
from facekey.services.undo_adaptation import BackTo
from facekey.wiring.privacy import Privacy, open_privacy
from facekey.wiring.service import open_service

PAGE = 100

UserId = Annotated[str, typer.Argument(help="What your application calls the person.")]
Photo = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

users = typer.Typer(help="The people who are enrolled.", no_args_is_help=True)
console = Console()


def register(
    user_id: UserId,
    photos: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True)],
    as_json: AsJson = False,
    consent: Annotated[str | None, typer.Option(help="What the person agreed to.")] = None,
    consent_text: Annotated[str, typer.Option(help="Which text they were shown.")] = "unnamed",
) -> None:
    """Enrol a person with 5 to 10 photos."""
    images = [photo.read_bytes() for photo in photos]
    given = None if consent is None else ConsentGiven(consent, consent_text)
    done = ask(
        open_service,
        lambda service: service.register(
            parse_subject_id(user_id), images, caller=COMMAND_LINE, consent=given
        ),
    )
    if as_json:
        print_json({"user_id": done.subject_id, "samples": [sample.verdict() for sample in done.samples]})
        return
    for photo, sample in zip(photos, done.samples, strict=True):
        verdict = sample.verdict()
        console.print(f"  {escape(photo.name)}: {verdict['reason']} {verdict['advice'] or ''}".rstrip())
    console.print(
        f"[green]{done.subject_id} is registered[/green] "
        f"with {len(usable(done.samples))} of {len(images)} photos"
    )


def authenticate(user_id: UserId, photo: Photo, as_json: AsJson = False) -> None:
    """Is this the claimed person, live? Exit code 0 is yes, 1 is no."""
    image = photo.read_bytes()
    decision = ask(
        open_service,
        lambda service: service.authenticate(parse_subject_id(user_id), image, caller=COMMAND_LINE),
    )
    accepted = decision.outcome is Outcome.ACCEPT
    if as_json:
        print_json(
            {
                "authenticated": accepted,
                "reason": decision.reason,
                "confidence": decision.confidence,
                "threshold": decision.threshold,
                "liveness_score": decision.liveness_score,
                "probability": decision.probability,
                "similarities": dict(decision.similarities),
            }
        )
    else:
        colour, word = ("green", "accepted") if accepted else ("red", "refused")
        console.print(f"[{colour}]{word}[/{colour}]: {decision.reason}")
        if decision.confidence is not None:
            console.print(f"  confidence {decision.confidence:.3f}, needed {decision.threshold:.3f}")
        if decision.liveness_score is not None:
            console.print(f"  liveness {decision.liveness_score:.3f}")
    raise typer.Exit(Exit.YES if accepted else Exit.NO)


def identify(
    photo: Photo,
    top_k: Annotated[int, typer.Option(help="How many matches at most.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Who of the enrolled is this? Exit code 0 when somebody is found, 1 when nobody is."""
    image = photo.read_bytes()
    answer = ask(open_service, lambda service: service.identify(image, top_k=top_k, caller=COMMAND_LINE))
    if as_json:
        print_json(
            {
                "found": bool(answer.found),
                "reason": answer.reason,
                "matches": [
                    {"user_id": one.subject_id, "confidence": one.match.confidence} for one in answer.found
                ],
                "total_users_checked": answer.gallery_size,
            }
        )
    elif answer.found:
        for one in answer.found:
            console.print(f"[green]{one.subject_id}[/green] {one.match.confidence:.3f}")
    else:
        console.print(f"unknown: {answer.reason} ({answer.gallery_size} people compared)")
    raise typer.Exit(Exit.YES if answer.found else Exit.NO)


@users.command("list")
def list_users(as_json: AsJson = False) -> None:
    """Everybody who is enrolled."""
    everybody = ask(open_privacy, _everybody)
    if as_json:
        print_json([_as_json(one) for one in everybody])
        return
    if not everybody:
        console.print("nobody is enrolled yet; begin with: facekey register USER_ID PHOTO ...")
        return
    print_table(
        ("user id", "enrolled", "photos", "networks"),
        (
            (one.subject_id, moment(one.enrolled_at), str(one.samples), ", ".join(one.models))
            for one in everybody
        ),
    )


@users.command("show")
def show_user(user_id: UserId) -> None:
    """What is known of one person, without anything biometric."""
    print_json(_as_json(ask(open_privacy, lambda privacy: _one(privacy, user_id))))


@users.command("erase")
def erase_user(
    user_id: UserId,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    receipt: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Where to write the signed receipt.")
    ] = None,
) -> None:
    """Erase a person for good."""
    with told_in_one_line():
        subject_id = parse_subject_id(user_id)
    if not yes:
        typer.confirm(f"Erase {subject_id}? It can't be undone", abort=True)
    done = ask(open_privacy, lambda privacy: privacy.erase(subject_id, caller=COMMAND_LINE))
    if receipt is not None:
        receipt.write_text(receipt_text(done.said, done.signature), encoding="utf-8")
    console.print(
        f"{done.subject_id} is erased; audit record {done.receipt.sequence}, {done.receipt.digest.hex()}"
    )


@users.command("adaptation")
def show_adaptation(user_id: UserId) -> None:
    """What adaptation learned of one person, without anything biometric."""
    standing = ask(open_service, lambda service: service.undo_adaptation.standing(parse_subject_id(user_id)))
    print_json(
        {
            "version": standing.version,
            "learned_vectors": standing.learned,
            "earlier_versions": list(standing.earlier),
            "last_changed_at": None if standing.refreshed_at is None else standing.refreshed_at.isoformat(),
            "waiting": standing.waiting,
            "common_threshold": confidence(standing.threshold),
            "personal_thresholds": {
                under: {"threshold": confidence(bar), "scores": count}
                for under, (bar, count) in standing.bars.items()
            },
            "enrol_again": standing.enrol_again,
        }
    )


@users.command("undo-adaptation")
def undo_adaptation(
    user_id: UserId,
    to: Annotated[
        BackTo, typer.Option(help="The version before, or all the way to the enrolment.")
    ] = BackTo.PREVIOUS,
) -> None:
    """Take back what adaptation learned of one person."""
    undone = ask(
        open_service,
        lambda service: service.undo_adaptation(parse_subject_id(user_id), to, caller=COMMAND_LINE),
    )
    console.print(f"undone: version {undone.version}, {undone.learned} learned vectors")


async def _everybody(privacy: Privacy) -> list[Subject]:
    found: list[Subject] = []
    while page := await privacy.directory.page(after=found[-1].subject_id if found else None, limit=PAGE):
        found += page
    return found


async def _one(privacy: Privacy, user_id: str) -> Subject:
    subject_id = parse_subject_id(user_id)
    subject = await privacy.directory.find(subject_id)
    if subject is None:
        raise SubjectUnknown(subject_id)
    return subject


def _as_json(subject: Subject) -> dict[str, object]:
    return {
        "user_id": subject.subject_id,
        "enrolled_at": subject.enrolled_at.isoformat(),
        "samples": subject.samples,
        "models": list(subject.models),
    }


users.command("export")(export_user)
users.command("erase-again")(erase_again)
