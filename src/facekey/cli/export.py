"""`facekey export`: FaceKey for machines that don't run the service."""

from pathlib import Path
from typing import Annotated

import typer
from rich import filesize
from rich.console import Console
from rich.markup import escape

from facekey.cli.outcome import told_in_one_line
from facekey.core.errors import RequestInvalid
from facekey.edge.bundle import REPORT, Order, export_bundle
from facekey.edge.calibration import shown_to_networks
from facekey.edge.made import Precision
from facekey.edge.recipe import read_recipe
from facekey.settings import read_settings
from facekey.wiring.vision import open_detector, open_zoo
from facekey.zoo.zoo import default_cards_dir

ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
MOST_PICTURES = 300

app = typer.Typer(help="Bundles for other machines.", no_args_is_help=True)
output = Console()


@app.callback()
def root() -> None:
    """Bundles for other machines."""


@app.command()
def edge(
    out: Annotated[Path, typer.Option(help="Folder to write; it must be empty or not there.")],
    precision: Annotated[
        Precision, typer.Option(help="fp32: the service's networks; fp16: smaller; int8: smallest.")
    ] = Precision.FP32,
    calibration: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            show_default=False,
            help="Pictures with faces to measure int8 on, instead of the ranges that come with FaceKey.",
        ),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            show_default=False,
            help="Compare scores on these; by default those of `facekey samples pull`.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle that is there.")] = False,
) -> None:
    """Write a folder that enrols and authenticates with numpy, ONNX Runtime and OpenCV only."""
    with told_in_one_line():
        settings, cards_dir = read_settings(), default_cards_dir()
        zoo = open_zoo(settings)
        if calibration is not None and precision is not Precision.INT8:
            raise RequestInvalid("calibration_unused", "--calibration goes with --precision int8 only")
        pictures = {}
        if calibration is not None:
            recipe = read_recipe(cards_dir)
            shown = shown_to_networks(
                _pictures(calibration), open_detector(zoo), first_look_px=recipe.detector_px[0]
            )
            if not shown.crops:
                raise RequestInvalid("no_faces", f"there is no picture with a face in {calibration}")
            pictures = {name: shown.for_network(name) for name in recipe.treatments}
        samples = settings.models_dir.parent / "samples" if photos is None else photos
        order = Order(precision, pictures, _pictures(samples) if samples.is_dir() else (), force)
        with Console(stderr=True).status("making and measuring"):
            comparison = export_bundle(zoo, cards_dir, out, order)
        width = max(len(row.network) for row in comparison.rows)
        for row in comparison.rows:
            output.print(
                f"{row.network:<{width}}  {filesize.decimal(row.size_bytes):>7}, "
                f"{row.bundle_ms:5.1f} ms, {row.ratio:.2f} times as fast as the service's",
                highlight=False,
                soft_wrap=True,
            )
        output.print(f"{escape(str(out))}: see {REPORT} and README.md there", soft_wrap=True)


def _pictures(folder: Path) -> list[bytes]:
    """Pictures of a folder, spread over all of it where there are many."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS)
    step = max(1, len(found) // MOST_PICTURES)
    return [path.read_bytes() for path in found[::step]]
