"""Attempts that the authentication head learns from, as the product would measure them.

    python training/head_attempts.py --data_root LFW --liveness_run O --output attempts.npz

`data_root` has `images/<person>/<picture>.jpg` and LFW's `pairs.txt`; `liveness_run` is
the output folder of `train_liveness.py`. The product's own networks find, judge and
embed the faces. Liveness comes from scores that no network gave to its own training
pictures: of each labelled set by the network that had not seen it, of LFW people that
were only judged.

Impostors come in two kinds, equally often: a stranger by chance, and for every probe the
one stranger of all who looks most like it, because whoever tries chooses well.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import FaceKeyError
from facekey.core.matching import Matcher
from facekey.core.ports.vision import Embedder
from facekey.core.types import Floats, ModelId
from facekey.settings import default_models_dir
from facekey.vision.align import identity_crop
from facekey.vision.decode import decode
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.vision.networks import embed_face
from facekey.vision.pipeline import QUALITY_PX
from facekey.vision.quality.gate import QualityPolicy, assess
from facekey.vision.subject import SubjectPolicy, choose_subject
from facekey.wiring.vision import open_detector, open_recognisers
from facekey.zoo.zoo import Zoo
from training.progress import bar, say

LFW_FOLDS = 10


@dataclass(frozen=True, slots=True)
class Face:
    """One picture as the product sees it."""

    vectors: Mapping[ModelId, Floats]
    quality: float


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures of one person; `fold` 0..9 is LFW's, and no person is in two."""

    probe: str
    reference: str
    fold: int


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data_root", required=True, type=Path)
    parser.add_argument("--liveness_run", required=True, type=Path)
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--pairs_per_fold", type=int, default=300)
    parser.add_argument("--models_dir", type=Path, default=default_models_dir())
    given = parser.parse_args()

    zoo = Zoo(cache_dir=given.models_dir)
    recognisers = open_recognisers(zoo)
    pairs = mated_pairs(given.data_root / "pairs.txt", given.pairs_per_fold)
    names = sorted({name for pair in pairs for name in (pair.probe, pair.reference)})
    faces = _measure(names, given.data_root / "images", zoo, recognisers.embedders)
    say(f"{len(faces)} of {len(names)} pictures can be judged")
    attempts = _attempts(pairs, faces, recognisers.matcher)
    networks = "+".join(recognisers.matcher.models)
    np.savez(given.output, networks=networks, **attempts, **_liveness(given.liveness_run))


def mated_pairs(pairs_file: Path, per_fold: int) -> list[Pair]:
    """The first `per_fold` mated pairs of each of LFW's ten folds."""
    header, *lines = pairs_file.read_text(encoding="utf-8").splitlines()
    in_fold = int(header.split()[1])
    found = []
    for fold in range(LFW_FOLDS):
        start = fold * 2 * in_fold  # mated pairs first, then as many of strangers
        for line in lines[start : start + min(per_fold, in_fold)]:
            person, first, second = line.split()
            probe, reference = (f"{person}/{person}_{int(number):04d}.jpg" for number in (first, second))
            found.append(Pair(probe, reference, fold))
    return found


def _measure(names: Iterable[str], images: Path, zoo: Zoo, embedders: Sequence[Embedder]) -> dict[str, Face]:
    """Run the product's networks; what it would send back for another photo is left out."""
    detector, landmarker = open_detector(zoo), FaceMeshLandmarker(zoo.open("facemesh"))
    faces = {}
    for name in bar(names := list(names), "measuring", len(names)):
        try:
            frame = decode((images / name).read_bytes())
            face = choose_subject(detector.detect(frame), frame.size, SubjectPolicy())
            crop = identity_crop(frame, face, crop_px=QUALITY_PX)
            quality = assess(frame, face, landmarker.mesh(frame, face), crop, QualityPolicy())
        except (FaceKeyError, OSError):
            continue
        if not quality.reasons:
            found = embed_face(frame, face, embedders)
            faces[name] = Face({one.model: one.vector for one in found}, quality.overall)
    return faces


def _attempts(pairs: list[Pair], faces: dict[str, Face], matcher: Matcher) -> dict[str, NDArray[np.generic]]:
    """Evidence and quality of each probe against its own, a random and the nearest stranger's reference."""
    pairs = [pair for pair in pairs if pair.probe in faces and pair.reference in faces]
    probes = _stacked([faces[pair.probe] for pair in pairs])
    references = _stacked([faces[pair.reference] for pair in pairs])
    folds = np.array([pair.fold for pair in pairs])
    people = np.array([pair.probe.partition("/")[0] for pair in pairs])
    evidence = matcher.evidences(probes, references)  # (P, P)
    # A stranger from the same half of the folds, so that the halves share nobody.
    strangers = (people[:, None] != people[None, :]) & ((folds < 5)[:, None] == (folds < 5)[None, :])
    rng = np.random.default_rng(0)
    chance = np.where(strangers, rng.random(evidence.shape), -1.0).argmax(axis=1)
    nearest = np.where(strangers, evidence, -1.0).argmax(axis=1)
    rows = np.arange(len(pairs))
    return {
        "mated_evidence": evidence[rows, rows],
        "chance_evidence": evidence[rows, chance],
        "nearest_evidence": evidence[rows, nearest],
        "quality": np.array([faces[pair.probe].quality for pair in pairs], np.float32),
        "fold": folds,
    }


def _stacked(faces: Sequence[Face]) -> dict[ModelId, Floats]:
    return {model: np.stack([face.vectors[model] for face in faces]) for model in faces[0].vectors}


def _liveness(run: Path) -> dict[str, NDArray[np.generic]]:
    """Log-odds above the threshold's for faces that the network which scored them never saw."""
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    point = report["operating_point"]
    sets, odds, live = [], [], []
    for name in [*report["rounds"], "all"]:
        with np.load(run / name / "scores.npz") as scores:
            sets.append(scores["sets"])
            odds.append(point["calibration"]["a"] * (scores["logits"] - point["threshold_logit"]))
            live.append(scores["live"])
    names, first = np.concatenate(sets), np.cumsum([0, *map(len, sets)])
    keep = np.ones(len(names), bool)
    labelled = {name for held_out in report["rounds"].values() for name in held_out}
    for index in range(len(report["rounds"])):
        # Live-only sets come from the network that ships; the rounds' own count once less.
        part = slice(first[index], first[index + 1])
        keep[part] = np.isin(names[part], sorted(labelled))
    return {
        "liveness_set": names[keep],
        "liveness": np.concatenate(odds)[keep].astype(np.float32),
        "liveness_live": np.concatenate(live)[keep],
    }


if __name__ == "__main__":
    main()
