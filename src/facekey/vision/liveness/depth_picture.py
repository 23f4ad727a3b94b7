"""The depth of a face as a picture for people: the face beside its map in colours."""

import cv2
import numpy as np

from facekey.core.types import Floats, Pixels
from facekey.vision.liveness.depth import DepthMap

GAP_PX = 8
PAPER = 255
UNKNOWN = (128, 128, 128)
LEGEND_PX = 18  # width of the bar from far to near


def depth_png(seen: DepthMap) -> bytes:
    """A PNG: the crop, its depth with the outline of the face, and a bar from far (below) to near."""
    side = len(seen.nearness)
    gap = np.full((side, GAP_PX, 3), PAPER, np.uint8)
    bar = np.linspace(1.0, 0.0, side, dtype=np.float32)[:, None].repeat(LEGEND_PX, axis=1)
    sheet = np.hstack([seen.crop, gap, _drawn(seen), gap, _colours(bar)])
    done, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError("the depth map can't be encoded")
    return data.tobytes()


def _drawn(seen: DepthMap) -> Pixels:
    colours = _colours(np.nan_to_num(seen.nearness))
    colours[~np.isfinite(seen.nearness)] = UNKNOWN
    edges, _ = cv2.findContours(seen.face.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(colours, edges, -1, (255, 255, 255), 1).astype(np.uint8, copy=False)


def _colours(nearness: Floats) -> Pixels:
    """Violet for far, over green, to yellow for near: (S, W) 0..1 to (S, W, 3) RGB."""
    levels = (255 * np.clip(nearness, 0, 1)).astype(np.uint8)
    bgr = cv2.applyColorMap(levels, cv2.COLORMAP_VIRIDIS)
    return np.ascontiguousarray(bgr[..., ::-1]).astype(np.uint8, copy=False)
