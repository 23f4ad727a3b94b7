"""MobileFaceNet: aligned face crops to 192-dimensional identity vectors, small and quick.

Paper:    Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face
          Verification on Mobile Devices", 2018, https://arxiv.org/abs/1804.07573
Input:    (N, 112, 112, 3) uint8 RGB, identity crop
Output:   (N, 192) float32, not normalised
Weights:  named, hashed and licensed in models/mobilefacenet.toml
"""

from collections.abc import Sequence

import numpy as np

from facekey.core.types import Crop, Embedding, ModelId
from facekey.vision.embed.unit import unit_embeddings
from facekey.zoo.onnx import OnnxSession

CROP_PX = 112
DIM = 192


class MobileFaceNetEmbedder:
    """Implements `core.ports.Embedder`. Holds no state; safe to share between threads."""

    def __init__(self, session: OnnxSession) -> None:
        """Wrap a loaded network.

        Raises:
            ModelError: the network's shapes are not the ones in this file's header.
        """
        session.require(inputs=[(CROP_PX, CROP_PX, 3)], outputs=[(DIM,)])
        self._session = session

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together, stored with every template."""
        return self._session.model_id

    @property
    def crop_px(self) -> int:
        """Side of the square identity crop it wants."""
        return CROP_PX

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        """Embed a batch of aligned faces, in order.

        Args:
            crops: at least one; each `pixels` is (112, 112, 3) uint8 RGB.

        Returns:
            One embedding per crop; each `vector` is (192,) float32, L2 norm 1.

        Raises:
            ModelOutputInvalid: a vector is not finite or almost zero.
        """
        (raw,) = self._session.run(np.stack([crop.pixels for crop in crops]))  # (N, 192)
        return unit_embeddings(raw, self.model_id)
