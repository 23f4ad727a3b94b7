"""Synthetic crops: no person is in them, and live and spoof differ in one clear way."""

import numpy as np

from facekey.core.types import Floats, Pixels
from training.data.bank import Looks
from training.data.crops import STORED_PX, CropSet
from training.data.sampling import Cell, cells


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
    return CropSet(name, pixels, live, paths, identities(count, seed), 0)


def identities(count: int, seed: int, people: int = 5) -> Floats:
    """(N, 32) float32 unit vectors: picture i shows person i % `people`, nobody of another seed."""
    rng = np.random.default_rng((seed, 1))
    someone = rng.normal(size=(people, 32))
    vectors = someone[np.arange(count) % people] + rng.normal(0, 0.1, (count, 32))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def looks_of(crops: CropSet, forms: int = 2) -> Looks:
    """Forms of a set without teachers: its middles, several times."""
    picture = np.repeat(np.arange(len(crops.live)), forms)
    nothing = np.zeros((len(picture), 0), np.float16)
    return Looks(crops.name, crops.middle()[picture], crops.live[picture], picture, nothing)


def all_cells(*sets: CropSet) -> list[Cell]:
    """All of some sets to train on."""
    found: list[Cell] = []
    for crops in sets:
        found += cells(looks_of(crops), np.ones(len(crops.live), bool))
    return found
