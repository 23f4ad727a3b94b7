"""FaceKey beside other face recognition for Python, on the same pictures in the same run.

Protocol: PyPI face_recognition, DeepFace and facenet-pytorch, each used as its README shows,
each in an environment and a process of its own; so is FaceKey. Speed: bytes of a 640 x 480 JPEG
with one face to the decision about one enrolled face, in turns, one request at a time, so that
noise of the machine hits all alike; medians, and the median of paired ratios, with 95 %
intervals. First everybody may use all cores, then everybody one. FaceKey looks at liveness and
quality in that time; no peer does. Nothing is loaded from the internet: where a peer's network
is a download, one of the same graph with random weights is timed instead, which says nothing of
how well it recognises. torchvision, of which facenet-pytorch uses two functions, is replaced by
these two. Accuracy, with --data: LFW's 6,000 pairs, ten folds, for those with real weights; a
picture without a usable face is never accepted, for all.
"""

import hashlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from rich.progress import track

from bench import faces
from bench.host import describe
from bench.intervals import median
from bench.peer_environments import FACEKEY, UNMEASURED, Asked, Peer, asked, peers
from bench.photo import sample_photos, webcam_jpeg
from bench.results import Column, Figure, Result, Table, Target
from facekey.evaluation.pairs import Pair, read_pairs
from facekey.evaluation.rates import accuracy
from facekey.evaluation.report import Line, written
from facekey.evaluation.scoring import Scorer
from facekey.evaluation.verification import pair_scores

ROUNDS = 40
WARM_UP = 3
CACHE = Path(".cache") / "bench"
AT_LEAST = {"face_recognition": 7.0, "deepface": 10.0}
"""How many times faster than these FaceKey must be."""

Times = dict[str, list[float]]


def main(data: Path | None) -> Result:
    """Measure and print.

    Raises:
        SystemExit: the data have no LFW; nothing was measured.
    """
    if data is not None and not (data / "lfw" / "pairs.txt").is_file():
        sys.exit(f"peers --data {data}: it has no lfw/pairs.txt; leave --data out to measure speed alone")
    print(__doc__)
    print(f"machine: {describe()}; {ROUNDS} rounds after {WARM_UP} of warming up")
    others, missing = installed(peers(CACHE / "deepface"))
    everybody = (FACEKEY, *others)
    all_cores, one_core = time_all(everybody, None), time_all(everybody, 1)
    figures, targets = [], []
    for peer in others:
        faster, low, high = _ratio(all_cores, peer)
        figures.append(
            Figure(
                f"faster_than_{peer.name}",
                f"faster than {peer.title}",
                faster,
                "x",
                ROUNDS,
                low,
                high,
            )
        )
        if peer.name in AT_LEAST:
            targets.append(
                Target(f"faster than {peer.title}", faster, AT_LEAST[peer.name], "x", at_most=False, digits=1)
            )
    tables = [_speed(everybody, all_cores, one_core), _unmeasured(missing)]
    if data is not None:
        tables.append(_accuracy(others, data))
    return Result(tuple(figures), tuple(tables), tuple(targets))


def installed(some: Sequence[Peer]) -> tuple[list[Peer], list[tuple[str, str]]]:
    """Those whose packages are here or can be had, and the others with the reason."""
    here, missing = [], []
    for peer in some:
        try:
            if peer.environment is not None:
                peer.environment.python()
        except subprocess.CalledProcessError as failure:
            missing.append((peer.title, f"its packages can't be installed: {failure}"))
        else:
            here.append(peer)
    return here, missing


def time_all(everybody: Sequence[Peer], cores: int | None) -> Times:
    """Seconds from bytes to decision of everybody, in turns."""
    times: Times = {peer.name: [] for peer in everybody}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        picture = Path(folder) / "face.jpg"
        picture.write_bytes(webcam_jpeg(sample_photos()["obama.jpg"]))
        talks = {peer.name: stack.enter_context(asked(peer, cores)) for peer in everybody}
        for talk in talks.values():
            talk.enrol(picture)
        for number in range(WARM_UP + ROUNDS):
            for name, talk in talks.items():
                taken = talk.decide(picture)
                if number >= WARM_UP:
                    times[name].append(taken)
    where = "all cores" if cores is None else "one core"
    for peer in everybody:
        p50 = 1000 * statistics.median(times[peer.name])
        line = f"{where}, bytes to decision: {peer.title} p50 {p50:.1f} ms"
        print(line if peer is FACEKEY else f"{line}: FaceKey is {_ratio(times, peer)[0]:.1f} x as fast")
    return times


def _ratio(times: Times, peer: Peer) -> tuple[float, float, float]:
    """How many times longer a peer takes, and the interval."""
    pairs = zip(times[FACEKEY.name], times[peer.name], strict=True)
    return median([theirs / ours for ours, theirs in pairs])


def _speed(everybody: Sequence[Peer], all_cores: Times, one_core: Times) -> Table:
    columns = (
        Column("who"),
        Column("bytes to decision, all cores", "ms", bars=True),
        Column("times FaceKey's", "x"),
        Column("on one core", "ms"),
        Column("times FaceKey's on one core", "x"),
        Column("what it does in that time"),
        Column("weights"),
    )
    rows = tuple(
        (
            peer.title,
            1000 * statistics.median(all_cores[peer.name]),
            _ratio(all_cores, peer)[0],
            1000 * statistics.median(one_core[peer.name]),
            _ratio(one_core, peer)[0],
            peer.does,
            peer.weights,
        )
        for peer in everybody
    )
    return Table("speed", "Bytes to decision, 640 x 480 JPEG, one face", columns, rows)


def _unmeasured(missing: Sequence[tuple[str, str]]) -> Table:
    return Table("not_measured", "Not measured", (Column("who"), Column("why")), (*UNMEASURED, *missing))


def _accuracy(others: Sequence[Peer], data: Path) -> Table:
    engine = faces.engine()
    got = faces.lfw(data, engine)
    pairs = read_pairs(data / "lfw" / "pairs.txt").pairs
    fold = np.array([pair.fold for pair in pairs])
    mated = np.array([pair.mated for pair in pairs])
    scorer = Scorer(engine.matcher, engine.calibrations)
    ours = pair_scores(got, pairs, scorer, Line.PIPELINE)[scorer.systems[0]]
    names = sorted({name for pair in pairs for name in (pair.left, pair.right)})
    rows: list[tuple[str, str, float]] = [
        (
            FACEKEY.title,
            written(accuracy(ours, mated, fold).right),
            float(len(got.pictures) - len(got.judged)),
        )
    ]
    for peer in others:
        if peer.trained:
            encodings = _encodings(peer, data / "lfw" / "images", names)
            right = accuracy(_likeness(encodings, pairs), mated, fold).right
            rows.append((peer.title, written(right), float(len(names) - len(encodings))))
    for title, share, missed in rows:
        print(f"LFW, {title}: {share}; no usable face in {missed:.0f}")
    columns = (Column("who"), Column("LFW, right [95 %]"), Column("pictures without a usable face", digits=0))
    return Table("accuracy", "How well they recognise: LFW, 6,000 pairs", columns, tuple(rows))


def _likeness(encodings: dict[str, np.ndarray], pairs: Sequence[Pair]) -> np.ndarray:
    """(N,): the negative distance; NaN where a face is missing."""
    return np.array(
        [
            -float(np.linalg.norm(encodings[pair.left] - encodings[pair.right]))
            if pair.left in encodings and pair.right in encodings
            else np.nan
            for pair in pairs
        ]
    )


def _encodings(peer: Peer, images: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """What a peer makes of each picture in which it finds a face; kept, since it takes minutes."""
    kept = CACHE / f"{peer.name}-{hashlib.sha256(repr(names).encode()).hexdigest()[:16]}.npz"
    if not kept.exists():
        with asked(peer) as talk:
            found = _encoded(talk, peer, images, names)
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, names=np.array(list(found)), vectors=np.stack(list(found.values())))
    stored = np.load(kept, allow_pickle=False)
    return dict(zip(stored["names"].tolist(), stored["vectors"], strict=True))


def _encoded(talk: Asked, peer: Peer, images: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    found = {name: talk.encode(images / name) for name in track(names, description=peer.title)}
    return {name: np.array(vector) for name, vector in found.items() if vector is not None}
