"""Mel spectrograms: what the speaker encoder hears.

Powers in 40 bands, 25 ms windows 10 ms apart at 16 kHz, no logarithm: the numbers that the
encoder was trained on (librosa's `melspectrogram` with `n_fft=400, hop_length=160,
n_mels=40`; the golden test holds both against each other).
"""

import numpy as np
from numpy.typing import NDArray

from facekey.core.types import Floats
from facekey.voice.resample import RATE_HZ

WINDOW, HOP, BANDS = 400, 160, 40

# The mel scale of Slaney's Auditory Toolbox (1998): straight up to 1 kHz, logarithmic above.
_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ, _BREAK_MEL = 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27.0


def mel_spectrogram(samples: Floats) -> Floats:
    """Powers in mel bands; frame i is centred on sample 160 i, beyond the ends is silence.

    Args:
        samples: (N,) float32 at 16 kHz.

    Returns:
        (N // 160 + 1, 40) float32.
    """
    padded = np.pad(samples, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]  # (T, 400)
    powers = np.abs(np.fft.rfft(frames * _HANN, axis=1)) ** 2  # (T, 201)
    return np.asarray(powers @ _FILTERS, dtype=np.float32)  # (T, 40)


def _filters() -> NDArray[np.float64]:
    """Triangles, even on the mel scale, each of the same area; (201, 40)."""
    highest_mel = _BREAK_MEL + np.log(RATE_HZ / 2 / _BREAK_HZ) / _LOG_STEP
    mels = np.linspace(0.0, highest_mel, BANDS + 2)
    above = _BREAK_HZ * np.exp(_LOG_STEP * (mels - _BREAK_MEL))
    edges = np.where(mels < _BREAK_MEL, _HZ_PER_MEL * mels, above)  # Hz
    bins = np.arange(WINDOW // 2 + 1)[:, None] * (RATE_HZ / WINDOW)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle))
    return np.asarray(np.maximum(0.0, triangles) * (2.0 / (high - low)))


_HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
_FILTERS = _filters()
