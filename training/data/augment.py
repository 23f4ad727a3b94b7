"""Augmentation: what cameras, light and files do to any face, live or not.

The same chances for both labels: whatever is changed here, the network must learn to
look past.
"""

import math

import cv2
import numpy as np
from numpy.random import Generator

from facekey.core.types import Pixels
from training.data.crops import CROP_PX, MARGIN_PX, STORED_PX

INTERPOLATIONS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_NEAREST)


def augment(stored: Pixels, rng: Generator) -> Pixels:
    """One look at a stored crop: (STORED_PX, STORED_PX, 3) uint8 RGB -> (CROP_PX, CROP_PX, 3)."""
    if rng.random() < 0.3:
        stored = _tighten(stored, rng)
    image = _move(stored, rng)  # (CROP_PX, CROP_PX, 3)
    chances = rng.random(8)
    if chances[0] < 0.1:
        image = _blur(image, rng)
    if chances[1] < 0.15:
        image = _resample(image, rng)
    if chances[2] < 0.6:
        image = _relight(image, rng)
    if chances[3] < 0.3:
        image = _saturate(image, rng)
    if chances[4] < 0.15:
        image = _sharpen(image, rng)
    if chances[5] < 0.35:
        image = _noise(image, rng)
    if chances[6] < 0.4:
        image = _compress(image, rng)
    if chances[7] < 0.35:
        image = _cut_out(image, rng)
    return np.ascontiguousarray(image)


def _tighten(stored: Pixels, rng: Generator) -> Pixels:
    """As if the picture had been cut close to the face, as many public ones are: a mirrored rim.

    Some sources are cut so and some are not; done to all, it says nothing about the label.
    """
    width, height = (STORED_PX * rng.uniform((0.66, 0.8), (0.95, 1.0))).astype(int)
    x, y = (STORED_PX - width) // 2, (STORED_PX - height) // 2
    inner = stored[y : y + height, x : x + width]
    below, right = STORED_PX - height - y, STORED_PX - width - x
    return cv2.copyMakeBorder(inner, y, below, x, right, cv2.BORDER_REFLECT_101).astype(np.uint8, copy=False)


def _move(stored: Pixels, rng: Generator) -> Pixels:
    """Shift, and in half of the cases turn and scale; the other half keep their pixels untouched."""
    if rng.random() < 0.5:
        stored = stored[:, ::-1]
    if rng.random() < 0.5:
        x, y = rng.integers(MARGIN_PX - 5, MARGIN_PX + 6, 2)
        return stored[y : y + CROP_PX, x : x + CROP_PX]
    angle, scale = math.radians(rng.normal(0, 7)), math.exp(rng.normal(0, 0.08))
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    center = (STORED_PX - 1) / 2
    x, y = (CROP_PX - 1) / 2 + rng.uniform(-6, 6, 2)
    matrix = np.array([[cos, -sin, x - (cos - sin) * center], [sin, cos, y - (sin + cos) * center]])
    how = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
    moved = cv2.warpAffine(
        np.ascontiguousarray(stored), matrix, (CROP_PX, CROP_PX), flags=how, borderMode=cv2.BORDER_REFLECT_101
    )
    return moved.astype(np.uint8, copy=False)


def _relight(image: Pixels, rng: Generator) -> Pixels:
    """Exposure, gamma, contrast and colour temperature, as one table a channel."""
    levels = np.arange(256, dtype=np.float32)[:, None] / 255.0
    warmth = rng.normal(0, 0.05)
    gains = math.exp(rng.normal(0, 0.2)) * np.exp([warmth, rng.normal(0, 0.03), -warmth])
    gamma = math.exp(rng.normal(0, 0.3))
    contrast, pivot = math.exp(rng.normal(0, 0.15)), rng.uniform(0.3, 0.6)
    curve = (levels**gamma - pivot) * contrast + pivot
    table = np.clip(curve * gains * 255.0 + 0.5, 0, 255).astype(np.uint8)  # (256, 3)
    return cv2.LUT(image, table[None]).astype(np.uint8, copy=False)


def _saturate(image: Pixels, rng: Generator) -> Pixels:
    keep = 0.0 if rng.random() < 0.25 else rng.uniform(0.4, 1.6)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, keep, grey, 1 - keep, 0).astype(np.uint8, copy=False)


def _blur(image: Pixels, rng: Generator) -> Pixels:
    if rng.random() < 0.6:
        return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.8))).astype(np.uint8, copy=False)
    length = int(rng.integers(3, 8))  # px, motion
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1.0 / length
    middle = ((length - 1) / 2, (length - 1) / 2)
    kernel = cv2.warpAffine(kernel, cv2.getRotationMatrix2D(middle, rng.uniform(0, 180), 1), (length, length))
    kernel /= max(float(kernel.sum()), 1e-6)
    return cv2.filter2D(image, -1, kernel).astype(np.uint8, copy=False)


def _resample(image: Pixels, rng: Generator) -> Pixels:
    """Through a smaller picture and back, as a far face or a web page does."""
    small = int(CROP_PX * rng.uniform(0.35, 0.9))
    down, up = rng.choice(INTERPOLATIONS[:3], 2)
    shrunk = cv2.resize(image, (small, small), interpolation=int(down))
    return cv2.resize(shrunk, (CROP_PX, CROP_PX), interpolation=int(up)).astype(np.uint8, copy=False)


def _sharpen(image: Pixels, rng: Generator) -> Pixels:
    amount = rng.uniform(0.3, 1.5)
    smooth = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.6, 1.5)))
    return cv2.addWeighted(image, 1 + amount, smooth, -amount, 0).astype(np.uint8, copy=False)


def _noise(image: Pixels, rng: Generator) -> Pixels:
    """Sensor noise: grows with the light, and is smooth where a camera has smoothed it."""
    sigma = rng.uniform(1.0, 9.0)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < 0.4:
        noise = cv2.GaussianBlur(noise, (0, 0), 0.7) * 1.8
    level = np.sqrt(image.astype(np.float32) / 128.0 + 0.1)
    return np.asarray(np.clip(image + sigma * level * noise + 0.5, 0, 255), np.uint8)


def _compress(image: Pixels, rng: Generator) -> Pixels:
    quality = int(rng.integers(30, 96))
    kept, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not kept:
        return image
    # Encoder and decoder both take the channels for BGR, so RGB comes back as RGB; the
    # halved colour planes differ a little, which is one more variation.
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _cut_out(image: Pixels, rng: Generator) -> Pixels:
    """One or two flat rectangles: no single spot may give the label away (DeVries, 2017)."""
    image = image.copy()
    for _ in range(int(rng.integers(1, 3))):
        height, width = rng.integers(8, 44, 2)
        y, x = rng.integers(0, CROP_PX - height), rng.integers(0, CROP_PX - width)
        image[y : y + height, x : x + width] = rng.integers(0, 256, 3)
    return image
