"""dlib's metric network: face chips to 128-dimensional identity vectors.

Paper:    King, "High Quality Face Recognition with Deep Metric Learning", 2017,
          http://blog.dlib.net/2017/02/high-quality-face-recognition-with-deep.html
Input:    (N, 150, 150, 3) uint8 RGB, chip crop
Output:   (N, 128) float32, not normalised
Weights:  named, hashed and licensed in models/dlib_resnet29.toml

It was trained to bring pictures of one person closer than 0.6, on other pictures and with
another loss than the ArcFace family: its mistakes are its own, which is what a second
network is for. The cosine orders pairs as well as the distance does.
"""

from facekey.vision.embed.embedder import CropEmbedder
from facekey.zoo.onnx import OnnxSession

CROP_PX = 150
DIM = 128


def dlib_embedder(session: OnnxSession) -> CropEmbedder:
    """Dlib's network as an embedder.

    Raises:
        ModelError: the network's shapes are not the ones in this file's header.
    """
    return CropEmbedder(session, crop_px=CROP_PX, dimensions=DIM, layout="chip")
