"""Lists of pairs: which pictures to compare, whether they are one person, in which fold.

Forms, told apart by what is in the file:

LFW     first line `10<TAB>300`: folds, and pairs of each kind in each; then a line a pair,
        `Name 1 4` (one person) or `Name 1 Other 2` (two), separated by tabs or spaces, for
        `Name/Name_0001.jpg`. A first line of one number: one fold.
table   CSV or TSV: `left,right,label` or `left,right,label,fold`, with or without such a first
        line; label 1, 0, true, false, same or different; paths inside the folder of pictures.
marked  `1 left right`, separated by spaces, as CFP and AgeDB lists are handed on.

Without folds the list is cut into ten of equal length, as published protocols of so many
pairs are.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from facekey.evaluation.wrong import unusable

DEFAULT_FOLDS = 10
MAX_BYTES = 64 * 2**20
MAX_PAIRS = 1_000_000
LABELS = {"1": True, "true": True, "same": True, "0": False, "false": False, "different": False}
HEADER = ("left", "right", "label", "fold")
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures by name."""

    left: str
    right: str
    mated: bool
    fold: int


@dataclass(frozen=True, slots=True)
class PairList:
    """A protocol of comparisons.

    Attributes:
        line_of: the line of the file in which a picture is named first, for messages.
    """

    name: str
    pairs: tuple[Pair, ...]
    line_of: dict[str, int]

    @property
    def pictures(self) -> tuple[str, ...]:
        """Names of all pictures, each once, in the order of the list."""
        return tuple(self.line_of)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    left: str
    right: str
    mated: bool
    fold: int | None


def read_pairs(path: Path) -> PairList:
    """Read a list in any of the forms above.

    Raises:
        RequestInvalid: it can't be read; names the line.
    """
    try:
        content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise unusable(f"{path.name} can't be read as text in UTF-8: {error}") from error
    if not content:
        raise unusable(f"{path.name} is empty, or larger than {MAX_BYTES // 2**20} MB")
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not lines:
        raise unusable(f"{path.name} holds nothing but empty lines")
    rows = list(_rows(path.name, lines))
    return _pair_list(path.name, rows)


def require_both_kinds(name: str, labels: Iterable[bool]) -> None:
    """Check that there are pairs of one person and of two.

    Raises:
        RequestInvalid: one kind is missing.
    """
    there = set(labels)
    for kind, label in (("one person", True), ("two people", False)):
        if label not in there:
            raise unusable(f"{name} has no pair of {kind}; both kinds are needed")


def row_list(name: str, rows: list[tuple[int, str, str, bool, int]]) -> PairList:
    """A list from (line, left, right, one person, fold).

    Raises:
        RequestInvalid: there are no pairs, too many, only one fold, or a path leaves its folder.
    """
    return _pair_list(name, [_Row(*row) for row in rows])


def _pair_list(name: str, rows: list[_Row]) -> PairList:
    """Rows with their folds.

    Raises:
        RequestInvalid: there are no pairs, too many, only one fold, or a path leaves its folder.
    """
    if len(rows) < FEWEST or len(rows) > MAX_PAIRS:
        raise unusable(f"{name} has {len(rows)} pairs; {FEWEST} to {MAX_PAIRS:,} can be evaluated")
    require_both_kinds(name, (row.mated for row in rows))
    line_of: dict[str, int] = {}
    for row in rows:
        for picture in (row.left, row.right):
            _inside(name, row.line, picture)
            line_of.setdefault(picture, row.line)
    if any(row.fold is None for row in rows):
        folds = min(DEFAULT_FOLDS, len(rows))
        pairs = [
            Pair(row.left, row.right, row.mated, number * folds // len(rows))
            for number, row in enumerate(rows)
        ]
    else:
        pairs = [Pair(row.left, row.right, row.mated, row.fold or 0) for row in rows]
    if len({pair.fold for pair in pairs}) < FEWEST:
        raise unusable(f"{name} has one fold; a threshold is found on the others, so it takes two or more")
    return PairList(name, tuple(pairs), line_of)


def _rows(name: str, lines: list[tuple[int, str]]) -> Iterator[_Row]:
    head = lines[0][1].split()
    if len(head) <= 2 and all(word.isascii() and word.isdigit() for word in head):
        return _lfw(name, [int(word) for word in head], lines[1:])
    first = lines[0][1]
    if "\t" in first or "," in first:
        return _table(name, "\t" if "\t" in first else ",", lines)
    if len(head) == 3 and head[0] in LABELS:
        return _marked(name, lines)
    raise _wrong(
        name,
        lines[0][0],
        "neither LFW's head (`10<TAB>300`), nor `left,right,label`, nor `1 left right`; "
        "docs/evaluation.md describes the three forms",
    )


def _lfw(name: str, head: list[int], lines: list[tuple[int, str]]) -> Iterator[_Row]:
    folds, each = (1, head[0]) if len(head) == 1 else (head[0], head[1])
    if folds < 1 or each < 1 or len(lines) != 2 * folds * each:
        raise unusable(
            f"{name}: the first line announces {2 * folds * each:,} pairs ({folds} folds with {each} of "
            f"one person and {each} of two), but {len(lines):,} follow: is the file cut off?"
        )
    for position, (number, line) in enumerate(lines):
        words = line.split("\t") if "\t" in line else line.split()
        fold = position // (2 * each) if folds > 1 else None
        match words:
            case [person, one, two]:
                yield _Row(
                    number, _photo(name, number, person, one), _photo(name, number, person, two), True, fold
                )
            case [person, one, other, two]:
                yield _Row(
                    number, _photo(name, number, person, one), _photo(name, number, other, two), False, fold
                )
            case _:
                raise _wrong(name, number, "expected `Name 1 4` or `Name 1 Other 2`")


def _photo(name: str, line: int, person: str, number: str) -> str:
    if not (number.strip().isascii() and number.strip().isdigit()):
        raise _wrong(name, line, f"{number!r:.40} is no number of a picture")
    return f"{person}/{person}_{int(number):04}.jpg"


def _table(name: str, separator: str, lines: list[tuple[int, str]]) -> Iterator[_Row]:
    try:
        cells = list(csv.reader((line for _, line in lines), delimiter=separator, strict=True))
    except csv.Error as error:
        raise unusable(f"{name} is no table separated by {separator!r}: {error}") from error
    if len(cells) != len(lines):
        raise unusable(f"{name}: a quoted name goes over several lines")
    width = len(cells[0])
    for (number, _), row in zip(lines, cells, strict=True):
        words = [cell.strip() for cell in row]
        if number == lines[0][0] and tuple(word.lower() for word in words) == HEADER[: len(words)]:
            continue
        if len(words) != width or width not in (3, 4):
            raise _wrong(
                name, number, f"expected {separator.join(HEADER[:3])} and, in all lines or none, fold"
            )
        fold = None
        if width == 4:
            if not (words[3].isascii() and words[3].isdigit()):
                raise _wrong(name, number, f"{words[3]!r:.40} is no number of a fold")
            fold = int(words[3])
        yield _Row(number, words[0], words[1], _label(name, number, words[2]), fold)


def _marked(name: str, lines: list[tuple[int, str]]) -> Iterator[_Row]:
    for number, line in lines:
        words = line.split()
        if len(words) != 3:
            raise _wrong(name, number, "expected `1 left right` or `0 left right`")
        yield _Row(number, words[1], words[2], _label(name, number, words[0]), None)


def _label(name: str, line: int, word: str) -> bool:
    if word.lower() not in LABELS:
        raise _wrong(name, line, f"{word!r:.40} is no label: 1 for one person, 0 for two")
    return LABELS[word.lower()]


def _inside(name: str, line: int, picture: str) -> None:
    path = PurePosixPath(picture)
    if not picture or path.is_absolute() or ".." in path.parts or "\0" in picture or "\\" in picture:
        raise _wrong(name, line, f"{picture!r:.80} is no path inside the folder of pictures")


def _wrong(name: str, line: int, what: str) -> Exception:
    return unusable(f"{name}, line {line}: {what}")
