"""Reading TensorFlow.js weights: a manifest in JSON, and the tensors one after the other.

The two files are published side by side; a card's source joins them, manifest first. A
tensor is float32, or bytes q that stand for `q * scale + min`.
"""

import json
import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from facekey.core.errors import ConversionError


def read_tfjs(weights: bytes) -> Mapping[str, NDArray[np.generic]]:
    """All tensors by name, float32.

    Args:
        weights: the manifest, then the bytes that it describes.

    Raises:
        ConversionError: it is not that, or bytes are missing or left over.
    """
    text = weights.decode("utf-8", errors="replace")
    try:
        manifest, characters = json.JSONDecoder().raw_decode(text)
        entries = [entry for group in manifest for entry in group["weights"]]
        # Everything before the tensors is JSON; what is not UTF-8 comes after it.
        place = len(text[:characters].encode("utf-8"))
        tensors = {}
        for entry in entries:
            count = math.prod(entry["shape"])
            values, place = _tensor(weights, place, count, entry.get("quantization"))
            tensors[entry["name"]] = values.reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConversionError(f"not a manifest with its tensors: {error}") from error
    if place != len(weights) or len(tensors) != len(entries):
        raise ConversionError("the manifest and the tensors don't belong together")
    return tensors


def _tensor(
    weights: bytes, place: int, count: int, quantization: Mapping[str, object] | None
) -> tuple[NDArray[np.float32], int]:
    if quantization is None:
        values = np.frombuffer(weights, "<f4", count, place)
        return values.astype(np.float32), place + values.nbytes
    if quantization["dtype"] != "uint8":
        raise ValueError(f"quantised to {quantization['dtype']}")
    scale, least = float(str(quantization["scale"])), float(str(quantization["min"]))
    small = np.frombuffer(weights, np.uint8, count, place)
    return (small.astype(np.float64) * scale + least).astype(np.float32), place + small.nbytes
