"""Measure what a recognition network's cosine means, and write it into the network's card.

    python training/calibrate.py --network mobilefacenet --data_root LFW

`data_root` has `images/<person>/<picture>.jpg`, as LFW has. Every pair of pictures of two
different people is compared (with the 7,701 pictures of LFW's standard pairs: 29.6
million), so that a false match rate of 1e-5 rests on some three hundred pairs and not on
three. The card gets the map from cosine to evidence (`core.calibration`), the thresholds
at 1e-3, 1e-4 and 1e-5, and their birth certificate. Beside the cards goes the spread of
the embeddings, from which stand-ins for unknown ids are drawn (`store.decoy`).
"""

import argparse
import sys
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.core.calibration import Birth, Calibration, evidence_of_fmr
from facekey.core.metrics import threshold_at_fmr
from facekey.core.ports.vision import Detector, Embedder
from facekey.settings import default_models_dir
from facekey.vision.align import identity_crop
from facekey.wiring.vision import EMBEDDERS, open_detector
from facekey.zoo.zoo import Zoo, default_cards_dir
from training.data.embedded import faces_of
from training.git import commit
from training.parallel import only_first
from training.record import Run, recorded

EVIDENCE_KNOTS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5)
MIN_PAIRS_AT_KNOT = 50  # a knot that fewer pairs reach would follow single pictures
CARD_RATES = ("1e-3", "1e-4", "1e-5")
BLOCK_ROWS = 512
POPULATION_PHOTOS = 3  # as few as a template may have; more would leave too few people
PROTOCOL = "all pairs of different people, one picture against one, the face nearest the centre"


@dataclass(frozen=True, slots=True)
class Gallery:
    """Embeddings of a labelled set.

    Attributes:
        vectors: (N, D) float32, unit length.
        people: (N,) int, whose picture each is.
        missed: pictures without a face.
    """

    vectors: NDArray[np.float32]
    people: NDArray[np.int64]
    missed: int


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--network", required=True, choices=tuple(EMBEDDERS))
    parser.add_argument("--data_root", required=True, type=Path, help="has images/<person>/<picture>.jpg")
    parser.add_argument("--data_name", default="LFW, the pictures of the standard 6,000 pairs")
    parser.add_argument("--models_dir", type=Path, default=default_models_dir())
    parser.add_argument("--dry_run", action="store_true", help="print, but write nothing")
    parser.add_argument("--run_dir", type=Path, help="for run.json, the record of the run")
    given = parser.parse_args()
    only_first("calibrate")
    if given.run_dir is None:
        _measure(given, Run())
        return
    with recorded(given.run_dir, "calibrate", given) as run:
        _measure(given, run)


def _measure(given: argparse.Namespace, run: Run) -> None:
    run.reads(given.data_root / "images")
    zoo = Zoo(cache_dir=given.models_dir)
    embedder = EMBEDDERS[given.network](zoo.open(given.network))
    gallery = embed_people(given.data_root / "images", open_detector(zoo), embedder)
    impostor = impostor_scores(gallery)
    calibration = calibrate(impostor, f"{given.data_name}: {len(gallery.vectors)} pictures")
    for rate in CARD_RATES:
        cosine = calibration.cosine_at(evidence_of_fmr(float(rate)))
        print(f"FMR {rate}: cosine {cosine:.4f}")
        run.figure(f"cosine_at_fmr.{rate}", cosine)
    print(f"{len(impostor):,} impostor pairs; {gallery.missed} pictures without a face")
    if not given.dry_run:
        card = default_cards_dir() / f"{given.network}.toml"
        population = default_cards_dir() / "weights" / f"{given.network}-population.npy"
        write_calibration(card, calibration)
        write_population(population, gallery.vectors, gallery.people)
        run.made(card, population)


def embed_people(images: Path, detector: Detector, embedder: Embedder) -> Gallery:
    """Embed every picture of a folder with one folder for each person."""
    folders = sorted(path for path in images.iterdir() if path.is_dir())
    number = {folder: place for place, folder in enumerate(folders)}
    pictures = [path for folder in folders for path in sorted(folder.iterdir())]
    vectors, people = [], []
    for path, frame, face in faces_of(pictures, detector, "embedding"):
        crop = identity_crop(frame, face, crop_px=embedder.crop_px, layout=embedder.layout)
        vectors.append(embedder.embed([crop])[0].vector)
        people.append(number[path.parent])
    return Gallery(np.stack(vectors), np.array(people), len(pictures) - len(vectors))


def impostor_scores(gallery: Gallery) -> NDArray[np.float32]:
    """Cosines of all pairs of different people, each pair once."""
    scores = []
    for start in range(0, len(gallery.vectors), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        cosines = gallery.vectors[rows] @ gallery.vectors.T
        row, column = np.indices(cosines.shape, sparse=True)
        once = column > row + start
        strangers = gallery.people[rows][:, None] != gallery.people[None, :]
        scores.append(cosines[once & strangers])
    return np.concatenate(scores)


def calibrate(impostor: NDArray[np.float32], data: str) -> Calibration:
    """The map from cosine to -log10 of the share of strangers who reach it."""
    knots = knots_of(impostor)
    born = Birth(data, PROTOCOL, int(impostor.size), date.today(), commit())
    return Calibration(knots, born)


def knots_of(impostor: NDArray[np.float32]) -> tuple[tuple[float, float], ...]:
    """The scores that strangers reach with rates that so many comparisons can show."""
    return tuple(
        (round(threshold_at_fmr(impostor, 10**-evidence), 4), evidence)
        for evidence in EVIDENCE_KNOTS
        if impostor.size * 10**-evidence >= MIN_PAIRS_AT_KNOT
    )


def write_calibration(card: Path, calibration: Calibration, rates: tuple[str, ...] = CARD_RATES) -> None:
    """Replace the card's calibration; everything before it stays as it is."""
    text = card.read_text(encoding="utf-8")
    kept = text.partition("\n[calibration]")[0].rstrip() + "\n"
    born = calibration.born
    lines = [
        "",
        "[calibration]",
        "knots = [",
        *(f"    [{cosine:.4f}, {evidence:.1f}]," for cosine, evidence in calibration.knots),
        "]",
        "",
        "[calibration.thresholds]",
        *(
            f'"{rate}" = {calibration.cosine_at(evidence_of_fmr(float(rate))):.4f}'
            for rate in rates
            if evidence_of_fmr(float(rate)) <= calibration.knots[-1][1]
        ),
        "",
        "[calibration.born]",
        f'data = "{born.data}"',
        f'protocol = "{born.protocol}"',
        f"comparisons = {born.comparisons}",
        f"date = {born.date.isoformat()}",
        f'commit = "{born.commit}"',
    ]
    written = kept + "\n".join(lines) + "\n"
    tomllib.loads(written)  # a card that can't be read must not replace one that can
    card.write_text(written, encoding="utf-8")


def write_population(path: Path, vectors: NDArray[np.float32], people: NDArray[np.int64]) -> None:
    """Write mean and covariance factor of people's mean faces, (1 + D, D) float16.

    Means of a few photos and not single ones: stand-ins must look like templates.
    """
    means = np.stack(
        [
            vectors[people == person][:POPULATION_PHOTOS].mean(axis=0, dtype=np.float64)
            for person, count in zip(*np.unique(people, return_counts=True), strict=True)
            if count >= POPULATION_PHOTOS
        ]
    )
    values, directions = np.linalg.eigh(np.cov(means, rowvar=False))
    factor = directions * np.sqrt(np.maximum(values, 0.0))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.vstack([means.mean(axis=0), factor]).astype(np.float16), allow_pickle=False)


if __name__ == "__main__":
    main()
