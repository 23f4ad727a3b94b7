"""FaceKey beside PyPI face_recognition (dlib), on the same pictures in the same run.

Protocol: face_recognition 1.3.0 with dlib-bin and its published models in an environment
of its own, as its README uses it (`load_image_file`, `face_locations`, `face_encodings`,
the distance). Speed: bytes of a 640 x 480 JPEG with one face to the comparison with one
enrolled face, in turns, medians and the median of paired ratios; ours includes liveness
and quality, theirs has none. Accuracy: LFW's 6,000 pairs, ten folds; a picture without a
usable face is never accepted, for both.
"""

import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.progress import track

from bench import faces
from bench.host import describe
from bench.photo import sample_photos, webcam_jpeg
from facekey.core.similarity import cosine
from facekey.core.types import Evidence
from facekey.evaluation.engine import Engine
from facekey.evaluation.material import Acquired
from facekey.evaluation.pairs import read_pairs
from facekey.evaluation.rates import accuracy
from facekey.evaluation.report import Line, written
from facekey.evaluation.scoring import Scorer
from facekey.evaluation.verification import pair_scores
from facekey.settings import read_settings
from facekey.wiring.vision import open_vision, open_zoo

ENVIRONMENT = Path(".venv-peers")
PACKAGES = ("dlib-bin==20.0.1.post1", "numpy", "pillow", "click", "setuptools<81")
WITHOUT_DEPENDENCIES = (
    "face-recognition==1.3.0",
    "face-recognition-models==0.3.0",
)  # they ask for dlib's source
ROUNDS = 40
WORKER = Path(__file__).with_name("face_recognition_worker.py")


def main(data: Path | None) -> None:
    """Measure and print."""
    if data is None:
        raise SystemExit("peers needs --data")
    print(__doc__)
    print(f"machine: {describe()}")
    engine = faces.engine()
    got = faces.lfw(data, engine)
    vision = open_vision(open_zoo(read_settings()))
    with face_recognition() as peer:
        time_both(peer, vision.pipeline.analyze)
        compare_accuracy(peer, data / "lfw", got, engine)


class Peer:
    """face_recognition in another process: one line of JSON there, one back."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Talk to a started worker."""
        self._process = process

    def encode(self, picture: Path) -> list[float] | None:
        """The first face's 128 numbers, or None."""
        encoding: list[float] | None = self._ask({"encode": str(picture)})["encoding"]
        return encoding

    def decide(self, picture: Path) -> float:
        """Seconds from the bytes of a file to the comparison with an enrolled face."""
        return float(self._ask({"decide": str(picture)})["seconds"])

    def _ask(self, request: dict[str, str]) -> dict[str, object]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, object] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def face_recognition() -> Iterator[Peer]:
    """The peer, installed into an environment of its own."""
    python = ENVIRONMENT / "bin" / "python"
    ready = ENVIRONMENT / ".ready"
    if not ready.exists():
        print(f"installing face_recognition into {ENVIRONMENT}")
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, *PACKAGES], check=True)
        subprocess.run([*pip, "--no-deps", *WITHOUT_DEPENDENCIES], check=True)
        ready.touch()
    process = subprocess.Popen(
        [str(python), "-W", "ignore", str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Peer(process)
    finally:
        process.terminate()
        process.wait(10)


def time_both(peer: Peer, analyze: Callable[[bytes], Evidence]) -> None:
    """Bytes to decision, in turns."""
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "face.jpg"
        picture.write_bytes(webcam_jpeg(sample_photos()["obama.jpg"]))
        enrolled = analyze(picture.read_bytes()).embeddings[0]
        for _ in range(ROUNDS):
            began = time.perf_counter()
            cosine(analyze(picture.read_bytes()).embeddings[0], enrolled)
            ours.append(time.perf_counter() - began)
            theirs.append(peer.decide(picture))
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    print(f"bytes to decision: FaceKey p50 {1000 * statistics.median(ours):.1f} ms, ", end="")
    print(f"face_recognition p50 {1000 * statistics.median(theirs):.1f} ms: {ratio:.1f} x faster")


def compare_accuracy(peer: Peer, root: Path, got: Acquired, engine: Engine) -> None:
    """LFW's pairs, both."""
    pairs = read_pairs(root / "pairs.txt").pairs
    names = sorted({name for pair in pairs for name in (pair.left, pair.right)})
    kept = Path(".cache") / "bench" / f"dlib-{hashlib.sha256(repr(names).encode()).hexdigest()[:16]}.npz"
    if kept.exists():
        stored = np.load(kept, allow_pickle=False)
        encodings = dict(zip(stored["names"].tolist(), stored["vectors"], strict=True))
    else:
        found = {
            name: peer.encode(root / "images" / name) for name in track(names, description="face_recognition")
        }
        encodings = {name: np.array(vector) for name, vector in found.items() if vector is not None}
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, names=np.array(list(encodings)), vectors=np.stack(list(encodings.values())))
    fold = np.array([pair.fold for pair in pairs])
    mated = np.array([pair.mated for pair in pairs])
    scorer = Scorer(engine.matcher, engine.calibrations)
    ours = pair_scores(got, pairs, scorer, Line.PIPELINE)[scorer.systems[0]]
    theirs = np.array(
        [
            -float(np.linalg.norm(encodings[pair.left] - encodings[pair.right]))
            if pair.left in encodings and pair.right in encodings
            else np.nan
            for pair in pairs
        ]
    )
    print(f"LFW, FaceKey:          {written(accuracy(ours, mated, fold).right)}")
    missed = len(names) - len(encodings)
    print(f"LFW, face_recognition: {written(accuracy(theirs, mated, fold).right)}; no face in {missed}")
