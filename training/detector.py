"""The face detector that training data are cut with: the product's own RetinaFace."""

import hashlib
from pathlib import Path

from facekey.core.types import ModelId
from facekey.vision.detect.retinaface import RetinaFace
from facekey.zoo.onnx import OnnxSession


def retinaface(onnx: Path) -> RetinaFace:
    """Load it from an ONNX file."""
    data = onnx.read_bytes()
    model_id = ModelId(f"retinaface:{hashlib.sha256(data).hexdigest()[:12]}")
    return RetinaFace(OnnxSession(data, model_id=model_id))
