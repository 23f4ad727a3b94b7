"""FaceNet with an Inception-ResNet-v1 body: aligned face crops to 512-dimensional vectors.

Paper:    Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and
          Clustering", CVPR 2015, https://arxiv.org/abs/1503.03832
Input:    (N, 160, 160, 3) uint8 RGB, identity crop
Output:   (N, 512) float32, not normalised
Weights:  named, hashed and licensed in models/facenet.toml
"""

from facekey.vision.embed.embedder import CropEmbedder
from facekey.zoo.onnx import OnnxSession

CROP_PX = 160
DIM = 512


def facenet_embedder(session: OnnxSession) -> CropEmbedder:
    """A FaceNet network as an embedder.

    Raises:
        ModelError: the network's shapes are not the ones in this file's header.
    """
    return CropEmbedder(session, crop_px=CROP_PX, dimensions=DIM)
