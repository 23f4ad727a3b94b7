"""Sequences made from one photo: a picture that is moved, or a person who lives.

Both are drawn as frames and go through the real detector and the real mesh, so that both
have the jitter of those networks and the noise of a camera, and nothing but the motion
tells them apart.

A *moved picture* is the whole photo on a sheet that is shaken, zoomed, turned, tilted
towards the camera (a homography), bent, or held still. A *person* is the face alone, moved
in three dimensions before a background that stays: turning, swaying, breathing. Its skin is
drawn by carrying every pixel along with the mesh around it. Lids and lips can't be drawn
that way, since what they hide isn't in the photo: `training.data.mimic` adds them to the mesh.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from facekey.core.types import FaceMesh, Floats, Frame, Pixels
from training.data.mimic import wander

FRAME_PX = 320  # side of a drawn frame; the face takes about half of it
FACE_SHARE = 0.45  # width of the face over the frame's side
GRID_PX = 5  # spacing of the grid on which the skin's motion is worked out
COARSE = 5  # a sheet's map is worked out for every fifth pixel; it is smooth between
FOCAL = 2.2  # focal length over the frame's side: a webcam's or a phone's

Attack = Literal["still", "shaken", "zoomed", "turned", "tilted", "bent", "all"]
ATTACKS: tuple[Attack, ...] = ("still", "shaken", "zoomed", "turned", "tilted", "bent", "all")
Life = Literal["quiet", "swaying", "turning", "all"]
LIVES: tuple[Life, ...] = ("quiet", "swaying", "turning", "all")


@dataclass(frozen=True, slots=True)
class Still:
    """A photo brought to the size of a frame.

    Attributes:
        pixels: (FRAME_PX, FRAME_PX, 3) uint8 RGB.
        mesh: (468, 3) float32, frame pixels.
    """

    pixels: Pixels
    mesh: Floats


def brought_to_frame(frame: Frame, mesh: FaceMesh) -> Still:
    """Scale and shift a photo so that its face stands in the middle of a drawn frame."""
    low, high = mesh.points[:, :2].min(axis=0), mesh.points[:, :2].max(axis=0)
    scale = FACE_SHARE * FRAME_PX / float((high - low).max())
    shift = np.array([0.5, 0.52]) * FRAME_PX - scale * (low + high) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    pixels = cv2.warpAffine(
        frame.pixels, matrix, (FRAME_PX, FRAME_PX), flags=interpolation, borderMode=cv2.BORDER_REFLECT_101
    )
    points = mesh.points * scale
    points[:, :2] += shift
    return Still(pixels.astype(np.uint8), points.astype(np.float32))


def moved_picture(
    still: Still, attack: Attack, times: NDArray[np.float64], rng: Generator
) -> Iterator[Frame]:
    """Frames of the photo on a sheet that somebody moves before the camera."""
    sheet = _sheet_motion(attack, times, rng)
    camera = _Camera(times, rng)
    for number, row in enumerate(sheet):
        yield Frame(camera.takes(_sheet(still.pixels, row), number))


def person(still: Still, life: Life, times: NDArray[np.float64], rng: Generator) -> Iterator[Frame]:
    """Frames of the face of the photo as a living person's."""
    head = _head_motion(life, times, rng)
    camera = _Camera(times, rng)
    for number, row in enumerate(head):
        yield Frame(camera.takes(_carried(still, _face(still.mesh, row)), number))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """How the sheet is held in one frame: shifts in frames, turns in radians."""

    x: float
    y: float
    zoom: float
    roll: float
    yaw: float
    pitch: float
    bend: float


def _sheet_motion(attack: Attack, times: NDArray[np.float64], rng: Generator) -> list[_Sheet]:
    def share(*kinds: Attack) -> float:
        return 1.0 if attack in (*kinds, "all") else 0.0

    tremor = 0.0 if attack == "still" else 0.004
    speed = rng.uniform(0.15, 1.2)
    x = wander(times, rng, speed) * 0.10 * share("shaken") + wander(times, rng, 4.0) * tremor
    y = wander(times, rng, speed) * 0.08 * share("shaken") + wander(times, rng, 4.0) * tremor
    zoom = wander(times, rng, speed) * 0.22 * share("zoomed")
    roll = wander(times, rng, speed) * 0.30 * share("turned") + wander(times, rng, 3.0) * tremor
    yaw = wander(times, rng, speed) * 0.60 * share("tilted", "bent")
    pitch = wander(times, rng, speed) * 0.45 * share("tilted")
    bend = (rng.uniform(-0.9, 0.9) + wander(times, rng, speed) * 0.6) * share("bent")
    return [_Sheet(*row) for row in zip(x, y, np.exp(zoom), roll, yaw, pitch, bend, strict=True)]


def _sheet(pixels: Pixels, held: _Sheet) -> Pixels:
    """The sheet as a camera sees it: every pixel of the frame is traced back to the paper."""
    side = FRAME_PX
    # A coarse net on the paper, bent around an upright cylinder, turned, then seen.
    steps = np.linspace(-0.75, 0.75, 25)  # reaches over the edge so that the frame stays full
    u, v = np.meshgrid(steps, steps)
    if abs(held.bend) > 1e-3:
        net = np.stack([np.sin(u * held.bend) / held.bend, v, (1 - np.cos(u * held.bend)) / held.bend], -1)
    else:
        net = np.stack([u, v, np.zeros_like(u)], -1)
    seen = _project(net.reshape(-1, 3) @ _rotation(held.yaw, held.pitch, held.roll).T, held)
    # The map is needed from frame to paper; between net points it is smooth.
    back = _inverse_map(seen, np.stack([u.ravel(), v.ravel()], -1), side)
    places = (np.clip(back, -0.7, 0.7) + 0.5) * side
    return cv2.remap(
        pixels,
        places[..., 0].astype(np.float32),
        places[..., 1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    ).astype(np.uint8)


def _project(points: NDArray[np.float64], held: _Sheet) -> NDArray[np.float64]:
    depth = FOCAL / held.zoom + points[:, 2]
    return FOCAL * points[:, :2] / depth[:, None] + (held.x, held.y)


def _inverse_map(seen: NDArray[np.float64], paper: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """For each pixel of the frame the place on the paper: (side, side, 2), -0.5..0.5 on it."""
    # A polynomial of degree 5 describes homographies and gentle bends to a fraction of a pixel.
    near = np.all(np.abs(seen) < 0.75, axis=1)
    weights, *_ = np.linalg.lstsq(_powers(seen[near]), paper[near], rcond=None)
    coarse = side // COARSE
    axis = (np.arange(coarse) + 0.5) / coarse - 0.5
    x, y = np.meshgrid(axis, axis)
    places = (_powers(np.stack([x.ravel(), y.ravel()], -1)) @ weights).reshape(coarse, coarse, 2)
    return cv2.resize(places, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float64)


def _powers(points: NDArray[np.float64], degree: int = 5) -> NDArray[np.float64]:
    x, y = points[:, 0], points[:, 1]
    return np.stack([x**i * y**j for i in range(degree + 1) for j in range(degree + 1 - i)], -1)


@dataclass(frozen=True, slots=True)
class _Head:
    """How a head is held in one frame: shifts in face widths, turns in radians."""

    x: float
    y: float
    zoom: float
    yaw: float
    pitch: float
    roll: float


def _head_motion(life: Life, times: NDArray[np.float64], rng: Generator) -> list[_Head]:
    turn = 1.0 if life in ("turning", "all") else rng.uniform(0.05, 0.25)
    sway = 1.0 if life in ("swaying", "all") else rng.uniform(0.1, 0.4)
    breath = np.sin(2 * np.pi * times * rng.uniform(0.2, 0.35)) * 0.006
    x = wander(times, rng, 0.4) * 0.05 * sway
    y = wander(times, rng, 0.4) * 0.03 * sway + breath
    zoom = wander(times, rng, 0.4) * 0.06 * sway
    yaw = wander(times, rng, rng.uniform(0.2, 0.8)) * rng.uniform(0.15, 0.45) * turn
    pitch = wander(times, rng, rng.uniform(0.2, 0.8)) * rng.uniform(0.08, 0.25) * turn
    roll = wander(times, rng, 0.4) * 0.06
    return [_Head(*row) for row in zip(x, y, np.exp(zoom), yaw, pitch, roll, strict=True)]


def _face(mesh: Floats, held: _Head) -> NDArray[np.float64]:
    """The mesh after the movement: (468, 3)."""
    width = float(np.ptp(mesh[:, 0]))
    # The neck, not the middle of the face, is what a head turns about.
    pivot = mesh.mean(axis=0).astype(np.float64) + np.array([0.0, 0.25 * width, 0.35 * width])
    points = (mesh - pivot) @ _rotation(held.yaw, held.pitch, held.roll).T + pivot
    centre = np.array([FRAME_PX / 2, FRAME_PX / 2])
    depth = FOCAL * FRAME_PX / held.zoom
    scale = FOCAL * FRAME_PX / (depth + points[:, 2:])
    points[:, :2] = (points[:, :2] - centre) * scale + centre + width * np.array([held.x, held.y])
    return points


def _carried(still: Still, target: NDArray[np.float64]) -> Pixels:
    """The photo with the skin carried from its mesh to another one; far away nothing moves."""
    nodes = np.arange(0, FRAME_PX + GRID_PX, GRID_PX, dtype=np.float64)
    x, y = np.meshgrid(nodes, nodes)
    grid = np.stack([x.ravel(), y.ravel()], -1)  # (G, 2)
    width = float(np.ptp(still.mesh[:, 0]))
    spread = (0.02 * width) ** 2
    distance = (
        np.square(grid).sum(axis=1)[:, None]
        + np.square(target[:, :2]).sum(axis=1)[None]
        - 2 * grid @ target[:, :2].T
    )  # (G, 468)
    weight = 1.0 / np.square(np.maximum(distance, 0) + spread)
    # Hidden points must not pull at what is before them: nearer ones count more.
    weight *= np.exp(-(target[:, 2] - target[:, 2].min()) / (0.5 * width))[None]
    far = 6.0 / np.square((0.22 * width) ** 2)  # weight of staying in place
    motion = weight @ (still.mesh[:, :2] - target[:, :2]) / (weight.sum(axis=1) + far)[:, None]
    dense = cv2.resize(
        motion.reshape(len(nodes), len(nodes), 2).astype(np.float32),
        (FRAME_PX + GRID_PX, FRAME_PX + GRID_PX),
        interpolation=cv2.INTER_LINEAR,
    )[:FRAME_PX, :FRAME_PX]
    axis = np.arange(FRAME_PX, dtype=np.float32)
    here_x, here_y = np.meshgrid(axis, axis)
    return cv2.remap(
        still.pixels,
        here_x + dense[..., 0],
        here_y + dense[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    ).astype(np.uint8)


class _Camera:
    """A hand that holds it, blur, light, noise and JPEG: the same sort for both labels."""

    def __init__(self, times: NDArray[np.float64], rng: Generator) -> None:
        self._rng = rng
        held = float(rng.random() < 0.5)  # in a hand, or standing on a desk
        self._shake = held * np.stack([wander(times, rng, 1.5) * size for size in (2.0, 2.0, 0.01)], -1)
        self._noise = rng.uniform(0.5, 5.0)
        self._blur = rng.uniform(0.0, 0.9)
        self._gain = rng.uniform(0.75, 1.1)
        self._flicker = rng.uniform(0.0, 0.02)
        self._jpeg = int(rng.integers(60, 96))

    def takes(self, pixels: Pixels, number: int) -> Pixels:
        """The scene as this camera would give it."""
        x, y, roll = self._shake[number]
        if self._shake.any():
            turn = cv2.getRotationMatrix2D((FRAME_PX / 2, FRAME_PX / 2), float(np.degrees(roll)), 1.0)
            turn[:, 2] += x, y
            pixels = cv2.warpAffine(
                pixels, turn, (FRAME_PX, FRAME_PX), borderMode=cv2.BORDER_REFLECT_101
            ).astype(np.uint8)
        seen = pixels.astype(np.float32) * (self._gain * (1 + self._rng.normal(0, self._flicker)))
        if self._blur > 0.2:
            seen = cv2.GaussianBlur(seen, (0, 0), self._blur).astype(np.float32)
        seen += self._rng.normal(0, self._noise, seen.shape).astype(np.float32)
        whole = np.clip(seen, 0, 255).astype(np.uint8)
        done, data = cv2.imencode(".jpg", whole[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self._jpeg])
        back = cv2.imdecode(data, cv2.IMREAD_COLOR) if done else None
        if back is None:
            raise RuntimeError("a drawn frame can't be encoded")
        return np.ascontiguousarray(back[..., ::-1]).astype(np.uint8, copy=False)


def _rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    cy, cp, cr = np.cos([yaw, pitch, roll])
    sy, sp, sr = np.sin([yaw, pitch, roll])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y
