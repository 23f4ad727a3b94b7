"""ArcFace: aligned face crops to 512-dimensional identity vectors.

Paper:    Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face
          Recognition", CVPR 2019, https://arxiv.org/abs/1801.07698
Input:    (N, 112, 112, 3) uint8 RGB, identity crop
Output:   (N, 512) float32, not normalised
Weights:  named, hashed and licensed in models/arcface_*.toml

The same file serves IResNet-100, IResNet-50 and MobileFaceNet bodies: they differ inside
the graph only.
"""

from facekey.vision.embed.embedder import CropEmbedder
from facekey.zoo.onnx import OnnxSession

CROP_PX = 112
DIM = 512


def arcface_embedder(session: OnnxSession) -> CropEmbedder:
    """An ArcFace network of any body as an embedder.

    Raises:
        ModelError: the network's shapes are not the ones in this file's header.
    """
    return CropEmbedder(session, crop_px=CROP_PX, dimensions=DIM)
