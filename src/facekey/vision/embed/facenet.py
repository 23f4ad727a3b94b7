"""FaceNet with an Inception-ResNet-v1 body: aligned face crops to 512-dimensional vectors.

Paper:    Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and
          Clustering", CVPR 2015, https://arxiv.org/abs/1503.03832
Input:    (N, 160, 160, 3) uint8 RGB, identity crop
Output:   (N, 512) float32, not normalised
Weights:  named, hashed and licensed in models/facenet.toml
"""

from collections.abc import Sequence

import numpy as np

from facekey.core.types import Crop, Embedding, ModelId
from facekey.vision.embed.unit import unit_embeddings
from facekey.zoo.onnx import OnnxSession

CROP_PX = 160
DIM = 512


class FaceNetEmbedder:
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
            crops: at least one; each `pixels` is (160, 160, 3) uint8 RGB.

        Returns:
            One embedding per crop; each `vector` is (512,) float32, L2 norm 1.

        Raises:
            ModelOutputInvalid: a vector is not finite or almost zero.
        """
        (raw,) = self._session.run(np.stack([crop.pixels for crop in crops]))  # (N, 512)
        return unit_embeddings(raw, self.model_id)
