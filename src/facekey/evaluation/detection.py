"""Detection: is there a face found in pictures that have one, and is it where it should be?

Without boxes: the share of pictures in which any face is found; every picture is taken to have
one. With boxes: the share of the marked faces that a found box overlaps (IoU of 0.5 or more, each
found box once), by size. Boxes come as WIDER FACE lists them: a path, a count, then `x y width
height ...` for each face.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facekey.core.errors import ImageRefused
from facekey.core.types import Box, Detection
from facekey.evaluation.acquisition import acquisition
from facekey.evaluation.engine import Engine
from facekey.evaluation.material import Acquired, Picture, Watch
from facekey.evaluation.rates import share
from facekey.evaluation.report import Figure, Line, Section, Table, written
from facekey.evaluation.wrong import unusable
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits

OVERLAP = 0.5
SIZES = ((0, "under 20 px"), (20, "20 to 39 px"), (40, "40 to 89 px"), (90, "90 px and more"))
INVALID_FIELD = 7  # of a line: boxes that the publishers call invalid
MAX_FACES = 5000
NOT_FOUND = 40  # pictures named in the report
MOST_FOLDERS = 100  # with a row of their own


@dataclass(frozen=True, slots=True)
class Marked:
    """The faces that somebody marked in one picture."""

    name: str
    boxes: tuple[Box, ...]


def recall(got: Acquired, engine: Engine, *, title: str, key: str) -> Section:
    """The share of pictures in which a face is found, by folder."""
    figures, table = acquisition(got, engine)
    folders: dict[str, list[bool]] = {}
    for name, capture in got.captures.items():
        folders.setdefault(name.rpartition("/")[0] or ".", []).append(capture.found)
    by_folder = Table(
        "By folder",
        ("folder", "pictures with a face found"),
        tuple((folder, written(share(sum(found), len(found)))) for folder, found in sorted(folders.items())),
    )
    missed = [name for name, capture in got.captures.items() if not capture.found]
    found = share(len(got.found), len(got.captures))
    whole = Table("Faces found", ("", "share"), (("pictures with a face found", written(found)),))
    return Section(
        key,
        title,
        (
            f"{len(got.captures):,} pictures, each taken to show a face: recall is the share in which one "
            "is found. A face in the wrong place counts as found here; with boxes (`--boxes`) it doesn't.",
            "Intervals: Wilson, 95 %, each picture for itself.",
        ),
        (Figure.of("detection_recall", "pictures with a face found", "", Line.RECOGNITION, found), *figures),
        got.manifest_sha256,
        len(got.captures),
        (whole, *((by_folder,) if 1 < len(folders) <= MOST_FOLDERS else ()), table),
        notes=(f"No face found in: {', '.join(missed[:NOT_FOUND])}.",) if missed else (),
    )


def read_boxes(path: Path) -> list[Marked]:
    """A list of WIDER FACE's form.

    Raises:
        RequestInvalid: it is none; names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise unusable(f"{path.name} can't be read as text in UTF-8: {error}") from error
    marked = list(
        _marked(path.name, [(number, line) for number, line in enumerate(lines, 1) if line.strip()])
    )
    if not marked:
        raise unusable(f"{path.name} names no picture")
    return marked


def located(
    marked: Sequence[Marked], pictures: Mapping[str, Picture], engine: Engine, watch: Watch
) -> Section:
    """The share of marked faces that are found where they are.

    Raises:
        RequestInvalid: no face is marked.
    """
    sizes: dict[str, list[bool]] = {name: [] for _, name in SIZES}
    overlaps: list[float] = []
    spurious, manifest = 0, hashlib.sha256()
    for done, one in enumerate(marked, start=1):
        image = pictures[one.name].read()
        manifest.update(f"{one.name}\0{hashlib.sha256(image).hexdigest()}\n".encode())
        try:
            faces = engine.find(decode(image, DecodeLimits()))
        except ImageRefused:
            faces = []
        best, extra = _matched(one.boxes, faces)
        spurious += extra
        for box, overlap in zip(one.boxes, best, strict=True):
            hit = overlap >= OVERLAP
            sizes[_size(box)].append(hit)
            if hit:
                overlaps.append(overlap)
        watch(done, len(marked))
    every = [hit for hits in sizes.values() for hit in hits]
    if not every:
        raise unusable("no face is marked in any of the pictures")
    whole = share(sum(every), len(every))
    rows = [(name, written(share(sum(hits), len(hits)))) for name, hits in sizes.items() if hits]
    mean = float(np.mean(overlaps)) if overlaps else 0.0
    return Section(
        "detection_boxes",
        "Detection, marked faces",
        (
            f"{len(every):,} marked faces in {len(marked):,} pictures; found is a face whose box overlaps "
            f"the marked one with an IoU of {OVERLAP} or more. Faces that the publishers call invalid are "
            "left out.",
            "Intervals: Wilson, 95 %, each face for itself.",
        ),
        (
            Figure.of("detection_recall", "marked faces found", "", Line.RECOGNITION, whole),
            Figure("detection_iou", "mean overlap of those found (IoU)", "", Line.RECOGNITION, mean),
            Figure(
                "boxes_elsewhere",
                "boxes found where none is marked, a picture",
                "",
                Line.RECOGNITION,
                spurious / len(marked),
            ),
        ),
        manifest.hexdigest(),
        len(marked),
        (
            Table(
                "Faces found",
                ("", ""),
                (
                    ("marked faces found", written(whole)),
                    ("mean overlap of those found (IoU)", f"{mean:.3f}"),
                    ("boxes found where none is marked, a picture", f"{spurious / len(marked):.2f}"),
                ),
            ),
            Table("By the smaller side of the marked box", ("size", "found"), tuple(rows)),
        ),
    )


def _marked(name: str, lines: list[tuple[int, str]]) -> Iterator[Marked]:
    rest = iter(lines)
    for number, line in rest:
        picture = line.strip()
        if picture.startswith("/") or ".." in picture.split("/"):
            raise unusable(f"{name}, line {number}: {picture!r:.80} is no path inside the folder of pictures")
        at, count = next(rest, (number, ""))
        if not (count.strip().isdigit() and count.strip().isascii()) or int(count) > MAX_FACES:
            raise unusable(f"{name}, line {at}: expected the number of faces in {picture}")
        boxes = []
        # A picture without a face still has one line of zeros.
        for _ in range(max(1, int(count))):
            at, words = next(rest, (at, ""))
            try:
                values = [float(word) for word in words.split()]
                x, y, width, height = values[:4]
            except ValueError as error:
                raise unusable(f"{name}, line {at}: expected `x y width height`") from error
            invalid = len(values) > INVALID_FIELD and values[INVALID_FIELD] == 1
            if width > 0 and height > 0 and not invalid:
                boxes.append(Box(x, y, x + width, y + height))
        yield Marked(picture, tuple(boxes))


def _matched(boxes: Sequence[Box], faces: Sequence[Detection]) -> tuple[list[float], int]:
    """The overlap of each marked box with the found one that is its own; how many found ones are left."""
    pairs = sorted(
        (
            (_iou(box, face.box), row, column)
            for row, box in enumerate(boxes)
            for column, face in enumerate(faces)
        ),
        reverse=True,
    )
    best, taken = [0.0] * len(boxes), set()
    for overlap, row, column in pairs:
        if overlap > 0 and best[row] == 0.0 and column not in taken:
            best[row] = overlap
            taken.add(column)
    return best, len(faces) - len(taken)


def _iou(a: Box, b: Box) -> float:
    inner = Box(max(a.x1, b.x1), max(a.y1, b.y1), min(a.x2, b.x2), min(a.y2, b.y2))
    both = inner.area if inner.width > 0 and inner.height > 0 else 0.0
    return both / (a.area + b.area - both)


def _size(box: Box) -> str:
    side = min(box.width, box.height)
    return next(name for least, name in reversed(SIZES) if side >= least)
