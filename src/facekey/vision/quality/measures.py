"""Measures: light, sharpness and cover of an aligned face.

All are taken on the 112 px identity crop, so that they mean the same for every picture
size. The constants below were read off these measures over some 1,500 press photos,
portraits and webcam pictures, and copies of them that were blurred, darkened or masked.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from facekey.core.types import Crop, Floats

CROP_PX = 112  # what the regions below are written for
FACE = (slice(28, 104), slice(24, 88))  # rows and columns from the brows to the chin
EYES = (slice(42, 62), slice(24, 88))
MOUTH = (slice(80, 104), slice(42, 70))

NOISE_SIGMA = 1.0  # smooths sensor noise, which would pass for detail
VARIANCE_FLOOR = 4.0  # two grey levels: keeps a blank crop finite
BLURRED, SHARP = 0.0015, 0.030
"""Laplacian energy in parts of the whole variance. Faces blurred with a sigma of 4 % of
their width have 0.0024, of 6 % 0.0012; the median photograph has 0.028."""

DARK, LIT, GLARING, WHITE = 0.08, 0.35, 0.80, 0.98
"""Mean luminance of the face, 0..1. The darkest percentile of well-lit dark skin is at
0.22; 0.35 to 0.80 is as good as it gets."""

FLAT, MODELLED = 0.05, 0.35
"""Span of luminance from the 5th to the 95th percentile, 0..1."""

BARE_MOUTH = 0.44
"""Edge strength along the lips in parts of the edge strength around the eyes. One bare
face in a hundred has less than 0.34, faces in plain medical masks at most 0.19."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What can be seen in a crop. Scores are 0..1 and grow with quality.

    Attributes:
        sharpness: score.
        brightness: score; 1 for a wide middle range.
        luminance: mean brightness of the face, 0 black, 1 white.
        contrast: score.
        bareness: score; low where mouth and chin are covered by something plain.
    """

    sharpness: float
    brightness: float
    luminance: float
    contrast: float
    bareness: float


def measure(crop: Crop) -> Measures:
    """Measure an identity crop of any size."""
    grey = cv2.cvtColor(crop.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)  # (S, S)
    if grey.shape != (CROP_PX, CROP_PX):
        grey = cv2.resize(grey, (CROP_PX, CROP_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    face = grey[FACE]
    luminance = float(face.mean()) / 255
    low, high = np.percentile(face, (5, 95))
    return Measures(
        sharpness=_sharpness(face),
        brightness=min(ramp(luminance, DARK, LIT), ramp(luminance, WHITE, GLARING)),
        luminance=luminance,
        contrast=ramp(float(high - low) / 255, FLAT, MODELLED),
        bareness=_bareness(grey),
    )


def ramp(value: float, worst: float, best: float) -> float:
    """0 at `worst`, 1 at `best`, a straight line between and level beyond."""
    return min(1.0, max(0.0, (value - worst) / (best - worst)))


def _sharpness(face: Floats) -> float:
    """How much of the variance is fine detail.

    Parts of the variance, not absolute energy (Pech-Pacheco et al., "Diatom autofocusing
    in brightfield microscopy", ICPR 2000): else a dark face would count as blurred.
    """
    smooth = cv2.GaussianBlur(face, (0, 0), NOISE_SIGMA)
    detail = float(cv2.Laplacian(smooth, cv2.CV_32F).var())
    part = detail / (float(face.var()) + VARIANCE_FLOOR)
    # Blur acts on detail by factors, so the scale is logarithmic.
    return ramp(math.log(max(part, 1e-9)), math.log(BLURRED), math.log(SHARP))


def _bareness(grey: Floats) -> float:
    """Whether lips can be seen: they are the strongest horizontal edges below the nose.

    A mask, a scarf or a hand has none. Glasses and beards only add edges and don't lower
    the score by much. What has a pattern, or covers the eyes, is not noticed.
    """
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    eyes = float(np.hypot(across[EYES], down[EYES]).mean())
    mouth = float(np.abs(down[MOUTH]).mean())
    return ramp(mouth / (eyes + 1.0), 0.0, BARE_MOUTH)
