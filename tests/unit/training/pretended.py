"""Networks that find a face in any picture and a new person in each, and pictures for them."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from facekey.core.types import Box, Crop, Detection, Embedding, Frame, IdentityLayout, ModelId, Pixels
from tests.unit.training.faces import crop_set

POINTS = np.array([[0.38, 0.4], [0.62, 0.4], [0.5, 0.55], [0.4, 0.7], [0.6, 0.7]], np.float32)


class Anybody:
    """An embedder to which every picture shows another person."""

    model_id = ModelId("anybody")
    crop_px = 112
    layout: IdentityLayout = "identity"

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        found = []
        for crop in crops:
            vector = np.random.default_rng(int(crop.pixels.sum())).normal(size=64)
            found.append(Embedding((vector / np.linalg.norm(vector)).astype(np.float32), self.model_id))
        return found


class MiddleFace:
    """Finds one upright face in the middle of every picture."""

    def detect(self, frame: Frame) -> list[Detection]:
        height, width = frame.size
        box = Box(0.05 * width, 0.05 * height, 0.95 * width, 0.95 * height)
        return [Detection(box, POINTS * (width, height), 0.99, ModelId("middle"))]


def write_sets(folder: Path) -> None:
    """Two labelled sets in `pad` and one of live people in `people`, drawn by numbers."""
    for index, name in enumerate(("one", "two")):
        crops = crop_set(name, 16, seed=index)
        for number, (pixels, live) in enumerate(zip(crops.pixels, crops.live, strict=True)):
            write(folder / "pad" / name / ("live" if live else "spoof") / f"{number}.png", pixels)
    people = crop_set("people", 12, seed=9)
    for number, pixels in enumerate(people.pixels):
        write(folder / "people" / f"person{number % 6}" / f"{number}.png", pixels)


def write(path: Path, pixels: Pixels) -> None:
    """Write an RGB picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
