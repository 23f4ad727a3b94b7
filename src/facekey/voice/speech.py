"""Silero VAD: where in a recording somebody speaks.

Origin:   Silero Team, "Silero VAD: pre-trained enterprise-grade Voice Activity Detector",
          2024, https://github.com/snakers4/silero-vad
Input:    (T, 576) float32 at 16 kHz: T steps of 512 samples, before each the last 64 of the
          step before; and the network's own memory, twice (1, 1, 128), at first zero
Output:   (T,) float32, the probability of speech in each step; and the memory again
Weights:  named, hashed and licensed in models/speech_silero.toml
"""

import numpy as np

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Floats
from facekey.voice.resample import RATE_HZ
from facekey.zoo.onnx import OnnxSession

STEP, CONTEXT = 512, 64
STEP_S = STEP / RATE_HZ
_MEMORY = (1, 1, 128)


class SileroSpeech:
    """Tells speech from everything else. Holds no state; safe to share between threads."""

    def __init__(self, session: OnnxSession) -> None:
        """Wrap a loaded network.

        Raises:
            ModelError: the network's shapes are not the ones in this file's header.
        """
        session.require(
            inputs=((STEP + CONTEXT,), (1, 128), (1, 128)), outputs=((), (None, 128), (None, 128))
        )
        self._session = session

    def probabilities(self, samples: Floats) -> Floats:
        """How likely each 32 ms are speech.

        Args:
            samples: (N,) float32 at 16 kHz, at least one.

        Returns:
            (ceil(N / 512),) float32, 0..1.

        Raises:
            ModelOutputInvalid: the network gave something that is no probability.
        """
        count = -(-len(samples) // STEP)
        padded = np.zeros(CONTEXT + count * STEP, np.float32)
        padded[CONTEXT : CONTEXT + len(samples)] = samples
        windows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + STEP)[::STEP]  # (T, 576)
        memory = np.zeros(_MEMORY, np.float32)
        found = self._session.run(np.ascontiguousarray(windows), memory, memory)[0].reshape(-1)
        if found.shape != (count,) or not bool(np.all((found >= 0.0) & (found <= 1.0))):
            raise ModelOutputInvalid(self._session.model_id, "a probability of speech is none")
        return found
