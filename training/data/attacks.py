"""Simulated presentation attacks: what a screen or a print does to a face.

They are made from live pictures, so that every live source has attacks of its own and
where a picture comes from says nothing about its label. What makes an attack
is what a live capture bears less of: gratings, dots, bands, glare, a grey film, the
softness of a second lens. Exposure and contrast alone are left to the augmentation,
which does the same to live and spoof.

What recapture does: Zhang et al., "Face Anti-spoofing via Disentangled Representation
Learning", ECCV 2020, and Agarwal et al., "A Diverse Large-Scale Dataset for Evaluating
Rebroadcast Attacks", ICASSP 2018. The formulas here are ours.
"""

import math
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator

from facekey.core.types import Floats, Pixels


def simulate(pixels: Pixels, rng: Generator) -> Pixels:
    """A screen replay or a print of this face: (S, S, 3) uint8 RGB -> the same."""
    image = pixels.astype(np.float32) / 255.0
    medium = rng.choice(3, p=(0.45, 0.3, 0.25))
    image = (screen, photo_print, plain)[medium](image, rng)
    return np.asarray(np.clip(image * 255.0 + 0.5, 0, 255), np.uint8)


def screen(image: Floats, rng: Generator) -> Floats:
    """A face on a phone, tablet or monitor: (S, S, 3) float32 0..1 -> about the same range."""
    image = _soften(image, rng, least=0.4, most=1.6)
    image = _film(image, rng, tint=(0.95, 1.0, 1.08), most=0.3)
    marks = rng.random(3)
    if marks[0] < 0.75:
        image = image * (1.0 + moire(image.shape[0], rng, strength=float(rng.uniform(0.04, 0.25))))
    if marks[1] < 0.35:
        image = image * (1.0 + bands(image.shape[0], rng, strength=float(rng.uniform(0.03, 0.15))))
    if marks[2] < 0.5 or marks[:2].min() > 0.5:
        image = _glare(image, rng)
    return _soften(image, rng, least=0.0, most=1.2)


def plain(image: Floats, rng: Generator) -> Floats:
    """A good screen, or a good print, a little out of focus: only the second lens shows.

    (S, S, 3) float32 0..1 -> about the same range.
    """
    image = _soften(image, rng, least=0.8, most=2.4)
    cold = rng.random() < 0.6
    image = _film(image, rng, tint=(0.94, 1.0, 1.1) if cold else (1.05, 1.0, 0.94), most=0.35)
    return _glare(image, rng) if rng.random() < 0.4 else image


def photo_print(image: Floats, rng: Generator) -> Floats:
    """A face on paper: (S, S, 3) float32 0..1 -> about the same range."""
    image = _soften(image, rng, least=0.4, most=1.4)
    image = _film(image, rng, tint=(1.04, 1.0, 0.95), most=0.3)
    image = image * (1.0 + halftone(image.shape[0], rng, strength=float(rng.uniform(0.05, 0.25))))
    if rng.random() < 0.6:
        image = image * (1.0 + _paper(image.shape[0], rng))
    if rng.random() < 0.6:
        image = image * _bend(image.shape[0], rng)
    if rng.random() < 0.25:
        image = _glare(image, rng)
    return _soften(image, rng, least=0.0, most=1.0)


def moire(side: int, rng: Generator, *, strength: float) -> Floats:
    """The beat of two pixel grids: (side, side, 3) float32, at most `strength` from 0.

    One or two gratings, bent a little as a lens bends them; the colours are out of step
    because red, green and blue stripes lie side by side.
    """
    x, y = _grid(side)
    total = np.zeros((side, side, 3), np.float32)
    gratings = int(rng.integers(1, 3))
    for _ in range(gratings):
        angle, frequency = rng.uniform(0, math.pi), rng.uniform(0.06, 0.48)
        bend = rng.normal(0, 1.5, 2) / side**2
        straight = frequency * (x * math.cos(angle) + y * math.sin(angle))
        phase = 2 * math.pi * (straight + bend[0] * x * x + bend[1] * y * y)
        steps = rng.uniform(0, 2 * math.pi) + np.arange(3) * rng.uniform(0, 2 * math.pi / 3)
        # cos(p + s) = cos p cos s - sin p sin s: two cosines of the whole square, not six
        cos, sin = np.cos(phase, dtype=np.float32)[..., None], np.sin(phase, dtype=np.float32)[..., None]
        total += cos * np.cos(steps).astype(np.float32) - sin * np.sin(steps).astype(np.float32)
    result: Floats = total * np.float32(strength / gratings)
    return result


def bands(side: int, rng: Generator, *, strength: float) -> Floats:
    """The refresh of a screen in a rolling shutter: (side, 1, 3) float32 stripes."""
    y = np.arange(side, dtype=np.float32)[:, None, None]
    frequency, phase = rng.uniform(1.0, 9.0) / side, rng.uniform(0, 2 * math.pi)
    steps = rng.uniform(0, 0.4) * np.arange(3)
    result: Floats = (strength * np.cos(2 * math.pi * frequency * y + phase + steps)).astype(np.float32)
    return result


def halftone(side: int, rng: Generator, *, strength: float) -> Floats:
    """Printed dots, one turned screen an ink: (side, side, 3) float32, at most `strength` from 0."""
    x, y = _grid(side)
    frequency = rng.uniform(0.18, 0.48)
    layers = []
    for ink_deg in (15.0, 75.0, 0.0):  # the usual screen angles of cyan, magenta and yellow
        angle = math.radians(ink_deg + rng.normal(0, 3))
        u = 2 * math.pi * frequency * (x * math.cos(angle) + y * math.sin(angle))
        v = 2 * math.pi * frequency * (y * math.cos(angle) - x * math.sin(angle))
        layers.append(np.cos(u, dtype=np.float32) * np.cos(v, dtype=np.float32))
    result: Floats = np.stack(layers, axis=-1) * np.float32(strength)
    return result


def _film(image: Floats, rng: Generator, *, tint: tuple[float, float, float], most: float) -> Floats:
    """Fewer colours, a lifted black and a tint, as light from or on a surface has them."""
    keep = rng.uniform(0.6, 1.1)
    grey = image.mean(axis=2, keepdims=True)
    lift = rng.uniform(0.0, most)
    colour = np.asarray(tint, np.float32) ** np.float32(rng.uniform(0.0, 2.0))
    result: Floats = ((grey + (image - grey) * keep) * (1 - lift) + lift * colour).astype(np.float32)
    return result


def _glare(image: Floats, rng: Generator) -> Floats:
    """The room mirrored in glass or gloss: one to three soft lights, one of them perhaps a bar."""
    side = image.shape[0]
    x, y = _grid(side)
    light = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.uniform(0, math.pi)
        along, across = rng.uniform(0.05, 0.7) * side, rng.uniform(0.03, 0.3) * side
        dx, dy = x - rng.uniform(0, side), y - rng.uniform(0, side)
        u = (dx * math.cos(angle) + dy * math.sin(angle)) / along
        v = (dy * math.cos(angle) - dx * math.sin(angle)) / across
        light += rng.uniform(0.1, 0.6) * np.exp(-(u * u + v * v))
    # A mirror image adds light; it can't pass white.
    result: Floats = (1 - (1 - np.clip(image, 0, 1)) * (1 - np.minimum(light, 0.95)[..., None])).astype(
        np.float32
    )
    return result


def _paper(side: int, rng: Generator) -> Floats:
    """Fibres: smoothed noise, (side, side, 1) float32."""
    noise = rng.standard_normal((side, side), dtype=np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), float(rng.uniform(0.5, 1.5)))
    noise *= rng.uniform(0.01, 0.05) / max(float(noise.std()), 1e-6)
    result: Floats = noise[..., None].astype(np.float32)
    return result


def _bend(side: int, rng: Generator) -> Floats:
    """Light over a curved sheet: (side, side, 1) float32 around 1."""
    x, y = _grid(side)
    angle = rng.uniform(0, 2 * math.pi)
    along = (x * math.cos(angle) + y * math.sin(angle)) / side
    phase = 2 * math.pi * rng.uniform(0.2, 0.8) * along + rng.uniform(0, 2 * math.pi)
    shade = 1 + rng.uniform(0.05, 0.3) * np.cos(phase)
    result: Floats = shade[..., None].astype(np.float32)
    return result


def _soften(image: Floats, rng: Generator, *, least: float, most: float) -> Floats:
    sigma = float(rng.uniform(least, most))
    if sigma < 0.2:
        return image
    return cv2.GaussianBlur(image, (0, 0), sigma).astype(np.float32, copy=False)


@lru_cache(maxsize=4)
def _grid(side: int) -> tuple[Floats, Floats]:
    y, x = np.mgrid[:side, :side].astype(np.float32)
    return x, y
