"""Glimpses of a made-up face that moves, for tests of what is told from movement."""

import cv2
import numpy as np
from numpy.typing import NDArray

from facekey.core.types import (
    Box,
    Detection,
    Evidence,
    Expression,
    FaceMesh,
    FacePatch,
    Floats,
    Glimpse,
    Lids,
    Liveness,
    ModelId,
    Pixels,
    Quality,
)

SIDE = 128
MIDDLE = SIDE / 2
RADIUS = 46.0
NOSE_PX = 30.0  # how far the middle of the face stands out


def head() -> Floats:
    """468 points on a bulging face in patch pixels, spread over a disc: (468, 3)."""
    number = np.arange(468)
    radius = RADIUS * np.sqrt((number + 0.5) / 468)
    angle = number * np.pi * (3 - np.sqrt(5))
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    return np.stack([MIDDLE + x, MIDDLE + y, -bulge(x, y)], axis=1).astype(np.float32)


def bulge(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """How near the face is at a place, from its middle; a ridge like a nose on a round head."""
    round_head = 1 - (x**2 + y**2) / RADIUS**2
    nose = np.exp(-(x**2) / 60 - (y - 5) ** 2 / 250)
    return np.asarray(NOSE_PX * (0.5 * round_head + 0.6 * nose))


def skin(seed: int = 0) -> Pixels:
    """A face's texture: (SIDE, SIDE) grey."""
    noise = np.random.default_rng(seed).normal(0, 1, (SIDE, SIDE)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 1.6)
    texture: Pixels = np.clip(128 + 45 * soft / soft.std(), 0, 255).astype(np.uint8)
    return texture


def turned_head(texture: Pixels, by: float) -> FacePatch:
    """The texture on the bulging face, turned a little: what is near moves `by` px for each px of depth."""
    axis = np.arange(SIDE, dtype=np.float64) - MIDDLE
    x, y = np.meshgrid(axis, axis)
    moved = (x - by * bulge(x, y) + MIDDLE).astype(np.float32)
    return _seen(texture, moved, (y + MIDDLE).astype(np.float32))


def tilted_sheet(texture: Pixels, by: float) -> FacePatch:
    """The texture on a sheet, tilted so that one side comes nearer."""
    tilt = np.array([[1 + by, 0, -by * MIDDLE], [0, 1, 0], [by / 70, 0, 1 - by * MIDDLE / 70]])
    seen = cv2.warpPerspective(texture, tilt, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)
    return FacePatch(seen.astype(np.uint8, copy=False), np.eye(2, 3, dtype=np.float32))


def glimpse(
    at_s: float,
    *,
    points: Floats | None = None,
    patch: FacePatch | None = None,
    lids: Lids | None = None,
    live: float = 0.5,
    yaw_deg: float = 0.0,
) -> Glimpse:
    """One frame; what isn't said stands still."""
    evidence = Evidence(
        embeddings=(),
        quality=Quality(0.9, 0.8, 0.8, 1.0, yaw_deg, 0.0, 0.0, 200.0, 0.85, ()),
        liveness=Liveness(live, {}),
        detection=Detection(Box(0, 0, 100, 100), np.zeros((5, 2), np.float32), 0.99, ModelId("made")),
        thumbprint=np.zeros((16, 16), np.float32),
    )
    mesh = FaceMesh(head() if points is None else points, 1.0)
    return Glimpse(at_s, evidence, mesh, Expression(0.25, 0.25, 0.05, 0.55), patch=patch, lids=lids)


def _seen(texture: Pixels, x: Floats, y: Floats) -> FacePatch:
    pixels = cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return FacePatch(pixels.astype(np.uint8, copy=False), np.eye(2, 3, dtype=np.float32))
