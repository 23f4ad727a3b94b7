"""Any sampling rate to 16 kHz, by the spectrum: no echo of what lies above the new half rate."""

import math

import numpy as np

from facekey.core.types import Floats

RATE_HZ = 16_000
EDGE = 0.96  # the share of the band below which nothing changes; above it fades out, so that nothing rings
PAD_S = 0.05  # of silence at both ends: a spectrum takes the end for the neighbour of the beginning


def to_16_khz(samples: Floats, rate_hz: int) -> Floats:
    """The same sound at 16 kHz.

    Args:
        samples: (N,) float32.
        rate_hz: of `samples`.

    Returns:
        (round(N * 16000 / rate_hz),) float32.
    """
    if rate_hz == RATE_HZ or not samples.size:
        return samples
    # Both lengths must be whole: one block is the shortest that has a whole number in both rates.
    block = rate_hz // math.gcd(rate_hz, RATE_HZ)
    pad = block * math.ceil(PAD_S * rate_hz / block)
    length = block * math.ceil((len(samples) + 2 * pad) / block)
    padded = np.zeros(length, np.float64)
    padded[pad : pad + len(samples)] = samples
    count = length * RATE_HZ // rate_hz
    spectrum = np.fft.rfft(padded)[: count // 2 + 1]
    band_hz = min(rate_hz, RATE_HZ) / 2
    at = np.arange(len(spectrum)) * (rate_hz / length) / band_hz  # 1 is the edge of the narrower band
    fade = 0.5 + 0.5 * np.cos(np.pi * np.clip((at - EDGE) / (1 - EDGE), 0, 1))
    sound = np.fft.irfft(spectrum * fade, count) * (count / length)
    start = pad * RATE_HZ // rate_hz
    return sound[start : start + round(len(samples) * RATE_HZ / rate_hz)].astype(np.float32)
