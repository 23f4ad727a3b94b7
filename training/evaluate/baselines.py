"""Published spoof detectors, asked as their authors ask them, for the table beside ours.

MiniFASNet is two networks whose class probabilities are averaged; hairymax is one. Both
want some of what is around the face, which pictures that were cut close don't have, so
each gets the whole picture as it is: of the ways to frame it that were tried this one
gives them the best figures.

Paper:    Minivision, "Silent-Face-Anti-Spoofing", 2020; hairymax, "Face-AntiSpoofing", 2022
Input:    (N, 3, 80, 80) BGR 0..255 and (1, 3, 128, 128) RGB 0..1
Output:   three class logits, live second; two, live first
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facekey.core.types import Floats, ModelId, Pixels
from facekey.zoo.onnx import OnnxSession

MINIFASNET = ("2.7_80x80_MiniFASNetV2_converted.onnx", "4_0_0_80x80_MiniFASNetV1SE_converted.onnx")
HAIRYMAX = "AntiSpoofing_bin_128.onnx"
OWN_THRESHOLD = 0.5  # both projects take the likelier class
SURE = 1e-6  # a probability of exactly 0 or 1 has no log-odds


@dataclass(frozen=True, slots=True)
class Baseline:
    """One published detector.

    Attributes:
        name: what the table calls it.
        threshold: its own, on the log-odds of live.
        score: (H, W, 3) uint8 RGB -> log-odds of live.
    """

    name: str
    threshold: float
    score: Callable[[Pixels], float]


def baselines(folder: Path) -> list[Baseline]:
    """Those whose files are in the folder."""
    found = []
    if all((folder / name).exists() for name in MINIFASNET):
        pair = [_load(folder / name) for name in MINIFASNET]
        found.append(
            Baseline("MiniFASNet V2 + V1SE", _odds(OWN_THRESHOLD), lambda picture: _minifasnet(pair, picture))
        )
    if (folder / HAIRYMAX).exists():
        single = _load(folder / HAIRYMAX)
        found.append(Baseline("hairymax", _odds(OWN_THRESHOLD), lambda picture: _hairymax(single, picture)))
    return found


def _load(path: Path) -> OnnxSession:
    return OnnxSession(path, model_id=ModelId(path.stem))


def _minifasnet(pair: list[OnnxSession], picture: Pixels) -> float:
    given = cv2.resize(picture, (80, 80), interpolation=cv2.INTER_AREA)[..., ::-1]
    planes = np.ascontiguousarray(given.transpose(2, 0, 1)[None], np.float32)
    live = [_softmax(network.run(planes)[0][0])[1] for network in pair]
    return _odds(float(np.mean(live)))


def _hairymax(network: OnnxSession, picture: Pixels) -> float:
    given = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)
    planes = np.ascontiguousarray(given.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    return _odds(float(_softmax(network.run(planes)[0][0])[0]))


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max())
    result: Floats = powers / powers.sum()
    return result


def _odds(probability: float) -> float:
    bounded = min(max(probability, SURE), 1 - SURE)
    return float(np.log(bounded / (1 - bounded)))
