"""Protocols: which data a name stands for, where it lies, and what is measured with it."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from facekey.evaluation.acquire import Acquirer
from facekey.evaluation.cache import Captures
from facekey.evaluation.detection import located, read_boxes, recall
from facekey.evaluation.engine import Engine
from facekey.evaluation.glasses import wardrobes, with_and_without
from facekey.evaluation.groups import fairness, listed_groups, utkface_groups
from facekey.evaluation.identification import identify, split
from facekey.evaluation.material import (
    Acquired,
    Picture,
    Watch,
    acquire_all,
    by_person,
    pictures_in,
    pictures_of,
)
from facekey.evaluation.packs import read_pack
from facekey.evaluation.pairs import DEFAULT_FOLDS, Pair, PairList, read_pairs, require_both_kinds, row_list
from facekey.evaluation.report import Section
from facekey.evaluation.verification import verify_all, verify_pairs, verify_templates
from facekey.evaluation.wrong import unusable

CFP_FOLDS = 10
CFP_LINE = re.compile(r"^(\d+)\s+(\S+)$")
CFP_PAIR = re.compile(r"^(\d+),(\d+)$")
SEEN = (
    "Scores of networks here are calibrated on these very pictures, and a fusion learned its weights from "
    "them: what is said of thresholds, and of the fusion, is of data already seen. The report of "
    "training/train_fusion.py is of people that it never saw."
)
FEWEST_PHOTOS = 3  # that the product enrols

Watching = Callable[[str], Watch]
"""Gives what is told of the progress of a step with this name."""


class Protocols:
    """All that can be measured; remembers the pictures that it saw, for reports that may show them."""

    def __init__(
        self, *, engine: Callable[[], Engine], cache: Captures, watching: Watching, false_positive_rate: float
    ) -> None:
        """Take what judges and where captures are kept.

        Args:
            engine: gives what judges, the same each time. Asked only when the data has been read:
                networks take seconds to load, and a misspelt folder should be told at once.
            cache: where captures are kept between runs.
            watching: told of progress.
            false_positive_rate: the deployment's, of a whole search.
        """
        self._engine = engine
        self._cache = cache
        self._watching = watching
        self._false_positive_rate = false_positive_rate
        self._pictures: dict[str, Picture] = {}

    @property
    def pictures(self) -> dict[str, Picture]:
        """Every picture that was looked at, by name."""
        return dict(self._pictures)

    def lfw(self, data: Path) -> list[Section]:
        """The 6,000 pairs, all pairs of their pictures, and templates of five photos."""
        root = _root(data, "lfw", "pairs.txt")
        pairs = read_pairs(root / "pairs.txt")
        got = self._acquired(_all_or_named(pairs, root / "images"), "LFW")
        made = [
            verify_pairs(got, pairs.pairs, self._engine(), title="LFW, list of pairs", key="lfw"),
            *self._whole(got, "LFW", "lfw"),
        ]
        seen = any("LFW" in (network.calibrated or "") for network in self._engine().networks)
        return [replace(one, notes=(*one.notes, SEEN)) for one in made] if seen else made

    def cfp_fp(self, data: Path) -> list[Section]:
        """Frontal against profile: CFP as it is handed out, a list of pairs, or a pack."""
        root = _first(data, ("cfp-dataset", "cfp", "cfp_fp", "."), "Protocol", "cfp_fp.bin", "cfp_ann.txt")
        if (root / "Protocol").is_dir():
            pairs = _cfp_pairs(root / "Protocol")
            got = self._acquired(pictures_of(pairs, root), "CFP-FP")
            return [
                verify_pairs(
                    got, pairs.pairs, self._engine(), title="CFP, frontal against profile", key="cfp_fp"
                )
            ]
        return self._marked_or_pack(
            root, "cfp_fp.bin", "cfp_ann.txt", "CFP, frontal against profile", "cfp_fp"
        )

    def agedb_30(self, data: Path) -> list[Section]:
        """Thirty years apart: a pack, or a list of pairs beside the pictures."""
        root = _first(data, ("agedb_30", "AgeDB", "."), "agedb_30.bin", "agedb_30_ann.txt")
        return self._marked_or_pack(
            root, "agedb_30.bin", "agedb_30_ann.txt", "AgeDB, 30 years apart", "agedb_30"
        )

    def pairs(self, path: Path, images: Path, *, everything: bool) -> list[Section]:
        """Any list; with `everything` all pairs of its pictures too, which takes a folder for each person."""
        pairs = read_pairs(path)
        pictures = pictures_of(pairs, images)
        if everything:
            by_person(pairs.pictures)  # before a face is looked at
        got = self._acquired(pictures, path.name)
        made = [verify_pairs(got, pairs.pairs, self._engine(), title=path.name, key=_key(path))]
        return [*made, *self._whole(got, path.name, _key(path))] if everything else made

    def pack(self, path: Path, *, title: str | None = None, key: str | None = None) -> list[Section]:
        """Aligned crops: recognition alone."""
        contents, labels = read_pack(path)
        require_both_kinds(path.name, labels)
        name = path.name if title is None else title
        pictures = [
            Picture(f"pair {n // 2 + 1}, {'left' if n % 2 == 0 else 'right'}", None, one)
            for n, one in enumerate(contents)
        ]
        pairs = [
            Pair(pictures[2 * n].name, pictures[2 * n + 1].name, mated, n * DEFAULT_FOLDS // len(labels))
            for n, mated in enumerate(labels)
        ]
        got = self._acquired(pictures, name, aligned=True)
        section = verify_pairs(got, pairs, self._engine(), title=name, key=key or _key(path), aligned=True)
        return [section]

    def identification(self, data: Path, *, enrol: int = FEWEST_PHOTOS) -> list[Section]:
        """Searches by the enrolled and by strangers, over a folder for each person."""
        images = _images(data)
        pictures = pictures_in(images, "*/*")
        split([picture.name for picture in pictures], enrol)  # are there people enough?
        got = self._acquired(pictures, "identification")
        return [
            identify(
                got,
                self._engine(),
                enrol=enrol,
                false_positive_rate=self._false_positive_rate,
                title="Identification, open set",
                key="identification",
            )
        ]

    def detection(self, data: Path, *, boxes: Path | None = None) -> list[Section]:
        """Share of pictures in which a face is found; with boxes also where."""
        if boxes is not None:
            marked = read_boxes(boxes)
            lines = {one.name: number for number, one in enumerate(marked, start=1)}
            pictures = {one.name: one for one in pictures_of(PairList(boxes.name, (), lines), data)}
            return [located(marked, pictures, self._engine(), self._watching("detection"))]
        got = self._acquired(pictures_in(data), "detection")
        return [recall(got, self._engine(), title=f"Detection, {data.name}", key="detection")]

    def glasses(self, data: Path) -> list[Section]:
        """With and without glasses."""
        folder = data / "glasses" if (data / "glasses").is_dir() else data
        pictures = pictures_in(folder, "*")
        wardrobes([picture.name for picture in pictures])  # before a face is looked at
        got = self._acquired(pictures, "glasses")
        return [with_and_without(got, self._engine(), title="With and without glasses", key="glasses")]

    def gender(self, data: Path) -> list[Section]:
        """LFW by the gender that publishers assigned."""
        root = _root(data, "lfw", "gender")
        pictures = pictures_in(root / "images", "*/*")
        members = listed_groups(root / "gender", [picture.name for picture in pictures])
        got = self._acquired(pictures, "gender")
        return [fairness(got, members, self._engine(), known=True, title="LFW by gender", key="gender")]

    def demographics(self, data: Path) -> list[Section]:
        """UTKFace by age, gender and ethnicity: no identities, so false matches and failures only."""
        folder = data / "demographics" if (data / "demographics").is_dir() else data
        pictures = pictures_in(folder, "*")
        members = utkface_groups([picture.name for picture in pictures])
        got = self._acquired(pictures, "demographics")
        return [
            fairness(got, members, self._engine(), known=False, title="UTKFace by group", key="demographics")
        ]

    def everything(self, data: Path) -> Iterator[Section]:
        """Whatever of these the folder holds.

        Raises:
            RequestInvalid: it holds none.
        """
        there: list[tuple[str, Callable[[Path], Sequence[Section]]]] = [
            ("lfw/pairs.txt", self.lfw),
            ("lfw/images", self.identification),
            ("lfw/gender", self.gender),
            ("glasses", self.glasses),
            ("demographics", self.demographics),
            ("cfp-dataset/Protocol", self.cfp_fp),
            ("cfp_fp.bin", self.cfp_fp),
            ("agedb_30.bin", self.agedb_30),
        ]
        held = [measure for name, measure in there if (data / name).exists()]
        if not held:
            raise unusable(f"{data} holds none of {', '.join(name for name, _ in there)}")
        for measure in held:
            yield from measure(data)

    def _acquired(self, pictures: list[Picture], name: str, *, aligned: bool = False) -> Acquired:
        acquirer: Acquirer = self._engine().aligned if aligned else self._engine().faces
        self._pictures.update({picture.name: picture for picture in pictures})
        return acquire_all(pictures, acquirer, self._cache, self._watching(name))

    def _whole(self, got: Acquired, name: str, key: str) -> Iterator[Section]:
        yield verify_all(got, self._engine(), title=f"{name}, all pairs", key=f"{key}_all")
        enrolled = verify_templates(
            got, self._engine(), title=f"{name}, five photos enrolled", key=f"{key}_templates"
        )
        if enrolled is not None:
            yield enrolled

    def _marked_or_pack(self, root: Path, pack: str, marked: str, title: str, key: str) -> list[Section]:
        if (root / pack).is_file():
            return self.pack(root / pack, title=title, key=key)
        pairs = read_pairs(root / marked)
        got = self._acquired(pictures_of(pairs, root), title)
        return [verify_pairs(got, pairs.pairs, self._engine(), title=title, key=key)]


def _all_or_named(pairs: PairList, images: Path) -> list[Picture]:
    """All pictures of the folder, also those without a pair; every one that is named must be there."""
    named = pictures_of(pairs, images)
    everything = pictures_in(images, "*/*")
    return everything if len(everything) >= len(named) else named


def _root(data: Path, name: str, holds: str) -> Path:
    return _first(data, (name, "."), holds)


def _first(data: Path, names: tuple[str, ...], *holds: str) -> Path:
    for name in names:
        for one in holds:
            if (data / name / one).exists():
                return data / name
    raise unusable(
        f"{data} holds none of {', '.join(f'{name}/{one}' for name in names for one in holds)}; "
        "docs/evaluation.md says how the data must lie"
    )


def _images(data: Path) -> Path:
    for folder in (data / "lfw" / "images", data / "images"):
        if folder.is_dir():
            return folder
    return data


def _key(path: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_") or "pairs"


def _cfp_pairs(protocol: Path) -> PairList:
    """Frontal against profile as CFP hands it out: two lists of pictures, and pairs of their numbers."""
    frontal, profile = (_cfp_pictures(protocol / name) for name in ("Pair_list_F.txt", "Pair_list_P.txt"))
    rows = []
    for fold in range(CFP_FOLDS):
        for file, mated in (("same.txt", True), ("diff.txt", False)):
            path = protocol / "Split" / "FP" / f"{fold + 1:02}" / file
            for number, line in _lines(path):
                match = CFP_PAIR.match(line.replace(" ", ""))
                if match is None or match[1] not in frontal or match[2] not in profile:
                    raise unusable(
                        f"{path.name}, line {number}: expected two numbers of listed pictures, `7,12`"
                    )
                rows.append((number, frontal[match[1]], profile[match[2]], mated, fold))
    return row_list("CFP-FP", rows)


def _cfp_pictures(path: Path) -> dict[str, str]:
    found = {}
    for number, line in _lines(path):
        match = CFP_LINE.match(line)
        if match is None:
            raise unusable(f"{path.name}, line {number}: expected a number and a path")
        found[match[1]] = match[2].removeprefix("../")
    return found


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise unusable(f"{path} can't be read: {error}") from error
    return [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
