"""What every recognition network's adapter does alike: identity crops to unit vectors.

A file of its own for each network says what that network takes and gives, and whose work
it is; inside the graph they differ, here they don't.
"""

from collections.abc import Sequence

import numpy as np

from facekey.core.errors import ModelOutputInvalid
from facekey.core.types import Crop, Embedding, IdentityLayout, ModelId
from facekey.zoo.onnx import OnnxSession

MIN_NORM = 1e-3  # far below anything a trained network gives


class CropEmbedder:
    """Implements `core.ports.vision.Embedder`. Holds no state; safe to share between threads."""

    def __init__(
        self,
        session: OnnxSession,
        *,
        crop_px: int,
        dimensions: int,
        layout: IdentityLayout = "identity",
    ) -> None:
        """Wrap a loaded network.

        Args:
            session: takes (N, S, S, 3) uint8 RGB, gives (N, D) float32.
            crop_px: S.
            dimensions: D.
            layout: of the crops that it was trained on.

        Raises:
            ModelError: the network has other shapes.
        """
        session.require(inputs=[(crop_px, crop_px, 3)], outputs=[(dimensions,)])
        self._session = session
        self._crop_px = crop_px
        self._layout = layout

    @property
    def model_id(self) -> ModelId:
        """Name of weights and preprocessing together, stored with every template."""
        return self._session.model_id

    @property
    def crop_px(self) -> int:
        """Side of the square crop it wants."""
        return self._crop_px

    @property
    def layout(self) -> IdentityLayout:
        """Where in the crop it wants the five points."""
        return self._layout

    def embed(self, crops: Sequence[Crop]) -> list[Embedding]:
        """Embed a batch of aligned faces, in order.

        Args:
            crops: at least one, all of this network's layout; each `pixels` is (S, S, 3)
                uint8 RGB.

        Returns:
            One embedding per crop; each `vector` is (D,) float32, L2 norm 1.

        Raises:
            ValueError: a crop has another layout; its vector would mean nothing.
            ModelOutputInvalid: a vector is not finite or almost zero. It is not repaired:
                a made-up direction would be compared like a real one.
        """
        if any(crop.layout != self._layout for crop in crops):
            raise ValueError(f"{self.model_id} takes crops of the layout {self._layout}")
        (raw,) = self._session.run(np.stack([crop.pixels for crop in crops]))  # (N, D)
        norms = np.linalg.norm(raw, axis=1, keepdims=True)  # (N, 1)
        if not np.all(np.isfinite(norms) & (norms > MIN_NORM)):
            raise ModelOutputInvalid(self.model_id, "vector not finite or almost zero")
        return [Embedding(vector, self.model_id) for vector in raw / norms]
