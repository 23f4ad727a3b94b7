"""Peers: other face recognition for Python, each in an environment of its own beside this project's.

Nothing of them is a dependency of FaceKey. What a peer loads from the internet when it runs is
not had here; each says what stands in for it, and what can't be told without.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.host import on_cores
from bench.vgg_face import write_vgg_face

REPOSITORY = Path(__file__).parents[1]
WORKERS = Path(__file__).with_name("peer_workers")


@dataclass(frozen=True, slots=True)
class Environment:
    """Packages that a peer needs.

    Attributes:
        without_dependencies: those that ask for more, or for other versions, than can be had.
    """

    name: str
    packages: tuple[str, ...]
    without_dependencies: tuple[str, ...]

    def python(self) -> Path:
        """Its interpreter; it is installed where it isn't yet.

        Raises:
            CalledProcessError: a package can't be installed.
        """
        folder = Path(f".venv-peer-{self.name}")
        python, ready = folder / "bin" / "python", folder / ".ready"
        wanted = "\n".join((*self.packages, *self.without_dependencies))
        if not ready.exists() or ready.read_text() != wanted:
            print(f"installing {self.name} into {folder}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            subprocess.run([*pip, *self.packages], check=True)
            subprocess.run([*pip, "--no-deps", *self.without_dependencies], check=True)
            ready.write_text(wanted)
        return python


DLIB = "dlib-bin==20.0.1.post1"
DLIB_NETWORKS = "face-recognition-models==0.3.0"
FACE_RECOGNITION = Environment(
    "face-recognition",
    (DLIB, "numpy==2.4.6", "pillow==13.0.0", "click==8.5.1", "setuptools<81"),
    ("face-recognition==1.3.0", DLIB_NETWORKS),  # they ask for dlib's source
)
DEEPFACE = Environment(
    "deepface",
    (
        DLIB,
        "numpy==2.4.6",
        "pandas==3.1.1",
        "requests",
        "tqdm",
        "gdown==6.5.1",
        "onnxruntime==1.32.0",
        "opencv-contrib-python-headless==4.14.0.94",  # of 5 the cascades are a download
        "pillow==13.0.0",
        "werkzeug",
        "setuptools<81",
    ),
    ("deepface==0.0.103", DLIB_NETWORKS, "retina-face==0.0.19"),
)
FACENET_PYTORCH = Environment(
    "facenet-pytorch",
    ("torch==2.13.0", "numpy==2.4.6", "pillow==13.0.0", "requests", "tqdm"),
    ("facenet-pytorch==2.6.0",),  # it asks for a torch of 2024
)


@dataclass(frozen=True, slots=True)
class Peer:
    """One way of one peer.

    Attributes:
        name: stable, lower case.
        environment: None for this project's own.
        does: what it does between bytes and answer.
        weights: where its networks' weights are from.
        trained: the weights are real, so that accuracy means something.
    """

    name: str
    title: str
    environment: Environment | None
    worker: tuple[str, ...]
    does: str
    weights: str
    trained: bool
    variables: Mapping[str, str] = field(default_factory=dict)


FACEKEY = Peer(
    "facekey",
    "FaceKey, default pack",
    None,
    ("facekey_worker.py",),
    "detect, mesh, quality, three liveness networks, embed, compare, decide",
    "its own",
    trained=True,
)


def peers(folder: Path) -> tuple[Peer, ...]:
    """All that can be measured without the internet, once what they load is put where they look.

    Args:
        folder: for the files that stand in for downloads; made when a peer is started.
    """
    home = {"DEEPFACE_HOME": str(folder.resolve())}
    return (
        Peer(
            "face_recognition",
            "face_recognition 1.3.0",
            FACE_RECOGNITION,
            ("face_recognition_worker.py",),
            "detect (HOG), landmarks, embed (dlib), compare",
            "published, from its package",
            trained=True,
        ),
        Peer(
            "deepface",
            "DeepFace 0.0.103, its defaults",
            DEEPFACE,
            ("deepface_worker.py", "VGG-Face"),
            "detect (OpenCV cascade), align by the eyes, embed (VGG-Face, ONNX Runtime), compare",
            "cascades published; network RANDOM: right graph, for timing alone",
            trained=False,
            variables=home,
        ),
        Peer(
            "deepface_dlib",
            "DeepFace 0.0.103, with dlib's network",
            DEEPFACE,
            ("deepface_worker.py", "Dlib"),
            "detect (OpenCV cascade), align by the eyes, embed (dlib), compare",
            "published, from face_recognition's package",
            trained=True,
            variables=home,
        ),
        Peer(
            "facenet_pytorch",
            "facenet-pytorch 2.6.0",
            FACENET_PYTORCH,
            ("facenet_pytorch_worker.py",),
            "detect and align (MTCNN), embed (Inception-ResNet-v1), compare",
            "MTCNN published, from its package; network RANDOM: for timing alone",
            trained=False,
        ),
    )


UNMEASURED = (
    ("DeepFace with anti_spoofing=True", "its two liveness networks are downloads"),
    ("DeepFace on TensorFlow", "plain `pip install deepface` brings ONNX Runtime; TensorFlow is 2 GB more"),
    ("InsightFace", "all its networks are downloads, detector and recognition alike"),
    ("CompreFace", "comes as Docker images only"),
)
"""What isn't compared, and why."""


class Asked:
    """A peer in another process: one line of JSON there, one back."""

    def __init__(self, process: "subprocess.Popen[str]", title: str) -> None:
        """Talk to a started worker."""
        self._process = process
        self._title = title

    def enrol(self, picture: Path) -> None:
        """Let it remember a face.

        Raises:
            RuntimeError: it finds none.
        """
        if not self._ask({"enrol": str(picture)})["found"]:
            raise RuntimeError(f"{self._title} finds no face in the picture that is timed")

    def decide(self, picture: Path) -> float:
        """Seconds from the bytes of a file to the comparison with the enrolled face."""
        return float(str(self._ask({"decide": str(picture)})["seconds"]))

    def encode(self, picture: Path) -> list[float] | None:
        """The numbers of the first face, or None."""
        encoding: list[float] | None = self._ask({"encode": str(picture)})["encoding"]  # type: ignore[assignment]
        return encoding

    def _ask(self, request: dict[str, str]) -> dict[str, object]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith("{"):  # peers print notes of their own
                answer: dict[str, object] = json.loads(line)
                return answer
        raise RuntimeError(f"{self._title} ended without an answer; what it said is above")


@contextmanager
def asked(peer: Peer, cores: int | None = None) -> Iterator[Asked]:
    """A peer, installed and started.

    Args:
        peer: who.
        cores: it may use no more than so many; None for all.
    """
    python = sys.executable if peer.environment is None else str(peer.environment.python())
    if peer.environment is DEEPFACE:
        _furnish(Path(peer.variables["DEEPFACE_HOME"]), Path(python))
    script, *words = peer.worker
    environment = {**os.environ, **peer.variables}
    path = environment.pop("PYTHONPATH", "")
    if peer.environment is None:
        environment["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY), *path.split(os.pathsep)])
    with on_cores(cores):
        process = subprocess.Popen(
            [python, "-W", "ignore", str(WORKERS / script), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
    with process:
        try:
            yield Asked(process, peer.title)
        finally:
            process.terminate()


def _furnish(home: Path, python: Path) -> None:
    """Put the networks where DeepFace would load them to."""
    weights = home / ".deepface" / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    vgg = weights / "vgg_face_weights.onnx"
    if not vgg.exists():
        print("making VGG-Face with random weights, for timing", flush=True)
        write_vgg_face(vgg)
    dlib = weights / "dlib_face_recognition_resnet_model_v1.dat"
    if not dlib.exists():
        packages = next(python.parents[1].glob("lib/python*/site-packages"))
        dlib.symlink_to((packages / "face_recognition_models" / "models" / dlib.name).resolve())
