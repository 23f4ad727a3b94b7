"""`facekey head`: why a probability is what it is."""

from typing import Annotated

import typer
from rich.console import Console

from facekey.cli.outcome import told_in_one_line
from facekey.cli.output import print_json
from facekey.core.calibration import evidence_of_confidence, evidence_of_fmr
from facekey.core.head import HeadInput, HeadTrace
from facekey.core.types import Floats
from facekey.settings import read_settings
from facekey.wiring.head import load_documented_example, load_head
from facekey.wiring.vision import liveness_line, open_zoo

app = typer.Typer(help="Why a probability is what it is.", no_args_is_help=True)

MOST_CONFIDENCE = 0.999999


@app.callback()
def root() -> None:
    """Why a probability is what it is."""


@app.command()
def explain(
    *,
    confidence: Annotated[
        float, typer.Option(min=0.0, max=MOST_CONFIDENCE, help="Of the match, as the API gives it.")
    ] = 0.8,
    liveness: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="The liveness score, as the API gives it.")
    ] = 0.9,
    quality: Annotated[float, typer.Option(min=0.0, max=1.0, help="Overall quality.")] = 0.8,
    documented: Annotated[
        bool, typer.Option("--documented", help="The example of the documentation, with its made-up weights.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show every step of the authentication head, from the evidence to the probability.

    Inputs stand at 0 on the line between accept and reject. The thresholds decide, not the
    probability: it says how clear the case is.
    """
    with told_in_one_line():
        if documented:
            head, given = load_documented_example()
        else:
            settings = read_settings()
            head = load_head()
            given = HeadInput.of(
                match_evidence=evidence_of_confidence(confidence),
                match_threshold=evidence_of_fmr(settings.match_fmr),
                liveness=liveness,
                liveness_threshold=liveness_line(open_zoo(settings)),
                quality=quality,
            )
        trace = head.trace(given)
        if as_json:
            print_json(_document(given, trace))
            return
        output = Console(highlight=False)
        for name, what, values in _steps(given, trace):
            output.print(f"{name:<12} {what:<44} {values}", soft_wrap=True)


def _steps(given: HeadInput, trace: HeadTrace) -> list[tuple[str, str, str]]:
    return [
        ("match", "decades of false match rate above the threshold", f"{given.match:+.4f}"),
        ("liveness", "log-odds above those of the threshold", f"{given.liveness:+.4f}"),
        ("quality", "4 x (overall quality - 0.5)", f"{given.quality:+.4f}"),
        ("z1", "first layer, 4 sums", _numbers(trace.z1)),
        ("a1", "what is above 0 of them", _numbers(trace.a1)),
        ("z2", "second layer, 3 sums", _numbers(trace.z2)),
        ("a2", "what is above 0 of them", _numbers(trace.a2)),
        ("z3", "last layer, one sum", f"{trace.z3:.4f}"),
        ("probability", "that this is a genuine, live attempt", f"{trace.probability:.4f}"),
    ]


def _document(given: HeadInput, trace: HeadTrace) -> dict[str, object]:
    return {
        "input": {"match": given.match, "liveness": given.liveness, "quality": given.quality},
        **{name: [round(float(v), 6) for v in getattr(trace, name)] for name in ("z1", "a1", "z2", "a2")},
        "z3": trace.z3,
        "probability": trace.probability,
    }


def _numbers(values: Floats) -> str:
    return "  ".join(f"{float(value):.4f}" for value in values)
