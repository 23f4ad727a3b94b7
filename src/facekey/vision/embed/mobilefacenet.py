"""MobileFaceNet: aligned face crops to 192-dimensional identity vectors, small and quick.

Paper:    Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face
          Verification on Mobile Devices", 2018, https://arxiv.org/abs/1804.07573
Input:    (N, 112, 112, 3) uint8 RGB, identity crop
Output:   (N, 192) float32, not normalised
Weights:  named, hashed and licensed in models/mobilefacenet.toml
"""

from facekey.vision.embed.embedder import CropEmbedder
from facekey.zoo.onnx import OnnxSession

CROP_PX = 112
DIM = 192


def mobilefacenet_embedder(session: OnnxSession) -> CropEmbedder:
    """A MobileFaceNet network as an embedder.

    Raises:
        ModelError: the network's shapes are not the ones in this file's header.
    """
    return CropEmbedder(session, crop_px=CROP_PX, dimensions=DIM)
