r"""What the installed fusion does to groups, beside its best network alone.

    python training/evaluate/fusion_groups.py --data_root LFW --pairs_file pairs.txt \
        --groups_root UTK --kept O/embedded

`groups_root` has `[age]_[gender]_[race]_[date].jpg`, one picture a person, as UTKFace names them. All pairs
of one race are pairs of strangers. Two questions, of each network alone and of the fusion:

1. At the line that one stranger in 10,000 of `data_root` reaches, how many strangers of each
   group pass?
2. Where the line is raised until the worst group's rate is no more than a bound, how many of the
   rightful of `data_root` are missed?
"""

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from facekey.core.errors import FaceKeyError
from facekey.core.metrics import threshold_at_fmr
from facekey.core.ports.vision import Detector
from facekey.core.types import Floats, ModelId
from facekey.evaluation.pairs import read_pairs
from facekey.evaluation.rates import share
from facekey.settings import default_models_dir
from facekey.vision.align import identity_crop
from facekey.wiring.vision import open_detector
from facekey.zoo.face_fusion import read_face_fusion
from facekey.zoo.zoo import Zoo
from training.data.embedded import embed, faces_of
from training.embedders import Network, open_networks
from training.fit_scores import PairSet, all_pairs
from training.judge_fusion import cut

RACES = ("white", "black", "asian", "indian", "others")
LINE_FMR = 1e-4
BOUNDS = (0.007, 0.001)  # of the worst group's false match rate

Weights = Mapping[ModelId, float]
Vectors = Mapping[ModelId, Floats]


@dataclass(frozen=True, slots=True)
class Faces:
    """Pictures of strangers, by network (N, D), and which group each is of."""

    vectors: dict[ModelId, Floats]
    groups: NDArray[np.int64]


def main() -> None:
    """Measure and print."""
    given = _arguments()
    zoo = Zoo(cache_dir=given.models_dir)
    try:
        fusion = read_face_fusion().scores[-1]
        networks = open_networks(zoo, [model.partition(":")[0] for model in fusion.weights], None)
        detector = open_detector(zoo)
        people = embed(given.data_root, detector, networks, given.kept)
        pairs_file = given.pairs_file if given.pairs_file.exists() else given.data_root / given.pairs_file
        folds = cut(people, read_pairs(pairs_file))
        faces = _faces(given.groups_root, detector, networks)
    except FaceKeyError as error:
        raise SystemExit(f"fusion_groups: {error}") from error
    print(__doc__)
    counts = ", ".join(f"{name} {int((faces.groups == at).sum())}" for at, name in enumerate(RACES))
    print(f"{len(people.names):,} pictures in {len(folds.within)} folds; one picture each of {counts}\n")
    systems: dict[str, Weights] = {network.name: {network.model: 1.0} for network in networks}
    systems["fusion"] = fusion.weights
    for name, weights in systems.items():
        rows = [(_scores(weights, people.straight, pairs), pairs.mated) for pairs in folds.within]
        _report(
            name, weights, np.concatenate([s for s, _ in rows]), np.concatenate([m for _, m in rows]), faces
        )


def _report(name: str, weights: Weights, scores: Floats, mated: NDArray[np.bool_], faces: Faces) -> None:
    line = threshold_at_fmr(scores[~mated], LINE_FMR)
    missed = 100 * float((scores[mated] < line).mean())
    print(f"{name}: of the rightful {missed:.2f} % missed at FMR {LINE_FMR:g}")
    groups = {}
    for at, race in enumerate(RACES):
        rows = np.flatnonzero(faces.groups == at)
        if len(rows) < 2:
            continue
        groups[race] = _scores(weights, faces.vectors, all_pairs(rows, np.arange(len(faces.groups))))
        passed = share(int((groups[race] >= line).sum()), len(groups[race]))
        print(f"  strangers pass, {race}: {100 * passed.value:.2f} %")
    for bound in BOUNDS:
        able = [some for some in groups.values() if len(some) * bound >= 1]
        if able:
            raised = max(threshold_at_fmr(some, bound) for some in able)
            lost = share(int((scores[mated] < raised).sum()), int(mated.sum()))
            print(
                f"  where no group passes more than {100 * bound:g} %: "
                f"{100 * lost.value:.2f} % [{100 * lost.low:.2f}, {100 * lost.high:.2f}] missed"
            )


def _scores(weights: Weights, vectors: Vectors, pairs: PairSet) -> Floats:
    parts = [np.float32(weight) * pairs.cosines(vectors[model]) for model, weight in weights.items()]
    return np.asarray(np.sum(parts, axis=0), np.float32)


def _faces(folder: Path, detector: Detector, networks: list[Network]) -> Faces:
    found: dict[ModelId, list[Floats]] = {network.model: [] for network in networks}
    groups = []
    paths = [path for path in sorted(folder.rglob("*.jpg")) if _race(path) is not None]
    for path, frame, face in faces_of(paths, detector, "groups"):
        groups.append(_race(path))
        for network in networks:
            crop = identity_crop(frame, face, crop_px=network.crop_px, layout=network.layout)
            raw = network.raw(crop.pixels[np.newaxis])[0]
            found[network.model].append(np.asarray(raw / np.linalg.norm(raw), np.float32))
    if not groups:
        raise SystemExit(f"fusion_groups: {folder} has no pictures named [age]_[gender]_[race]_[date].jpg")
    return Faces({model: np.stack(rows) for model, rows in found.items()}, np.array(groups))


def _race(path: Path) -> int | None:
    words = path.name.split("_")
    known = len(words) == 4 and words[2].isdigit() and int(words[2]) < len(RACES)
    return int(words[2]) if known else None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data_root", required=True, type=Path, help="has <person>/<picture>.jpg")
    parser.add_argument("--pairs_file", required=True, type=Path)
    parser.add_argument("--groups_root", required=True, type=Path)
    parser.add_argument("--kept", required=True, type=Path, help="where train_fusion.py keeps vectors")
    parser.add_argument("--models_dir", type=Path, default=default_models_dir())
    return parser.parse_args()


if __name__ == "__main__":
    main()
