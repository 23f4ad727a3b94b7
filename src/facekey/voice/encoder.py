"""GE2E speaker encoder: mel spectrograms to 256-dimensional voices.

Paper:    Wan et al., "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018,
          https://arxiv.org/abs/1710.10467
Input:    (N, 160, 40) float32, windows of 1.6 s of a mel spectrogram (`voice.mel`)
Output:   (N, 256) float32, not negative, L2 norm 1
Weights:  named, hashed and licensed in models/speaker_ge2e.toml
"""

import numpy as np

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Embedding, Floats, ModelId
from facekey.voice.mel import BANDS
from facekey.zoo.onnx import OnnxSession

FRAMES, DIM = 160, 256
STEP_FRAMES = 77  # windows overlap by a little more than half, as where the weights come from
LEAST_OF_LAST = 0.75  # a last window that holds less than this of speech is left out


class SpeakerEncoder:
    """Turns speech into a direction that belongs to a voice. Safe to share between threads."""

    def __init__(self, session: OnnxSession) -> None:
        """Wrap a loaded network.

        Raises:
            ModelError: the network's shapes are not the ones in this file's header.
        """
        session.require(inputs=((FRAMES, BANDS),), outputs=((DIM,),))
        self._session = session

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together, stored with every voice."""
        return self._session.model_id

    def embed(self, mel: Floats) -> Embedding:
        """One embedding of a whole utterance: the direction of the mean over its windows.

        Args:
            mel: (T, 40) float32, at least one frame; what is missing to a window counts as silence.

        Raises:
            ModelOutputInvalid: the network gave no direction.
        """
        windows = np.stack([_window(mel, start) for start in _starts(len(mel))])  # (N, 160, 40)
        mean = self._session.run(windows)[0].mean(axis=0, dtype=np.float64)  # (256,)
        norm = float(np.linalg.norm(mean))
        # Not `<`: NaN is no direction either.
        if not norm > 0.0:
            raise ModelOutputInvalid(self.model_id, "no direction")
        return Embedding((mean / norm).astype(np.float32), self.model_id)


def _starts(count: int) -> list[int]:
    """Where windows begin in so many frames."""
    starts = list(range(0, max(1, count - FRAMES + STEP_FRAMES), STEP_FRAMES))
    if len(starts) > 1 and count - starts[-1] < LEAST_OF_LAST * FRAMES:
        starts.pop()
    return starts


def _window(mel: Floats, start: int) -> Floats:
    held = mel[start : start + FRAMES]
    return np.pad(held, ((0, FRAMES - len(held)), (0, 0)))
