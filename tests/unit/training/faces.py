"""Synthetic crops: no person is in them, and live and spoof differ in one clear way."""

import numpy as np

from facekey.core.types import Pixels
from training.data.crops import STORED_PX, CropSet


def crops(count: int, seed: int) -> Pixels:
    """(N, STORED_PX, STORED_PX, 3) uint8: a soft blob of a random colour on a random ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:STORED_PX, :STORED_PX] / STORED_PX - 0.5
    blob = np.exp(-(x * x + y * y) * 12)[None, ..., None]
    ground, colour = rng.uniform(20, 120, (2, count, 1, 1, 3))
    noise = rng.normal(0, 3, (count, STORED_PX, STORED_PX, 3))
    return np.asarray(np.clip(ground + blob * colour + noise, 0, 255), np.uint8)


def crop_set(name: str, count: int, seed: int) -> CropSet:
    """Half live; the spoofs wear stripes."""
    pixels = crops(count, seed)
    live = np.arange(count) % 2 == 0
    stripes = np.where(np.arange(STORED_PX) % 6 < 3, 40, 0).astype(np.uint8)[None, None, :, None]
    pixels[~live] = np.minimum(pixels[~live], 215) + stripes
    paths = np.array([f"person{index % 5}/{index}.jpg" for index in range(count)])
    return CropSet(name, pixels, live, paths, 0)
