"""LFW: the product's own pipeline, from the bytes of a file to a score.

Protocol: the 6,000 standard pairs (Huang et al., 2007), ten folds; in each fold the
threshold that was best on the other nine. Every picture goes through the whole pipeline
(decode, detect, choose the subject, mesh, quality gate, liveness, embed). A picture that
it sends back is a failure to acquire: nobody is accepted with it, which is wrong in a
mated pair and right in one of two people (the generalised rates of ISO/IEC 19795-1). LFW
names one person a picture, also where several stand side by side, so the most prominent
face is always taken; how often the product would rather ask for another picture
("multiple_faces") is counted apart. FNMR at a false match rate: over all mated pairs of
the pictures, at thresholds from all pairs of different people.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from bench.host import describe
from bench.intervals import written
from facekey.core.calibration import evidence_of_fmr
from facekey.core.errors import ImageRefused, SampleRejected
from facekey.core.matching import Matcher
from facekey.core.metrics import (
    equal_error_rate,
    false_match_rate,
    false_non_match_rate,
    threshold_at_fmr,
)
from facekey.core.types import Reason, References
from facekey.settings import read_settings
from facekey.vision.subject import SubjectPolicy
from facekey.wiring.vision import Vision, open_vision, open_zoo

FOLDS = 10
RATES = (1e-3, 1e-4, 1e-5)
ENROLLED_PHOTOS = 5
LARGE_RATES = (1e-3,)  # the 3,000 impostor pairs of the protocol can't show less


@dataclass(frozen=True, slots=True)
class Acquired:
    """What the pipeline made of a set of pictures.

    Attributes:
        vectors: embedding by picture, of the first network; absent where it was sent back.
        refused: why the others were sent back.
        liveness: score by picture.
        crowded: pictures in which several faces stand out alike.
    """

    vectors: dict[str, NDArray[np.float32]]
    refused: dict[str, str]
    liveness: dict[str, float]
    crowded: list[str]


def main(data: Path | None) -> None:
    """Measure and print."""
    if data is None:
        raise SystemExit("lfw needs --data")
    root = data / "lfw"
    print(__doc__)
    print(f"machine: {describe()}")
    vision = open_vision(open_zoo(read_settings()))
    print(f"networks: {', '.join(network.name for network in vision.networks if network.in_use)}")
    got = acquire(root / "images", vision)
    report_acquisition(got, vision.liveness_threshold)
    report_pairs(got, read_pairs(root / "pairs.txt"))
    report_all_pairs(got)
    report_templates(got, vision.matcher)


def acquire(images: Path, vision: Vision) -> Acquired:
    """Run the pipeline over all pictures of a folder; kept between runs as long as nothing changed."""
    pictures = sorted(images.glob("*/*.jpg"))
    kept = Path(".cache") / "bench" / f"lfw-{_state(pictures, vision)}.npz"
    if kept.exists():
        stored = np.load(kept, allow_pickle=False)
        return Acquired(
            dict(zip(stored["names"].tolist(), stored["vectors"], strict=True)),
            json.loads(str(stored["refused"])),
            json.loads(str(stored["liveness"])),
            json.loads(str(stored["crowded"])),
        )
    got = Acquired({}, {}, {}, [])
    always_one = open_vision(open_zoo(read_settings()), subject=SubjectPolicy(dominance=1.0)).pipeline
    for path in track(pictures, description="pipeline"):
        name = path.relative_to(images).as_posix()
        try:
            try:
                evidence = vision.pipeline.analyze(path.read_bytes())
            except SampleRejected as refusal:
                if refusal.reason is not Reason.MULTIPLE_FACES:
                    raise
                got.crowded.append(name)
                evidence = always_one.analyze(path.read_bytes())
        except (SampleRejected, ImageRefused) as refusal:
            got.refused[name] = str(getattr(refusal, "reason", refusal))
            continue
        got.vectors[name] = evidence.embeddings[0].vector
        got.liveness[name] = evidence.liveness.score
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        kept,
        names=np.array(list(got.vectors)),
        vectors=np.stack(list(got.vectors.values())),
        refused=json.dumps(got.refused),
        liveness=json.dumps(got.liveness),
        crowded=json.dumps(got.crowded),
    )
    return got


def report_acquisition(got: Acquired, liveness_threshold: float) -> None:
    """How many pictures could be judged, and how many of those were taken for live."""
    total = len(got.vectors) + len(got.refused)
    print(f"failure to acquire: {written(len(got.refused), total)} {dict(Counter(got.refused.values()))}")
    print(f"several faces stand out alike (multiple_faces): {written(len(got.crowded), total)}")
    spoofs = sum(score < liveness_threshold for score in got.liveness.values())
    print(f"taken for a spoof (BPCER, at {liveness_threshold:.3f}): {written(spoofs, len(got.liveness))}")


def report_pairs(got: Acquired, pairs: list[tuple[int, str, str, bool]]) -> None:
    """Accuracy of the standard protocol."""
    fold = np.array([pair[0] for pair in pairs])
    mated = np.array([pair[3] for pair in pairs])
    scores = np.array(
        [
            float(got.vectors[left] @ got.vectors[right])
            if left in got.vectors and right in got.vectors
            else np.nan
            for _, left, right, _ in pairs
        ]
    )
    print(f"accuracy: {accuracy(scores, mated, fold)}")
    seen = ~np.isnan(scores)
    rate, _ = equal_error_rate(scores[seen & mated], scores[seen & ~mated])
    print(f"EER: {100 * rate:.2f} %")
    for fmr in LARGE_RATES:
        threshold = threshold_at_fmr(scores[seen & ~mated], fmr)
        hits = int((scores[seen & mated] >= threshold).sum())
        print(f"TAR at FMR {fmr:g} on the 3,000 impostor pairs: {written(hits, int(mated.sum()))}")


def accuracy(scores: NDArray[np.float64], mated: NDArray[np.bool_], fold: NDArray[np.int64]) -> str:
    """Ten-fold accuracy with its interval.

    Args:
        scores: grow with likeness; NaN where a pair couldn't be compared: never accepted.
        mated: whether a pair is one person.
        fold: which fold a pair is in.
    """
    seen = ~np.isnan(scores)
    right_answers, by_fold = 0, []
    for held_out in range(FOLDS):
        train, test = seen & (fold != held_out), fold == held_out
        threshold = _best_threshold(scores[train], mated[train])
        accepted = scores[test] >= threshold  # NaN is not
        correct = accepted == mated[test]
        right_answers += int(correct.sum())
        by_fold.append(correct.mean())
    return f"{written(right_answers, len(scores))}, fold std {100 * np.std(by_fold):.2f}"


def report_all_pairs(got: Acquired) -> None:
    """FNMR at thresholds that all pairs of different people set."""
    names = list(got.vectors)
    vectors = np.stack([got.vectors[name] for name in names])
    people = np.unique([name.split("/")[0] for name in names], return_inverse=True)[1]
    cosines = vectors @ vectors.T
    upper = np.triu(np.ones_like(cosines, dtype=bool), k=1)
    same = people[:, None] == people[None, :]
    mated, impostor = cosines[upper & same], cosines[upper & ~same]
    print(f"all pairs: {mated.size:,} mated, {impostor.size:,} of different people")
    for fmr in RATES:
        threshold = threshold_at_fmr(impostor, fmr)
        fnmr = false_non_match_rate(mated, threshold)
        print(f"  FNMR at FMR {fmr:g}: {100 * fnmr:.2f} % (cosine {threshold:.4f})")


def report_templates(got: Acquired, matcher: Matcher) -> None:
    """Five photos enrolled, as the product does it: the rest of the person, and everybody else, try."""
    (model,) = matcher.models[:1]
    photos: dict[str, list[str]] = {}
    for name in got.vectors:
        photos.setdefault(name.split("/")[0], []).append(name)
    enrolled = {person: names for person, names in photos.items() if len(names) > ENROLLED_PHOTOS}
    first = [np.stack([got.vectors[name] for name in names[:ENROLLED_PHOTOS]]) for names in enrolled.values()]
    means = np.stack([References(model, vectors).mean() for vectors in first])
    means /= np.sqrt(
        np.linalg.norm(means, axis=1, keepdims=True)
    )  # core.similarity.likeness, for all at once
    everybody = list(got.vectors)
    cosines = means @ np.stack([got.vectors[name] for name in everybody]).T  # (people, pictures)
    whose = np.array([name.split("/")[0] for name in everybody])
    templates = np.array(list(enrolled))
    used = np.isin(everybody, [name for names in enrolled.values() for name in names[:ENROLLED_PHOTOS]])
    same = templates[:, None] == whose[None, :]
    mated, impostor = cosines[same & ~used], cosines[~same]
    print(
        f"templates of {ENROLLED_PHOTOS} photos: {len(templates)} people, {mated.size:,} mated probes, "
        f"{impostor.size:,} probes by others, at the thresholds of the card"
    )
    for fmr in RATES:
        threshold = matcher.cosine_at(model, evidence_of_fmr(fmr))
        passed = int((mated >= threshold).sum())
        print(
            f"  FMR {fmr:g} promised: {false_match_rate(impostor, threshold):.2e} seen; "
            f"accepted {written(passed, mated.size)}"
        )


def read_pairs(path: Path) -> list[tuple[int, str, str, bool]]:
    """(fold, picture, picture, same person) of LFW's `pairs.txt`."""
    first, *rest = path.read_text().splitlines()
    folds, per_fold = (int(word) for word in first.split())
    pairs = []
    for number, line in enumerate(rest):
        words = line.split("\t")
        fold = number // (2 * per_fold)
        if len(words) == 3:
            name, left, right = words
            pairs.append((fold, _picture(name, left), _picture(name, right), True))
        else:
            name, left, other, right = words
            pairs.append((fold, _picture(name, left), _picture(other, right), False))
    if len(pairs) != 2 * folds * per_fold:
        raise ValueError(f"{path.name} has {len(pairs)} pairs, {2 * folds * per_fold} were announced")
    return pairs


def _picture(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04}.jpg"


def _best_threshold(scores: NDArray[np.float64], mated: NDArray[np.bool_]) -> float:
    order = np.argsort(scores)
    # Correct answers if the threshold is just above each score: mated above, others at or below.
    correct = np.cumsum(~mated[order]) + mated.sum() - np.cumsum(mated[order])
    best = int(np.argmax(correct))
    following = scores[order[min(best + 1, len(order) - 1)]]
    return float((scores[order[best]] + following) / 2)


def _state(pictures: list[Path], vision: Vision) -> str:
    """Changes with the pictures, the networks and the code of the pipeline."""
    digest = hashlib.sha256()
    for path in pictures:
        digest.update(f"{path.name}:{path.stat().st_size}".encode())
    digest.update(repr([network.name for network in vision.networks if network.in_use]).encode())
    package = Path(__file__).parents[1] / "src" / "facekey"
    for folder in ("vision", "zoo"):
        for source in sorted((package / folder).rglob("*.py")):
            digest.update(source.read_bytes())
    for card in sorted((package.parents[1] / "models").rglob("*")):
        if card.is_file():
            digest.update(card.read_bytes())
    return digest.hexdigest()[:16]
