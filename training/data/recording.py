"""Recordings: what the service's own detector and mesh saw in the frames of one clip.

A recording is kept instead of the frames: it is small, and from it every window at every
frame rate can be cut. The liveness network is asked again for each run, because it is
trained again more often than the mesh; the boxes that it needs are kept as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekey.core.ports.vision import Detector, EyeReader, Landmarker
from facekey.core.types import Box, Detection, Floats, Frame, ModelId, Pixels
from facekey.vision.liveness.patch import cut_patch
from facekey.vision.quality.pose import head_pose

MIN_PRESENCE = 0.3  # the quality gate's own line: what is below is no face
KEPT = ("at_s", "index", "points", "presence", "boxes", "landmarks", "poses", "lids", "patches", "to_frame")


@dataclass(frozen=True, slots=True)
class Recording:
    """One face over time; frames without a face are left out.

    Attributes:
        source: whom it must leave together with: the set, or the photo it was made from.
        name: tells it from others of the source.
        live: False for an attack.
        attack: kind of attack, empty for live.
        at_s: (T,) float64.
        index: (T,) which frame of the clip.
        points: (T, 468, 3) float32, frame pixels.
        presence: (T,).
        boxes: (T, 4) float32 `xyxy`.
        landmarks: (T, 5, 2) float32.
        poses: (T, 3) float32, yaw, pitch, roll in degrees.
        lids: (T, 2) float32, how far the right and the left eye are open.
        patches: (T, S, S) uint8 grey.
        to_frame: (T, 2, 3) float32, patch to frame.
    """

    source: str
    name: str
    live: bool
    attack: str
    at_s: NDArray[np.float64] = field(repr=False)
    index: NDArray[np.intp] = field(repr=False)
    points: Floats = field(repr=False)
    presence: Floats = field(repr=False)
    boxes: Floats = field(repr=False)
    landmarks: Floats = field(repr=False)
    poses: Floats = field(repr=False)
    lids: Floats = field(repr=False)
    patches: Pixels = field(repr=False)
    to_frame: Floats = field(repr=False)

    def __len__(self) -> int:
        return len(self.at_s)

    def detection(self, place: int) -> Detection:
        """The face of one frame, as the detector gave it."""
        x1, y1, x2, y2 = map(float, self.boxes[place])
        return Detection(Box(x1, y1, x2, y2), self.landmarks[place], 1.0, ModelId("recording"))

    def save(self, path: Path) -> None:
        """Write it; all of its numbers in one file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(
            part,
            about=np.array([self.source, self.name, "live" if self.live else "spoof", self.attack]),
            **{name: getattr(self, name) for name in KEPT},
        )
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Recording":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            source, name, label, attack = (str(value) for value in stored["about"])
            return cls(source, name, label == "live", attack, *(stored[name] for name in KEPT))


def record(
    frames: Iterable[tuple[float, Frame]],
    *,
    source: str,
    name: str,
    live: bool,
    attack: str = "",
    detector: Detector,
    landmarker: Landmarker,
    eyes: EyeReader,
) -> Recording:
    """Look at every frame as the service would, and keep what was seen of its largest face.

    Raises:
        ValueError: no frame shows a face.
    """
    rows: dict[str, list[NDArray[np.generic]]] = {name: [] for name in KEPT}
    for index, (at_s, frame) in enumerate(frames):
        face = _largest(detector.detect(frame))
        if face is None:
            continue
        mesh = landmarker.mesh(frame, face)
        if mesh.presence < MIN_PRESENCE:
            continue
        pose = head_pose(mesh, face.landmarks)
        lids = eyes.lids(frame, mesh)
        patch = cut_patch(frame, face)
        box = face.box
        for key, value in zip(
            KEPT,
            (
                np.float64(at_s),
                np.intp(index),
                mesh.points,
                np.float32(mesh.presence),
                np.array([box.x1, box.y1, box.x2, box.y2], np.float32),
                face.landmarks,
                np.array([pose.yaw_deg, pose.pitch_deg, pose.roll_deg], np.float32),
                np.array([lids.right, lids.left], np.float32),
                patch.pixels,
                patch.to_frame,
            ),
            strict=True,
        ):
            rows[key].append(np.asarray(value))
    if not rows["at_s"]:
        raise ValueError(f"{source}/{name}: no frame shows a face")
    return Recording(source, name, live, attack, *(np.stack(rows[key]) for key in KEPT))


def _largest(faces: Sequence[Detection]) -> Detection | None:
    return max(faces, key=lambda face: face.box.area, default=None)
