"""Photos for tests, made from the public samples."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Photos:
    """Public photos, as bytes: three of one person from three occasions, one of another."""

    obama: bytes
    obama2: bytes
    obama3: bytes
    biden: bytes

    def enrolment(self) -> list[bytes]:
        """Five photos of one person from two occasions, as a camera would take them in a row."""
        return [*shots(self.obama, 3), *shots(self.obama2, 2)]

    def stranger(self) -> list[bytes]:
        """Five photos of the other person."""
        return shots(self.biden, 5)


def shots(photo: bytes, count: int) -> list[bytes]:
    """The photo as a hand-held camera would see it again: shifted, scaled and lit a little differently."""
    picture = decoded(photo)
    height, width = picture.shape[:2]
    taken = []
    for number in range(count):
        turn = cv2.getRotationMatrix2D((width / 2, height / 3), 2.5 * number, 1.0 - 0.04 * number)
        moved = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        lit = cv2.convertScaleAbs(moved, alpha=1.0 - 0.05 * number, beta=4.0 * number)
        taken.append(encoded(lit))
    return taken


def on_a_screen(photo: bytes) -> bytes:
    """The photo as a cheap, bluish screen shows it: few, coloured pixels with dark lines between them."""
    picture = decoded(photo)
    share = 350 / max(picture.shape)
    small = cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    shown = cv2.resize(small, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST).astype(np.float32)
    shown[::3] *= 0.6
    for channel, gain in enumerate((1.2, 1.1, 1.2)):
        shown[:, channel::3, channel] *= gain
    cast = np.array((0.8, 1.0, 1.2), np.float32)
    return encoded(np.clip(1.3 * cast * shown - 30.0, 0, 255).astype(np.uint8))


def decoded(photo: bytes) -> np.ndarray:
    """A file as a picture, BGR."""
    picture = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def encoded(picture: np.ndarray, kind: str = ".jpg") -> bytes:
    """A picture as a file."""
    done, data = cv2.imencode(kind, picture)
    assert done
    return bytes(data.tobytes())
