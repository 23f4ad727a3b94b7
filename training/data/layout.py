"""Which pictures there are: `<set>/live`, `<set>/spoof`, or `live` and `spoof` alone.

A set is one source: one camera, one place, one hand that made it. Sets are what is held
out, because inside one set the light alone gives the label away.
"""

from dataclasses import dataclass
from pathlib import Path

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
LIVE, SPOOF = "live", "spoof"


@dataclass(frozen=True, slots=True)
class Picture:
    """One file.

    Attributes:
        path: where it is.
        live: False for a presentation attack.
    """

    path: Path
    live: bool


@dataclass(frozen=True, slots=True)
class SourceSet:
    """All pictures of one source, sorted by path."""

    name: str
    pictures: tuple[Picture, ...]

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
    folders = [root] if _is_set(root) else sorted(folder for folder in _folders(root) if _is_set(folder))
    sets = [_read(folder) for folder in folders]
    sets = [found for found in sets if found.pictures]
    for live, name in ((True, LIVE), (False, SPOOF)):
        if not any(found.count(live=live) for found in sets):
            raise LayoutUnknown(
                f"{root} holds no {name} pictures: expected <set>/{LIVE} and <set>/{SPOOF}, "
                f"or {LIVE} and {SPOOF}, as data/README.md describes"
            )
    return sets


def live_only(root: Path) -> SourceSet:
    """All pictures under `root`, however deep, as live people.

    Raises:
        LayoutUnknown: there is none.
    """
    pictures = tuple(Picture(path, live=True) for path in _pictures(root))
    if not pictures:
        raise LayoutUnknown(f"{root} holds no pictures")
    return SourceSet(root.name if root.name != "images" else root.parent.name, pictures)


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
