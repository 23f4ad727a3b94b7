"""DeepFace as its README uses it. Runs in the peer's environment, not in FaceKey's.

The first argument is the network: `VGG-Face`, which it takes by default, or `Dlib`.
"""

import io
import sys

from answering import answer
from deepface import DeepFace
from deepface.modules.exceptions import FaceNotDetected

NETWORK = sys.argv[1]


def encode(data):
    """The most prominent face's numbers, found and aligned by its defaults, or None."""
    try:
        (first, *_) = DeepFace.represent(io.BytesIO(data), model_name=NETWORK)
    except FaceNotDetected:
        return None
    return first["embedding"]


def compare(enrolled, found):
    """`DeepFace.verify` with what it calls pre-calculated embeddings: its own way for somebody enrolled."""
    return DeepFace.verify(enrolled, found, model_name=NETWORK, silent=True)


if __name__ == "__main__":
    answer(encode, compare)
