"""Steady noise taken off a mel spectrogram.

Spectral subtraction with more than the noise and a floor (Berouti et al., "Enhancement of
speech corrupted by acoustic noise", ICASSP 1979). The encoder hears powers without a
logarithm, so this is a subtraction. `python -m bench voice` shows what it is worth.
"""

import numpy as np

from facekey.core.types import Floats

OVER = 2.0  # so many times the noise is taken off: it varies, and what is left of it is heard
FLOOR = 0.05  # this share of each power stays
LEAST_FRAMES = 15  # of quiet; fewer say nothing of the noise
QUIET_SHARE = 0.1  # without quiet: the lowest tenth of each band


def noise_of(quiet: Floats, speech: Floats) -> Floats:
    """The noise in each band, (40,) float32.

    Args:
        quiet: (Q, 40) float32, frames in which nobody speaks.
        speech: (T, 40) float32, the others, at least one; asked where there is too little quiet.
    """
    if len(quiet) < LEAST_FRAMES:
        return np.asarray(2.0 * np.quantile(speech, QUIET_SHARE, axis=0), dtype=np.float32)
    # The power of noise is distributed exponentially: its mean is the median over ln 2, and
    # a median doesn't follow a door that slams.
    return np.asarray(np.median(quiet, axis=0) / np.log(2.0), dtype=np.float32)


def without_noise(speech: Floats, noise: Floats) -> Floats:
    """The powers less the noise, (T, 40) float32."""
    return np.asarray(np.maximum(speech - OVER * noise, FLOOR * speech), dtype=np.float32)
