"""`facekey liveness`: what the checks for a living person see, for an operator's eyes."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from facekey.cli.exits import Exit
from facekey.cli.outcome import errors, told_in_one_line
from facekey.core.advice import advice
from facekey.core.errors import SampleRejected
from facekey.settings import read_settings
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.vision.liveness.depth import MESH_MODEL
from facekey.vision.liveness.depth_picture import depth_png
from facekey.vision.subject import SubjectPolicy, choose_subject
from facekey.wiring.vision import open_depth, open_detector, open_zoo

app = typer.Typer(help="What the checks for a living person see.", no_args_is_help=True)
output = Console()


@app.callback()
def root() -> None:
    """What the checks for a living person see."""


@app.command()
def depth(
    image: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    to: Annotated[Path, typer.Option("--output", "-o", help="PNG to write; it shows the face.")],
) -> None:
    """Draw the depth of a face beside the face: near is yellow, far is violet.

    With MiDaS installed (`facekey models pull midas_small`) the depth is MiDaS'; without it is
    what the face mesh believes, and the mesh believes in a head behind every picture of one.
    """
    with told_in_one_line():
        zoo = open_zoo(read_settings())
        frame = decode(image.read_bytes(), DecodeLimits())
        try:
            face = choose_subject(open_detector(zoo).detect(frame), frame.size, SubjectPolicy())
        except SampleRejected as rejection:
            errors.print(f"[red]{rejection.reason}[/red]: {advice(rejection.reason)}")
            raise typer.Exit(Exit.DATA) from rejection
        mesh = FaceMeshLandmarker(zoo.open("facemesh")).mesh(frame, face)
        seen = open_depth(zoo).depth(frame, face, mesh)
        to.write_bytes(depth_png(seen))
        output.print(f"{escape(str(to))}: relief {seen.relief:.3f}, by {seen.model}", soft_wrap=True)
        if seen.model == MESH_MODEL:
            output.print(
                "MiDaS is not installed, so this is the face mesh's own idea of depth; "
                "it sees a head in a photo as well"
            )
