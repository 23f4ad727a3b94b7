"""What a training run leaves behind, so that it can be told later what made a network.

    with recorded(options.output_dir, "train_head", given) as run:
        run.reads(given.attempts)          # files and folders; each is hashed
        ...
        run.figure("auc", 0.991)           # numbers
        run.plot(folder / "curves.png")    # pictures, and other files worth keeping
        run.made(given.output)             # what the run was for; its hash is kept

At the end `run.json` is in the folder: configuration, seed, hash of the data, commit, versions,
figures, and whether the run ended well; also when it didn't. Where MLflow is installed and
MLFLOW_TRACKING_URI is set the same goes there. Under torchrun the first process alone writes.
"""

import argparse
import hashlib
import importlib.metadata
import json
import math
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from facekey.zoo.durable import sha256_of, write_whole
from training.git import commit, is_changed
from training.parallel import here
from training.progress import say

FILE = "run.json"
FORMAT = 1
LIBRARIES = ("facekey", "torch", "numpy", "onnx", "onnxruntime", "opencv-python-headless", "mlflow-skinny")
TRACKING = "MLFLOW_TRACKING_URI"
EXPERIMENT = "facekey"

Plain = str | int | float | bool | None
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files that a run read.

    Attributes:
        sha256: over the lines `<sha256 of the content> <bytes> <name>` in the order of the
            names. A name starts at the folder that was given, so that it is the same on
            another machine.
    """

    files: int
    size_bytes: int
    sha256: str


def manifest_of(places: Iterable[Path]) -> Manifest:
    """Hash files, and all files of folders.

    Raises:
        FileNotFoundError: one of them is not there.
    """
    lines: dict[str, str] = {}
    size = 0
    for place in places:
        for name, path in _files(place):
            bytes_here = path.stat().st_size
            size += bytes_here
            # Two folders of one name each keep their files.
            unique = name
            while unique in lines:
                unique = f"+{unique}"
            lines[unique] = f"{sha256_of(path)} {bytes_here} {name}"
    text = "\n".join(lines[name] for name in sorted(lines))
    return Manifest(len(lines), size, hashlib.sha256(text.encode()).hexdigest())


def _files(place: Path) -> Iterator[tuple[str, Path]]:
    if place.is_file():
        yield place.name, place
    elif place.is_dir():
        for path in sorted(place.rglob("*")):
            if path.is_file():
                yield f"{place.name}/{path.relative_to(place).as_posix()}", path
    else:
        raise FileNotFoundError(f"{place} is not there")


@dataclass(slots=True)
class Run:
    """A run while it goes on."""

    figures: Figures = field(default_factory=dict)
    plots: list[Path] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    data: list[Path] = field(default_factory=list)

    def reads(self, *places: Path | None) -> None:
        """Files or folders that the run learns from or is judged on; None for an option not given."""
        self.data += [place for place in places if place is not None]

    def figure(self, name: str, value: float) -> None:
        """A number worth comparing with that of another run."""
        self.figures[name] = float(value)

    def figures_of(self, values: Mapping[str, object], prefix: str = "") -> None:
        """All numbers of a report, however deep, each under its path."""
        for name, value in values.items():
            if isinstance(value, Mapping):
                self.figures_of(value, f"{prefix}{name}.")
            elif isinstance(value, int | float) and not isinstance(value, bool):
                self.figure(f"{prefix}{name}", value)

    def plot(self, *paths: Path) -> None:
        """Pictures and reports."""
        self.plots += paths

    def made(self, *paths: Path) -> None:
        """Networks, weights, cards: what the run was for."""
        self.outputs += paths


@contextmanager
def recorded(folder: Path, script: str, options: argparse.Namespace) -> Iterator[Run]:
    """Record a run, whether or not it ends well.

    Args:
        folder: where `run.json` is to lie.
        script: the name of the script, such as `train_head`.
        options: all that it was told; `seed` is its seed.
    """
    run, started = Run(), datetime.now(UTC)
    error: BaseException | None = None
    try:
        yield run
    except BaseException as raised:
        error = raised
        raise
    finally:
        if here().first:
            _keep(folder, _document(run, script, options, started=started, error=error), run)


def _document(
    run: Run, script: str, options: argparse.Namespace, *, started: datetime, error: BaseException | None
) -> dict[str, object]:
    ended = datetime.now(UTC)
    try:
        data = manifest_of(run.data)
        of_data: dict[str, Plain] = {
            "files": data.files,
            "bytes": data.size_bytes,
            "manifest_sha256": data.sha256,
        }
    except OSError as missing:
        of_data = {"error": " ".join(str(missing).split())}
    return {
        "format": FORMAT,
        "script": script,
        "ended": "well" if error is None else f"{type(error).__name__}: {' '.join(str(error).split())}",
        "started_at": started.isoformat(timespec="seconds"),
        "seconds": round((ended - started).total_seconds(), 1),
        "configuration": {name: _plain(value) for name, value in sorted(vars(options).items())},
        "seed": getattr(options, "seed", None),
        "data": of_data,
        "commit": commit(),
        "commit_changed": is_changed(),
        "processes": here().count,
        "versions": _versions(),
        # JSON knows no NaN: a figure that is none is shown as none.
        "figures": {
            name: value if math.isfinite(value) else None for name, value in sorted(run.figures.items())
        },
        "plots": [path.name for path in run.plots if path.is_file()],
        "outputs": [
            {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
            for path in run.outputs
            if path.is_file()
        ],
    }


def _keep(folder: Path, document: Mapping[str, object], run: Run) -> None:
    path = folder / FILE
    write_whole(path, json.dumps(document, indent=2).encode() + b"\n")
    if not os.environ.get(TRACKING):
        return
    try:
        import mlflow  # noqa: PLC0415 - large and optional: the extra `mlflow`
    except ImportError:
        say(f"{TRACKING} is set, but MLflow is not installed: pip install 'facekey[mlflow]'")
        return
    try:
        _send(mlflow, document, [path, *run.plots])
    except Exception as error:  # noqa: BLE001 - a tracking server that is away must not cost a training
        say(f"MLflow has no record of this run: {' '.join(str(error).split())}")


def _send(track: ModuleType, document: Mapping[str, object], files: Iterable[Path]) -> None:
    """Write a finished run into MLflow's store."""
    track.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT))
    with track.start_run(run_name=str(document["script"])):
        configuration, data = document["configuration"], document["data"]
        assert isinstance(configuration, dict)  # noqa: S101 - made above
        assert isinstance(data, dict)  # noqa: S101
        track.log_params({name: str(value)[:500] for name, value in configuration.items()})
        track.set_tags(
            {
                "commit": document["commit"],
                "commit_changed": document["commit_changed"],
                "ended": document["ended"],
                "processes": document["processes"],
                **{f"data.{name}": value for name, value in data.items()},
                **{f"version.{name}": value for name, value in _versions().items()},
            }
        )
        figures = document["figures"]
        assert isinstance(figures, dict)  # noqa: S101
        track.log_metrics({name: value for name, value in figures.items() if value is not None})
        for file in files:
            if file.is_file():
                track.log_artifact(str(file))


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version(), "system": sys.platform}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _plain(value: object) -> object:
    """An option as JSON has it."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
