"""Liveness over time: an LSTM that tells a living person from a picture that is moved.

Paper:    Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997,
          trained by this project on filmed people and drawn sequences
Input:    (1, T, F) float32, the columns of `vision.liveness.motion.FEATURES`
Output:   (1, 1) logit, larger for live
Weights:  named, hashed and licensed in models/liveness_temporal.toml

It sees blinks, mimic and the turning of a head that has depth. It can't tell a person from
a video of one: in the video they blink and turn as well.
"""

from collections.abc import Sequence

import numpy as np

from facekey.core.errors import ModelError, ModelOutputInvalid
from facekey.core.types import Glimpse, ModelId
from facekey.vision.liveness.motion import FEATURES, FaceSeries, features, recent, tells_something
from facekey.zoo.onnx import OnnxSession


class TemporalLiveness:
    """Implements `core.ports.vision.SequenceNetwork`. Holds no state; safe to share between threads."""

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
        session.require(inputs=[(None, len(FEATURES))], outputs=[(1,)])
        if not (np.isfinite(intercept) and np.isfinite(slope) and slope > 0):
            raise ModelError(f"{session.model_id}: the calibration {slope}, {intercept} is none")
        self._session = session
        self._slope, self._intercept = slope, intercept

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together."""
        return self._session.model_id

    def score(self, glimpses: Sequence[Glimpse]) -> float | None:
        """The calibrated probability, 0..1, that the person is live.

        Args:
            glimpses: of one person, in the order of their times. The last seconds count.

        Returns:
            None when there are too few frames, over too short a time, or all of them are one
            picture: not even a camera's noise moves it.

        Raises:
            ModelOutputInvalid: the logit is not finite. It is not taken for live or spoof.
        """
        if not glimpses:
            return None
        places = recent(np.array([glimpse.at_s for glimpse in glimpses]))
        series = FaceSeries.of([glimpses[place] for place in places])
        if not tells_something(series):
            return None
        (logits,) = self._session.run(np.ascontiguousarray(features(series)[None]))  # (1, T, F)
        logit = float(logits[0, 0])
        if not np.isfinite(logit):
            raise ModelOutputInvalid(self.model_id, "logit not finite")
        # tanh is the logistic function that can't overflow (Platt, 1999).
        return 0.5 * (1.0 + float(np.tanh((self._slope * logit + self._intercept) / 2.0)))
