"""`facekey doctor`: is this deployment fit for production, and if not, what is to be done?"""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from facekey.cli.exits import Exit
from facekey.cli.outcome import told_in_one_line
from facekey.cli.output import print_json
from facekey.doctor.examination import Patient, Result, State, examine, verdict
from facekey.doctor.production import PRODUCTION
from facekey.settings import read_settings
from facekey.wiring.clocks import SystemClock

console = Console()
COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red", State.UNKNOWN: "magenta"}
EXITS = {State.OK: Exit.YES, State.WARN: Exit.YES, State.FAIL: Exit.NO, State.UNKNOWN: Exit.UNAVAILABLE}


def doctor(
    url: Annotated[
        str | None, typer.Option(help="Where the running service answers (FACEKEY_PUBLIC_URL when left out).")
    ] = None,
    backup: Annotated[
        str | None,
        typer.Option(
            help="A backup to try: a SQLite file, a PostgreSQL dump, or the URL of a restored database."
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Verify all of the audit log.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    timeout: Annotated[float, typer.Option(min=1.0, max=3600.0, help="Seconds for each check.")] = 30.0,
) -> None:
    """Check the production list and say what to do.

    Exit code 0: fit. 1: not fit. 75: something could not be checked.
    """
    with told_in_one_line():
        settings = read_settings()
        patient = Patient(settings=settings, clock=SystemClock(), url=url, backup=backup, full=full)
        results = asyncio.run(examine(patient, PRODUCTION, timeout_s=timeout))
    worst = verdict(results)
    if as_json:
        print_json(_as_json(results, worst))
    else:
        _print(results, worst)
    raise typer.Exit(EXITS[worst])


def _print(results: Sequence[Result], worst: State) -> None:
    width = max(len(result.name) for result in results)
    for result in results:
        finding = result.finding
        state = f"[{COLOURS[finding.state]}]{finding.state:<7}[/]"
        console.print(f"{state} {result.name:<{width}}  {escape(finding.said)}", soft_wrap=True)
        if finding.mend:
            console.print(f"{'':<8}{'':<{width}}  -> {escape(finding.mend)}", soft_wrap=True)
    verdicts = {
        State.FAIL: "not fit for production",
        State.UNKNOWN: "something could not be checked",
    }
    console.print(f"[{COLOURS[worst]}]{verdicts.get(worst, 'fit for production')}[/]")


def _as_json(results: Sequence[Result], worst: State) -> dict[str, object]:
    return {
        "fit": EXITS[worst] is Exit.YES,
        "state": str(worst),
        "checks": [
            {
                "name": result.name,
                "state": str(result.finding.state),
                "said": result.finding.said,
                "mend": result.finding.mend,
            }
            for result in results
        ],
    }
