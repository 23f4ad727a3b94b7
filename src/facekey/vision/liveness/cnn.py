"""Liveness from one picture: a network that tells live faces from prints, screens and masks.

Paper:    He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
          https://arxiv.org/abs/1512.03385, trained by this project
Input:    (N, S, S, 3) uint8 RGB, context crop; S is the network's own
Output:   (N, 1) logit, larger for live
Weights:  named, hashed and licensed in models/liveness_*.toml; several are asked together, and
          each card's calibration holds for the mean of them all
"""

from collections.abc import Sequence

import numpy as np

from facekey.core.errors import ModelError, ModelOutputInvalid
from facekey.core.types import Crop, ModelId
from facekey.zoo.onnx import OnnxSession


class LivenessCnn:
    """Implements `core.ports.vision.LivenessNetwork`. Holds no state; safe to share between threads."""

    def __init__(self, session: OnnxSession, *, slope: float, intercept: float) -> None:
        """Wrap a loaded network.

        Args:
            session: the network.
            slope: of Platt's calibration, from the model card; positive.
            intercept: of the same calibration.

        Raises:
            ModelError: the network's shapes are not the ones in this file's header, or
                the calibration would turn live into spoof.
        """
        session.require(inputs=[(None, None, 3)], outputs=[(1,)])
        _, height, width, _ = session.inputs[0].shape
        if height is None or height != width:
            raise ModelError(f"{session.model_id}: takes {height} x {width}, not one fixed square")
        if not (np.isfinite(intercept) and np.isfinite(slope) and slope > 0):
            raise ModelError(f"{session.model_id}: the calibration {slope}, {intercept} is none")
        self._session = session
        self._crop_px = height
        self._slope, self._intercept = slope, intercept

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together."""
        return self._session.model_id

    @property
    def crop_px(self) -> int:
        """Side of the square context crop it wants."""
        return self._crop_px

    def score(self, crops: Sequence[Crop]) -> list[float]:
        """For each crop the calibrated probability, 0..1, that the face is live.

        Args:
            crops: at least one; each `pixels` is (S, S, 3) uint8 RGB.

        Raises:
            ModelOutputInvalid: a logit is not finite. It is not taken for live or spoof.
        """
        (logits,) = self._session.run(np.stack([crop.pixels for crop in crops]))  # (N, 1)
        if not np.isfinite(logits).all():
            raise ModelOutputInvalid(self.model_id, "logit not finite")
        odds = self._slope * logits[:, 0].astype(np.float64) + self._intercept
        # tanh is the logistic function that can't overflow (Platt, 1999).
        return [float(value) for value in 0.5 * (1 + np.tanh(odds / 2))]
