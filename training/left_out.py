"""Liveness networks that were trained without a source, from a run of `combine_liveness.py`."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from facekey.core.errors import ModelUnavailable
from facekey.core.ports.vision import LivenessNetwork
from facekey.core.types import Crop, ModelId
from facekey.vision.liveness.cnn import LivenessCnn
from facekey.zoo.cards import Task
from facekey.zoo.onnx import OnnxSession
from facekey.zoo.zoo import Zoo

CALIBRATION = "calibration.json"
MIN_ODDS = 1e-6  # of a network, as in `facekey.vision.pipeline`
FRAME_MIN_ODDS = 1e-3  # of a frame, as in `facekey.vision.sequence`


def networks_without(run: Path | None, source: str, zoo: Zoo) -> tuple[list[LivenessNetwork], bool]:
    """The networks to ask about a source, and whether none of them ever saw it.

    Args:
        run: `--output_dir` of combine_liveness.py; None for the networks that ship.
        source: the set whose pictures they will be shown.
        zoo: has the networks that ship, which saw every set.
    """
    folder = _folder(run, source) if run is not None else None
    if run is None or folder is None:
        return shipped(zoo), False
    calibration = json.loads((run / CALIBRATION).read_text(encoding="utf-8"))
    return [
        LivenessCnn(
            OnnxSession(path.read_bytes(), model_id=ModelId(f"{path.stem}:{folder.name}")),
            slope=calibration[path.stem]["slope"],
            intercept=calibration[path.stem]["intercept"],
        )
        for path in sorted(folder.glob("*.onnx"))
    ], True


def shipped(zoo: Zoo) -> list[LivenessNetwork]:
    """The networks that the product uses.

    Raises:
        ModelUnavailable: there is none.
    """
    found: list[LivenessNetwork] = []
    for name in zoo.names():
        card = zoo.card(name)
        use = card.liveness
        if card.task is Task.LIVENESS and use is not None and use.threshold is not None:
            found.append(LivenessCnn(zoo.open(name), slope=1 / use.temperature, intercept=use.bias))
    if not found:
        raise ModelUnavailable("liveness", "no network is installed; run `facekey models pull`")
    return found


def mean_odds(networks: Sequence[LivenessNetwork], cut: dict[int, list[Crop]]) -> float:
    """What the networks say of some frames together, in log-odds, as the product takes it.

    Args:
        networks: at least one.
        cut: by a network's crop size, one crop for each frame.
    """
    said = np.array([network.score(cut[network.crop_px]) for network in networks])
    bounded = np.clip(said, MIN_ODDS, 1 - MIN_ODDS)  # (networks, frames)
    of_frames = np.log(bounded / (1 - bounded)).mean(axis=0)
    limit = np.log((1 - FRAME_MIN_ODDS) / FRAME_MIN_ODDS)
    return float(np.clip(of_frames, -limit, limit).mean())


def _folder(run: Path, source: str) -> Path | None:
    return next(
        (folder for folder in sorted(run.glob("without-*")) if source in folder.name.split("-")[1:]), None
    )
