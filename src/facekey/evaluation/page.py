"""The report as one page of HTML: no address of anything elsewhere, light and dark, printable.

Pictures of failures are named, not shown. With `faces` they stand in the page itself, as data:
then the page holds biometric data and is as sensitive as the pictures.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import cv2
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from facekey.core.errors import ImageRefused
from facekey.evaluation.material import Picture
from facekey.evaluation.report import MEANT, Figure, Line, Report, Section, percent, rate, written
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits

TEMPLATES = Path(__file__).parent / "templates"
FACE_PX = 128
JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True)
class _Grid:
    """Figures of one line, a row each, a column for each system."""

    line: str
    systems: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Figure | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A section with what the template needs of it."""

    section: Section
    grids: tuple[_Grid, ...]
    charts: tuple[tuple[str, Markup], ...]


def page(report: Report, faces: Mapping[str, str] | None = None) -> str:
    """The page.

    Args:
        report: what was measured.
        faces: `data:` addresses by name of picture; None leaves pictures named.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(written=_written, percent=percent, rate=rate)
    return environment.get_template("report.html.jinja").render(
        report=report,
        shown=[_shown(one) for one in report.sections],
        tiles=list(_tiles(report)),
        faces=faces,
        meant=MEANT,
    )


def thumbnails(names: Iterable[str], pictures: Mapping[str, Picture]) -> dict[str, str]:
    """Small pictures as `data:` addresses; what can't be read is left out and stays a name."""
    made = {}
    for name in dict.fromkeys(names):
        if name not in pictures:
            continue
        try:
            pixels = decode(pictures[name].read(), DecodeLimits()).pixels
        except ImageRefused:
            continue
        scale = FACE_PX / max(pixels.shape[:2])
        small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        _, encoded = cv2.imencode(
            ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY)
        )
        made[name] = f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"
    return made


def _shown(section: Section) -> _Shown:
    charts: list[tuple[str, Markup]] = []
    if section.drawn:
        # By name: matplotlib takes half a second, and figures alone don't need it.
        draw = import_module("facekey.evaluation.charts")
        drawings = [
            ("ROC: rightful accepted over strangers accepted", draw.roc(section.drawn, section.key)),
            ("DET: rightful missed over strangers accepted", draw.det(section.drawn, section.key)),
            *((f"Scores of {one.system}", draw.scores(one, section.key)) for one in section.drawn),
        ]
        # Made by us out of numbers and networks' names.
        charts = [(caption, Markup(svg)) for caption, svg in drawings]  # noqa: S704 # nosec B704
    return _Shown(section, tuple(_grids(section)), tuple(charts))


def _grids(section: Section) -> Iterator[_Grid]:
    for line in Line:
        some = [one for one in section.figures if one.system and one.line is line]
        systems = tuple(dict.fromkeys(one.system for one in some))
        cells = {(_row(one), one.system): one for one in some}
        rows = tuple(
            (said, tuple(cells.get((said, system)) for system in systems))
            for said in dict.fromkeys(_row(one) for one in some)
        )
        if rows:
            yield _Grid(MEANT[line], systems, rows)


def _row(figure: Figure) -> str:
    return figure.said.removesuffix(f", {MEANT[figure.line]}")


def _written(figure: Figure) -> str:
    if figure.share is not None:
        return written(figure.share)
    return percent(figure.value)


HEADLINES = {
    "accuracy": "accuracy",
    "tar_at_threshold": "rightful accepted",
    "tar_enrolled_without": "with glasses, accepted",
    "fnir_at_threshold": "enrolled, not named",
    "detection_recall": "faces found",
}


def _tiles(report: Report) -> Iterator[tuple[str, str, str]]:
    """What matters most of each section: its title, what, how much."""
    for section in report.sections:
        for name, said in HEADLINES.items():
            line = Line.RECOGNITION if name.startswith("tar_enrolled") else None
            found = [one for one in section.figures if one.name == name and line in (None, one.line)]
            if found:
                yield section.title, said, percent(found[0].value)
                break
