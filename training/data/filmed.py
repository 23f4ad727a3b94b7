"""Frames as they were filmed: of a video file, or one picture of a set that holds frames."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from facekey.core.types import Frame


def clip_frames(path: Path) -> Iterator[tuple[float, Frame]]:
    """The frames of a video file with their times in seconds.

    Raises:
        ValueError: it can't be read as a video.
    """
    video = cv2.VideoCapture(str(path))
    fps = video.get(cv2.CAP_PROP_FPS)
    if not video.isOpened() or not fps > 0:
        raise ValueError(f"{path.name} can't be read as a video")
    number = 0
    while True:
        done, picture = video.read()
        if not done:
            return
        yield number / fps, Frame(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
        number += 1


def read_picture(path: Path) -> Frame:
    """One picture file.

    Raises:
        ValueError: it can't be read.
    """
    picture = cv2.imread(str(path))
    if picture is None:
        raise ValueError(f"{path.name} is no picture")
    return Frame(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
