"""Material: the pictures of an evaluation, where they are, and what the pipeline made of them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facekey.core.types import Floats, ModelId
from facekey.evaluation.acquire import Acquirer, Capture, stacked
from facekey.evaluation.cache import Captures
from facekey.evaluation.pairs import PairList
from facekey.evaluation.wrong import unusable

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
NAMED = 5  # missing pictures that a message names

Watch = Callable[[int, int], None]
"""Told after each picture how many are done, of how many."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: a file, or bytes out of a pack."""

    name: str
    path: Path | None = None
    content: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            RequestInvalid: the file can't be read.
        """
        if self.content is not None:
            return self.content
        if self.path is None:
            raise ValueError("a picture has a path or a content")
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise unusable(f"{self.name} can't be read: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Acquired:
    """What became of a set of pictures.

    Attributes:
        captures: by name, in the order in which they were given.
        manifest_sha256: over the names and hashes of all pictures; tells whether two evaluations
            saw the same.
        pictures: for reports that may show them.
    """

    captures: Mapping[str, Capture]
    manifest_sha256: str
    pictures: Mapping[str, Picture] = field(repr=False)

    @property
    def found(self) -> list[str]:
        """Names of the pictures with a face, whatever the gates say of it."""
        return [name for name, capture in self.captures.items() if capture.found]

    @property
    def judged(self) -> list[str]:
        """Names of the pictures that the product would compare."""
        return [name for name, capture in self.captures.items() if capture.judged]

    @property
    def reasons(self) -> dict[str, int]:
        """How many were sent back, for each reason; most frequent first."""
        counted = Counter(one.sent_back for one in self.captures.values() if one.sent_back is not None)
        return dict(counted.most_common())

    def stack(self, names: Sequence[str]) -> dict[ModelId, Floats]:
        """The vectors of pictures with a face."""
        return stacked([self.captures[name] for name in names])


def acquire_all(
    pictures: Sequence[Picture], acquirer: Acquirer, cache: Captures, watch: Watch | None = None
) -> Acquired:
    """Look at every picture, or remember what it was.

    Raises:
        RequestInvalid: there is no picture, a file can't be read, or no picture has a face.
    """
    if not pictures:
        raise unusable("there are no pictures")
    captures, manifest = {}, hashlib.sha256()
    for done, picture in enumerate(pictures, start=1):
        image = picture.read()
        manifest.update(f"{picture.name}\0{hashlib.sha256(image).hexdigest()}\n".encode())
        capture = cache.get(acquirer.state, image)
        if capture is None:
            capture = acquirer.acquire(image)
            cache.put(acquirer.state, image, capture)
        captures[picture.name] = capture
        if watch is not None:
            watch(done, len(pictures))
    if not any(capture.found for capture in captures.values()):
        raise unusable(f"none of the {len(pictures)} pictures has a face that can be found")
    return Acquired(captures, manifest.hexdigest(), {picture.name: picture for picture in pictures})


def pictures_in(folder: Path, pattern: str = "**/*") -> list[Picture]:
    """All pictures of a folder, by their paths inside it.

    Raises:
        RequestInvalid: the folder isn't there, or has none.
    """
    if not folder.is_dir():
        raise unusable(f"{folder} is no folder")
    found = [path for path in folder.glob(pattern) if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not found:
        raise unusable(f"there are no pictures ({', '.join(sorted(SUFFIXES))}) in {folder}")
    return sorted(
        (Picture(path.relative_to(folder).as_posix(), path) for path in found), key=lambda one: one.name
    )


def pictures_of(pairs: PairList, folder: Path) -> list[Picture]:
    """The pictures that a list of pairs names.

    Raises:
        RequestInvalid: some aren't there; names the first of them and their lines.
    """
    missing = [name for name in pairs.pictures if not (folder / name).is_file()]
    if missing:
        first = ", ".join(f"{name} (line {pairs.line_of[name]})" for name in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise unusable(f"{len(missing)} pictures of {pairs.name} are not in {folder}: {first}{more}")
    return [Picture(name, folder / name) for name in pairs.pictures]


def person_of(name: str) -> str:
    """Whose a picture is, where every person has a folder.

    Raises:
        RequestInvalid: the picture is in no folder.
    """
    person, slash, _ = name.partition("/")
    if not slash:
        raise unusable(f"{name} is in no folder: there must be one for each person, <person>/<picture>")
    return person


def by_person(names: Iterable[str]) -> dict[str, list[str]]:
    """Names of pictures by person, people in the order of their names."""
    people: dict[str, list[str]] = {}
    for name in sorted(names):
        people.setdefault(person_of(name), []).append(name)
    return people
