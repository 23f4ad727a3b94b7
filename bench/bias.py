"""Error rates by group on public pictures, through the rule and the picture of `facekey bias report`.

Protocol: every picture goes through the whole pipeline; what it sends back is counted and
left out. Groups and their labels are what the publishers assigned by looking; nobody
declared them. They can show that a network treats groups differently; they are no truth
about anybody. (1) demographics/: one face of each person, closely cropped (UTKFace, file names
AGE_GENDER_RACE_...): all pairs within a group are strangers, less who is there twice, which
nobody marked. (2) LFW with the labels of Afifi and Abdelhamed: each person's pictures
against each other, and strangers of the same group. (3) The share of live faces that is
taken for spoofs (BPCER), on the same pictures; others took them, so this is no rate of any
camera. The false match rates are those among people of one group, who are more alike than
any two people: the threshold is measured on all pairs.
"""

import hashlib
import json
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from bench.host import describe
from bench.lfw import Acquired, acquire
from facekey.core.bias import BiasPolicy, Finding, Rate, Tally, judge_groups
from facekey.core.calibration import evidence_of_fmr
from facekey.core.errors import ImageRefused, SampleRejected
from facekey.settings import read_settings
from facekey.vision.subject import SubjectPolicy
from facekey.wiring.vision import Vision, open_vision, open_zoo

ETHNICITY = ("white", "black", "asian", "indian", "others")
AGES = ((0, "under_18"), (18, "18_29"), (30, "30_44"), (45, "45_59"), (60, "60_plus"))
THRESHOLDS = ((Rate.FMR, 1e-4), (Rate.FMR_LAX, 1e-2))

Counted = dict[tuple[str, Rate], dict[str, list[Tally]]]


def main(data: Path | None) -> None:
    """Measure and print."""
    if data is None:
        raise SystemExit("bias needs --data")
    print(__doc__)
    print(f"machine: {describe()}")
    vision = open_vision(open_zoo(read_settings()), subject=SubjectPolicy(dominance=1.0))
    if (data / "demographics").is_dir():
        print("\n(1), (3) one face of each person")
        faces = _acquired(sorted((data / "demographics").glob("*.jpg")), vision)
        _print(judge_groups(_strangers_alone(faces, vision), BiasPolicy()))
    names = data / "lfw" / "gender"
    if names.is_dir():
        print("\n(2), (3) LFW")
        _print(judge_groups(_lfw(acquire(data / "lfw" / "images", vision), names, vision), BiasPolicy()))


def _acquired(pictures: list[Path], vision: Vision) -> Acquired:
    models = ",".join(vision.matcher.models)
    state = hashlib.sha256(f"{models} {[path.name for path in pictures]}".encode()).hexdigest()[:16]
    kept = Path(".cache") / "bench" / f"faces-{state}.npz"
    if not kept.exists():
        got = Acquired({}, {}, {}, [])
        for path in track(pictures, description="pipeline"):
            try:
                evidence = vision.pipeline.analyze(path.read_bytes())
            except (SampleRejected, ImageRefused) as refusal:
                got.refused[path.name] = str(getattr(refusal, "reason", refusal))
                continue
            got.vectors[path.name] = evidence.embeddings[0].vector
            got.liveness[path.name] = evidence.liveness.score
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            kept,
            names=np.array(list(got.vectors)),
            vectors=np.stack(list(got.vectors.values())),
            refused=json.dumps(got.refused),
            liveness=json.dumps(got.liveness),
        )
    stored = np.load(kept, allow_pickle=False)
    vectors = dict(zip(stored["names"].tolist(), stored["vectors"], strict=True))
    refused = json.loads(str(stored["refused"]))
    print(f"sent back: {len(refused)} of {len(pictures)}")
    return Acquired(vectors, refused, json.loads(str(stored["liveness"])), [])


def _strangers_alone(faces: Acquired, vision: Vision) -> Counted:
    counted: Counted = defaultdict(lambda: defaultdict(list))
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in faces.vectors:
        age, gender, ethnicity = name.split("_")[:3]
        band = next(word for least, word in reversed(AGES) if int(age) >= least)
        members["age_band", band].append(name)
        members["gender", ("man", "woman")[int(gender)]].append(name)
        members["ethnicity", ETHNICITY[int(ethnicity)]].append(name)
    for (attribute, group), names in members.items():
        vectors = np.stack([faces.vectors[name] for name in names])
        _strangers(counted, attribute, group, vectors, np.arange(len(names)), vision)
        for name in names:
            spoof = faces.liveness[name] < vision.liveness_threshold
            counted[attribute, Rate.BPCER][group].append(Tally(int(spoof), 1))
    return counted


def _lfw(got: Acquired, labels: Path, vision: Vision) -> Counted:
    counted: Counted = defaultdict(lambda: defaultdict(list))
    threshold = vision.matcher.cosine_at(vision.matcher.models[0], evidence_of_fmr(1e-4))
    for group, file in (("woman", "female_names.txt"), ("man", "male_names.txt")):
        listed = {Path(line.strip()).stem for line in (labels / file).read_text().splitlines()}
        names = [name for name in got.vectors if Path(name).stem in listed]
        whose: dict[str, list[str]] = defaultdict(list)
        for name in names:
            whose[name.split("/")[0]].append(name)
        for pictures in whose.values():
            pairs = [got.vectors[a] @ got.vectors[b] for a, b in combinations(pictures, 2)]
            errors = sum(bool(cosine < threshold) for cosine in pairs)
            counted["gender", Rate.FNMR][group].append(Tally(errors, len(pairs)))
            spoofs = sum(got.liveness[name] < vision.liveness_threshold for name in pictures)
            counted["gender", Rate.BPCER][group].append(Tally(spoofs, len(pictures)))
        people = np.unique([name.split("/")[0] for name in names], return_inverse=True)[1]
        _strangers(counted, "gender", group, np.stack([got.vectors[name] for name in names]), people, vision)
    return counted


def _strangers(  # noqa: PLR0917 - what is counted, and where it goes
    counted: Counted,
    attribute: str,
    group: str,
    vectors: NDArray[np.float32],
    people: NDArray[np.int64],
    vision: Vision,
) -> None:
    cosines = vectors @ vectors.T
    strangers = people[:, None] != people[None, :]
    for rate, fmr in THRESHOLDS:
        passed = (
            cosines >= vision.matcher.cosine_at(vision.matcher.models[0], evidence_of_fmr(fmr))
        ) & strangers
        for person in np.unique(people):
            rows = people == person
            tally = Tally(int(passed[rows].sum()), int(strangers[rows].sum()))
            counted[attribute, rate][group].append(tally)


def _print(findings: tuple[Finding, ...]) -> None:
    for one in findings:
        if one.own is None or one.others is None:
            print(f"  {one.attribute:10} {one.rate:17} {one.group:9} {one.people:5} people: {one.verdict}")
            continue
        ratio = "" if one.ratio is None else f"ratio {one.ratio:.2f}, chance {one.chance:.2g}"
        own, others = one.own, one.others
        print(
            f"  {one.attribute:10} {one.rate:17} {one.group:9} {one.people:5} people: {100 * own.rate:.4g} % "
            f"[{100 * own.low:.3g}, {100 * own.high:.3g}], others {100 * others.rate:.4g} %, "
            f"{ratio} {one.verdict}"
        )
