"""Bank: every picture in several augmented forms, with what the teachers say of each. Made once.

Asking the teachers costs several times what a training step does, and every round of
leave-one-out would ask about the same pictures. So the pictures are drawn, changed and
asked about once, kept in files, and each round takes those that it may see.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facekey.core.types import Pixels
from training.data.attacks import simulate
from training.data.augment import augment
from training.data.crops import CROP_PX, CropSet
from training.teachers import Teachers

FORMAT = 1  # goes into the files' names; a change of what is drawn must change it
CHUNK = 64  # pictures a worker takes at a time
AIM = 2400  # forms of a whole set; small sets are shown in more forms each
FEWEST, MOST = 2, 16  # forms of one picture

Chunks = Iterable[NDArray[np.intp]]
Track = Callable[[Chunks, int], Chunks]


@dataclass(frozen=True, slots=True)
class Looks:
    """All forms of one set.

    Attributes:
        name: the set.
        pixels: (N, CROP_PX, CROP_PX, 3) uint8 RGB, mapped from a file.
        live: (N,) bool; False for simulated attacks too.
        picture: (N,) which crop of the set each form shows.
        answers: (N, T) float16, what the teachers say; T is 0 without teachers.
    """

    name: str
    pixels: Pixels = field(repr=False)
    live: NDArray[np.bool_] = field(repr=False)
    picture: NDArray[np.intp] = field(repr=False)
    answers: NDArray[np.float16] = field(repr=False)

    def only(self, keep: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Rows of the forms that show pictures which `keep`, (pictures,) bool, names."""
        return np.flatnonzero(keep[self.picture])


def look(
    crops: CropSet,
    *,
    attacked: float,
    seed: int,
    teachers: Path | None,
    cache_dir: Path,
    workers: int,
    track: Track = lambda chunks, _count: chunks,
) -> Looks:
    """All forms of one set, from the files where they have been made before.

    Args:
        crops: the pictures.
        attacked: share of the forms of live pictures that become simulated attacks.
        seed: decides every form.
        teachers: folder with the teachers' files; None for none.
        cache_dir: where the files are kept; they show people, so keep it private.
        workers: processes to make them with; 0 for this one.
        track: wraps the chunks to show progress.
    """
    forms = int(np.clip(round(AIM / max(1, len(crops.live))), FEWEST, MOST))
    names = Teachers(teachers).names if teachers is not None else ()
    stem = cache_dir / f"{crops.name}-{_fingerprint(crops, attacked, seed, forms, names)}"
    if not stem.with_suffix(".npz").exists():
        picture = np.repeat(np.arange(len(crops.live)), forms)
        starts = range(0, len(picture), CHUNK)
        chunks = [np.arange(start, min(start + CHUNK, len(picture))) for start in starts]
        tasks = (
            _Task(crops.name, crops.pixels[picture[rows]], crops.live[picture[rows]], rows, attacked, seed)
            for rows in chunks
        )
        with _hands(workers, teachers) as draw:
            _write(stem, picture, zip(track(chunks, len(chunks)), draw(tasks), strict=True))
    with np.load(stem.with_suffix(".npz")) as stored:
        return Looks(
            crops.name,
            np.load(stem.with_suffix(".npy"), mmap_mode="r"),
            stored["live"],
            stored["picture"],
            stored["answers"],
        )


def _write(stem: Path, picture: NDArray[np.intp], drawn: Iterable[tuple[NDArray[np.intp], "_Forms"]]) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed: a run that is broken off must not leave half a bank.
    partial = stem.with_suffix(".partial.npy")
    shape = (len(picture), CROP_PX, CROP_PX, 3)
    pixels = np.lib.format.open_memmap(partial, "w+", np.uint8, shape)  # type: ignore[no-untyped-call]
    live, answers = [], []
    for rows, (made, alive, said) in drawn:
        pixels[rows] = made
        live.append(alive)
        answers.append(said)
    pixels.flush()
    partial.replace(stem.with_suffix(".npy"))
    kept = stem.with_suffix(".partial.npz")
    np.savez(kept, live=np.concatenate(live), picture=picture, answers=np.concatenate(answers))
    kept.replace(stem.with_suffix(".npz"))


_Forms = tuple[Pixels, NDArray[np.bool_], NDArray[np.float16]]


@dataclass(frozen=True, slots=True)
class _Task:
    name: str
    pixels: Pixels
    live: NDArray[np.bool_]
    rows: NDArray[np.intp]
    attacked: float
    seed: int


_teachers: Teachers | None = None  # one set of networks for each worker process


@contextmanager
def _hands(workers: int, teachers: Path | None) -> Iterator[Callable[[Iterable[_Task]], Iterable[_Forms]]]:
    """What draws: other processes, or this one."""
    if workers == 0:
        _start(teachers)
        yield lambda tasks: map(_draw, tasks)
    else:
        with ProcessPoolExecutor(workers, get_context("spawn"), _start, (teachers,)) as pool:
            yield lambda tasks: pool.map(_draw, tasks)


def _start(folder: Path | None) -> None:
    global _teachers  # noqa: PLW0603 - a process pool hands its workers nothing else
    cv2.setNumThreads(1)
    _teachers = None if folder is None else Teachers(folder)


def _draw(task: _Task) -> _Forms:
    """Each form is a pure function of seed, set and row."""
    name = int.from_bytes(hashlib.sha256(task.name.encode()).digest()[:4], "big")
    forms, live = [], task.live.copy()
    for place, row in enumerate(task.rows):
        rng = np.random.default_rng((task.seed, name, int(row)))
        pixels = task.pixels[place]
        if live[place] and rng.random() < task.attacked:
            pixels, live[place] = simulate(pixels, rng), False
        forms.append(augment(pixels, rng))
    made = np.stack(forms)  # (n, CROP_PX, CROP_PX, 3)
    said = _teachers.answers(made) if _teachers is not None else np.zeros((len(made), 0), np.float32)
    return made, live, said.astype(np.float16)


def _fingerprint(crops: CropSet, attacked: float, seed: int, forms: int, teachers: Sequence[str]) -> str:
    digest = hashlib.sha256(f"{FORMAT} {attacked} {seed} {forms} {teachers}".encode())
    digest.update(np.ascontiguousarray(crops.pixels))
    digest.update(np.ascontiguousarray(crops.live))
    return digest.hexdigest()[:16]
