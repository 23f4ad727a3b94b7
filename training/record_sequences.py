"""Record faces over time for `train_temporal.py` and `train_liveness_fusion.py`.

    python training/record_sequences.py --clips D --pictures D --photos D --output_dir O

Clips (`<set>/live.*`, `<set>/spoof.*`), sets of pictures that are frames of clips, and
sequences drawn from single photos, each as the service's own detector and mesh see them.
What is there already is kept, so the command can be stopped and started again.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

if __package__ in (None, ""):  # started as a script: make the package findable
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facekey.settings import default_models_dir
from facekey.vision.landmarks.eyelids import EyelidReader
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.zoo.zoo import Zoo
from training.data.filmed import clip_frames, read_picture
from training.data.layout import LIVE, SPOOF, discover, live_only
from training.data.recording import Recording, record
from training.data.rendered import ATTACKS, LIVES, brought_to_frame, moved_picture, person
from training.data.runs import find_runs, thumbnails
from training.networks import open_networks
from training.progress import bar, say

ASSUMED_FPS = 15.0  # of picture sets, which don't tell theirs
DRAWN_FRAMES = 40
DRAWN_FPS = (7.0, 25.0)
DRAWN_OF_EACH = 2  # sequences of each label for every photo
CLIPS = frozenset({".mp4", ".webm", ".avi", ".mov", ".mkv"})
REPLAY, RECAPTURED = "replay", "recaptured"


def main(arguments: list[str] | None = None) -> None:
    """Record everything that was named."""
    given = _options(arguments)
    cv2.setNumThreads(1)
    zoo = Zoo(cache_dir=given.models_dir)
    zoo.pull(["facemesh", "iris"])
    look = partial(
        record,
        detector=open_networks(given.models_dir).detector,
        landmarker=FaceMeshLandmarker(zoo.open("facemesh")),
        eyes=EyelidReader(zoo.open("iris")),
    )
    if given.clips:
        _record_clips(given.clips, given.output_dir, look)
    if given.pictures:
        _record_pictures(given.pictures, given.output_dir, look)
    for folder in given.photos:
        photos = _chosen(folder, given.photo_count)
        for photo in bar(photos, f"{folder.name}, drawn", len(photos)):
            _record_drawn(photo, folder.name, given.output_dir, look)


def load_recordings(folder: Path) -> list[Recording]:
    """All recordings of a folder, in order of their file names."""
    return [Recording.load(path) for path in sorted(folder.glob("*.npz")) if ".part" not in path.name]


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Record faces over time.")
    add = parser.add_argument
    add("--clips", type=Path, help="<set>/live.* and <set>/spoof.*: videos of whole frames")
    add("--pictures", type=Path, help="<set>/live and <set>/spoof: pictures, some of them frames of clips")
    add("--photos", type=Path, action="append", default=[], help="photos to draw sequences from")
    add("--photo_count", type=int, default=80, help="of each such folder, spread over its names")
    add("--output_dir", type=Path, required=True, help="recordings; they show faces")
    add("--models_dir", type=Path, default=default_models_dir())
    return parser.parse_args(arguments)


def _record_clips(root: Path, output: Path, look: "partial[Recording]") -> None:
    paths = [path for path in sorted(root.glob("*/*")) if path.suffix.lower() in CLIPS]
    for path in bar(paths, "clips", len(paths)):
        live = path.stem == LIVE
        target = output / f"{path.parent.name}-{path.stem}-clip.npz"
        if not target.exists():
            label = {"live": live, "attack": "" if live else REPLAY}
            look(clip_frames(path), source=path.parent.name, name="clip", **label).save(target)


def _record_pictures(root: Path, output: Path, look: "partial[Recording]") -> None:
    for found in discover(root):
        for live in (True, False):
            paths = [picture.path for picture in found.pictures if picture.live == live]
            runs = find_runs(thumbnails(paths))
            for number, run in enumerate(bar(runs, f"{found.name}, {len(runs)} runs", len(runs))):
                target = output / f"{found.name}-{LIVE if live else SPOOF}-run{number:02d}.npz"
                if target.exists():
                    continue
                pictures = (read_picture(paths[index]) for index in run)
                frames = ((place / ASSUMED_FPS, frame) for place, frame in enumerate(pictures))
                label = {"live": live, "attack": "" if live else RECAPTURED}
                try:
                    look(frames, source=found.name, name=f"run{number:02d}", **label).save(target)
                except ValueError as error:
                    say(str(error))


def _record_drawn(photo: Path, folder: str, output: Path, look: "partial[Recording]") -> None:
    source = f"photo-{photo.stem}"
    targets = [
        (live, number, output / f"{folder}-{photo.stem}-{LIVE if live else SPOOF}-drawn{number}.npz")
        for live in (True, False)
        for number in range(DRAWN_OF_EACH)
    ]
    if all(target.exists() for _, _, target in targets):
        return
    frame = read_picture(photo)
    detector, landmarker = look.keywords["detector"], look.keywords["landmarker"]
    faces = detector.detect(frame)
    if not faces:
        say(f"{photo.name}: no face")
        return
    still = brought_to_frame(frame, landmarker.mesh(frame, faces[0]))
    for live, number, target in targets:
        # The name alone is the seed: the same photo always gives the same sequences.
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(target.name.encode()).digest()[:8], "big"))
        fps = float(np.exp(rng.uniform(*np.log(DRAWN_FPS))))
        times = np.arange(DRAWN_FRAMES) / fps
        life, attack = LIVES[rng.integers(len(LIVES))], ATTACKS[rng.integers(len(ATTACKS))]
        drawn = person(still, life, times, rng) if live else moved_picture(still, attack, times, rng)
        try:
            look(
                zip(times, drawn, strict=True),
                source=source,
                name=f"drawn-{life if live else attack}-{number}",
                live=live,
                attack="" if live else attack,
            ).save(target)
        except ValueError as error:
            say(str(error))


def _chosen(folder: Path, count: int) -> Sequence[Path]:
    paths = [picture.path for picture in live_only(folder).pictures]
    # One of each sub-folder (a person) first, then spread over all.
    people = list({path.parent: path for path in paths}.values())
    pool = people if len(people) >= count else paths
    return [pool[place] for place in np.linspace(0, len(pool) - 1, min(count, len(pool))).astype(int)]


if __name__ == "__main__":
    main()
