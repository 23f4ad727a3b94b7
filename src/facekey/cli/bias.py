"""`facekey bias`: are error rates worse for one group of people?"""

import asyncio
import csv
import math
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from facekey.cli.exits import Exit
from facekey.cli.outcome import told_in_one_line
from facekey.cli.output import print_json, print_table
from facekey.core.bias import BiasPolicy, Estimate, Finding, Verdict, judge_groups
from facekey.core.bias_evaluation import COLUMNS, Lines, tallies_of_rows
from facekey.core.calibration import confidence, evidence_of_fmr
from facekey.core.errors import RequestInvalid
from facekey.services.bias import BiasReport
from facekey.settings import Settings, read_settings
from facekey.wiring.bias import open_bias

app = typer.Typer(help="Error rates by group of people.", no_args_is_help=True)
console = Console()

SAID = {
    Verdict.TOO_FEW_PEOPLE: Text("not enough samples"),
    Verdict.TOO_FEW_ERRORS: Text("too few errors"),
    Verdict.NOT_WORSE: Text("not worse"),
    Verdict.ALARM: Text("WORSE", "red"),
}


@app.callback()
def root() -> None:
    """Error rates by group of people."""


@app.command("report")
def report(
    evaluation: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, readable=True, help=f"A CSV with {', '.join(COLUMNS)}, subject."
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(dir_okay=False, writable=True, help="Write a picture (PNG).")
    ] = None,
    match_threshold: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="For --evaluation; the deployment's otherwise.")
    ] = None,
    liveness_threshold: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="For --evaluation, from the network's card.")
    ] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Of the enrolled who declared groups; or of the scores of an evaluation. Exit code 1 on an alarm."""
    with told_in_one_line():
        settings = read_settings()
        if evaluation is None:
            made = asyncio.run(_of_the_enrolled(settings))
            title = f"Error rates by declared group, {made.people} people, {made.at:%Y-%m-%d}"
        else:
            match = (
                confidence(evidence_of_fmr(settings.match_fmr))
                if match_threshold is None
                else match_threshold
            )
            made = _of_scores(evaluation, Lines(match, liveness_threshold))
            title = f"Error rates by group, {evaluation.name}"
        if output is not None:
            # By name: other commands must not wait for matplotlib.
            draw = import_module("facekey.cli.bias_picture").draw
            try:
                draw(made.findings, output, title=title)
            except OSError as error:
                raise RequestInvalid("output_unwritable", f"{output} can't be written: {error}") from error
        _tell(made, as_json=as_json)
    alarmed = any(finding.verdict is Verdict.ALARM for finding in made.findings)
    raise typer.Exit(Exit.NO if alarmed else Exit.YES)


async def _of_the_enrolled(settings: Settings) -> BiasReport:
    async with open_bias(settings) as bias:
        return await bias()


def _of_scores(path: Path, lines: Lines) -> BiasReport:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise RequestInvalid(
                    "evaluation_unreadable", f"{path.name} needs a first line with {', '.join(COLUMNS)}"
                )
            tallies = tallies_of_rows(rows, lines)
    except (UnicodeDecodeError, csv.Error) as error:
        raise RequestInvalid("evaluation_unreadable", f"{path.name} is no CSV in UTF-8: {error}") from error
    return BiasReport(datetime.now(UTC), 0, judge_groups(tallies, BiasPolicy()))


def _tell(made: BiasReport, *, as_json: bool) -> None:
    if as_json:
        print_json([_plain(finding) for finding in made.findings])
        return
    if not made.findings:
        console.print("nobody declared a group and consents to bias monitoring: there is nothing to report")
        return
    print_table(
        ("attribute", "group", "people", "rate", "of the group", "of the others", "ratio", ""),
        (
            (
                one.attribute,
                one.group,
                str(one.people),
                one.rate,
                _share(one.own),
                _share(one.others),
                "" if one.ratio is None else f"{one.ratio:.2f}",
                SAID[one.verdict],
            )
            for one in made.findings
        ),
    )


def _share(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    rate, low, high = (100 * value for value in (estimate.rate, estimate.low, estimate.high))
    return f"{rate:.3g} % ({low:.3g} to {high:.3g})"


def _plain(finding: Finding) -> dict[str, object]:
    infinite = finding.ratio is not None and math.isinf(finding.ratio)
    return {
        "attribute": finding.attribute,
        "group": finding.group,
        "rate": finding.rate,
        "people": finding.people,
        "verdict": finding.verdict,
        "group_rate": _numbers(finding.own),
        "others_rate": _numbers(finding.others),
        "ratio": None if infinite else finding.ratio,
        "chance": finding.chance,
    }


def _numbers(estimate: Estimate | None) -> dict[str, float] | None:
    if estimate is None:
        return None
    return {
        "trials": estimate.trials,
        "errors": estimate.errors,
        "effective_trials": estimate.effective,
        "rate": estimate.rate,
        "low": estimate.low,
        "high": estimate.high,
    }
