"""Which pictures there are: `<set>/live`, `<set>/spoof`, `live` and `spoof` alone, or CASIA-FASD.

A set is one source: one camera, one place, one hand that made it. Sets are what is held
out, because inside one set the light alone gives the label away.

CASIA-FASD is read as it is handed out, `{train,test}_release/<person>/<clip>.avi`: each of
its three cameras is a set (Zhang et al., "A Face Antispoofing Database with Diverse
Attacks", ICB 2012). Some frames are taken from every clip, spread over its length.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2

CASIA_PARTS = ("train_release", "test_release")
CASIA_LIVE = {"casia_low": "1", "casia_normal": "2", "casia_high": "HR_1"}
CASIA_SPOOF = {
    "casia_low": ("3", "5", "7"),
    "casia_normal": ("4", "6", "8"),
    "casia_high": ("HR_2", "HR_3", "HR_4"),
}
"""Warped photo, cut photo and video replay, by camera."""
CASIA_FRAMES = 8  # of each clip; neighbours would be nearly the same picture

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
LIVE, SPOOF = "live", "spoof"


@dataclass(frozen=True, slots=True)
class Picture:
    """One file, or one frame of a clip.

    Attributes:
        path: where it is.
        live: False for a presentation attack.
        moment: which frame of a clip, as a share of its length; None for a picture's file.
    """

    path: Path
    live: bool
    moment: float | None = None

    def read(self) -> bytes:
        """The encoded picture; empty when the clip has no such frame."""
        return self.path.read_bytes() if self.moment is None else _frame(self.path, self.moment)


@dataclass(frozen=True)
class SourceSet:
    """All pictures of one source, sorted by path."""

    name: str
    pictures: tuple[Picture, ...]

    @cached_property
    def root(self) -> Path:
        """The folder that holds them all."""
        return Path(os.path.commonpath([picture.path.parent for picture in self.pictures]))

    def label_of(self, picture: Picture) -> str:
        """Where a picture comes from, below the root; a frame of a clip with its moment."""
        path = picture.path.relative_to(self.root).as_posix()
        return path if picture.moment is None else f"{path}/{picture.moment:.3f}"

    def count(self, *, live: bool) -> int:
        """How many pictures there are of one label."""
        return sum(picture.live == live for picture in self.pictures)


class LayoutUnknown(ValueError):
    """A folder holds no `live` and no `spoof` pictures where they are expected."""


def discover(root: Path) -> list[SourceSet]:
    """Find the labelled sets under `root`, sorted by name.

    A folder that has `live` or `spoof` in it is a set; `root` itself may be one. Their
    pictures may lie in further folders (one a person, one a clip). Folders that have
    neither are passed over, so a file of notes or an archive beside the sets does no harm.

    Raises:
        LayoutUnknown: there is no set, or live or spoof is missing altogether.
    """
    casia = any((root / part).is_dir() for part in CASIA_PARTS)
    sets = _casia(root) if casia else _plain(root)
    for live, name in ((True, LIVE), (False, SPOOF)):
        if not any(found.count(live=live) for found in sets):
            raise LayoutUnknown(
                f"{root} holds no {name} pictures: expected <set>/{LIVE} and <set>/{SPOOF}, "
                f"or {LIVE} and {SPOOF}, or CASIA-FASD, as data/README.md describes"
            )
    return sets


def _plain(root: Path) -> list[SourceSet]:
    folders = [root] if _is_set(root) else sorted(folder for folder in _folders(root) if _is_set(folder))
    sets = [_read(folder) for folder in folders]
    return [found for found in sets if found.pictures]


def live_only(root: Path) -> SourceSet:
    """All pictures under `root`, however deep, as live people.

    Raises:
        LayoutUnknown: there is none.
    """
    pictures = tuple(Picture(path, live=True) for path in _pictures(root))
    if not pictures:
        raise LayoutUnknown(f"{root} holds no pictures")
    return SourceSet(root.name if root.name != "images" else root.parent.name, pictures)


def _casia(root: Path) -> list[SourceSet]:
    clips = sorted(path for part in CASIA_PARTS for path in (root / part).glob("*/*.avi"))
    sets = []
    for name, live in CASIA_LIVE.items():
        wanted = {live, *CASIA_SPOOF[name]}
        pictures = tuple(
            Picture(clip, clip.stem == live, (index + 0.5) / CASIA_FRAMES)
            for clip in clips
            if clip.stem in wanted
            for index in range(CASIA_FRAMES)
        )
        if pictures:
            sets.append(SourceSet(name, pictures))
    return sets


def _frame(path: Path, moment: float) -> bytes:
    """One frame of a clip as PNG, which changes nothing."""
    clip = cv2.VideoCapture(str(path))
    try:
        clip.set(cv2.CAP_PROP_POS_FRAMES, int(moment * clip.get(cv2.CAP_PROP_FRAME_COUNT)))
        seen, picture = clip.read()
        return cv2.imencode(".png", picture)[1].tobytes() if seen else b""
    finally:
        clip.release()


def _is_set(folder: Path) -> bool:
    return (folder / LIVE).is_dir() or (folder / SPOOF).is_dir()


def _folders(root: Path) -> list[Path]:
    return [entry for entry in root.iterdir() if entry.is_dir()] if root.is_dir() else []


def _read(folder: Path) -> SourceSet:
    pictures = [
        Picture(path, live=name == LIVE) for name in (LIVE, SPOOF) for path in _pictures(folder / name)
    ]
    return SourceSet(folder.name, tuple(pictures))


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
