"""Decode: the bytes of one picture to an upright RGB frame, or a reason why not.

The bytes come from outside, so nothing is given to a decoder before its header has been
read here: format, size, orientation and whether it moves (`vision.headers`). What is
decoded is bounded in bytes and in pixels, and a picture that is only partly there is
refused: a half-grey face would still be compared.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from facekey.core.types import Frame, Pixels
from facekey.vision.headers import DecodeLimits, Header, corrupt, read_header

WHITE = 255
BLOCK_PX = 8
FILLER = bytes(range(1, 65)) * 2  # no 0xFF, so it can't be taken for a marker


def decode(data: bytes, limits: DecodeLimits | None = None) -> Frame:
    """Read one picture.

    JPEG, PNG, WebP and BMP are read, recognised by their content. The orientation that
    the camera noted is applied. Grey, palette, CMYK and 16-bit pictures become 8-bit RGB.
    Transparent pixels show white, as on the page that the picture was likely made for.
    A picture longer than `limits.working_side_px` is halved until it is not.

    Args:
        data: the file, whole.
        limits: what is too large; the defaults fit a photo from a phone.

    Raises:
        ImageRefused: with code `image_empty`, `image_too_large`, `image_too_many_pixels`,
            `image_format_unsupported`, `image_animated` or `image_corrupt`.
    """
    limits = limits or DecodeLimits()
    header = read_header(data, limits)
    shrink = _shrink(max(header.width, header.height), limits.working_side_px)
    pixels = _pixels(header, shrink)
    return Frame(np.ascontiguousarray(_upright(pixels, header.orientation)))


def _shrink(long_side: int, working_side_px: int) -> int:
    """1, 2, 4 or 8: the powers of two that a JPEG decoder can skip for free."""
    shrink = 1
    while shrink < 8 and long_side / shrink > working_side_px:
        shrink *= 2
    return shrink


def _pixels(header: Header, shrink: int) -> Pixels:
    """Decode as stored, then shrink: (H, W, 3) uint8 RGB."""
    by_decoder = shrink if header.format == "jpeg" else 1
    # Only pictures that can be transparent are read as they are; every other kind is
    # turned into 8-bit colour by the decoder itself.
    raw = _imdecode(header.data, cv2.IMREAD_UNCHANGED if header.transparent else _COLOR[by_decoder])
    expected = (-(-header.height // by_decoder), -(-header.width // by_decoder))
    if raw.shape[:2] != expected:
        raise corrupt()
    if header.transparent:
        pixels = _over_white(raw)
    else:
        pixels = raw.astype(np.uint8, copy=False)
        if header.format == "jpeg" and _last_block_is_flat(pixels, by_decoder):
            _require_whole_jpeg(header.data, pixels, by_decoder)
    if shrink > by_decoder:
        size = (max(1, header.width // shrink), max(1, header.height // shrink))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return pixels


_RGB = (cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION) & ~cv2.IMREAD_COLOR_BGR
_COLOR = {
    1: _RGB,
    2: _RGB | cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: _RGB | cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: _RGB | cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
"""OpenCV's flags by shrink; its names for reduced size say grey, and with the one for colour mean colour.
Its own turning is switched off: it knows EXIF in some formats only."""


def _imdecode(data: bytes, flags: int) -> NDArray[np.generic]:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise corrupt() from error
    if image is None:
        raise corrupt()
    return image


def _over_white(raw: NDArray[np.generic]) -> Pixels:
    """Lay a picture as stored, (H, W) to (H, W, 4) BGRA of 8 or 16 bits, over white."""
    image = (raw.view(np.uint16) >> 8 if raw.dtype == np.uint16 else raw).astype(np.uint8, copy=False)
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    if image.shape[2] != 4:
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
    color = cv2.cvtColor(image, cv2.COLOR_BGRA2RGB).astype(np.uint16)
    alpha = image[..., 3:].astype(np.uint16)
    over: Pixels = ((color * alpha + WHITE * (255 - alpha) + 127) // 255).astype(np.uint8)
    return over


def _last_block_is_flat(pixels: Pixels, shrink: int) -> bool:
    """Whether the last block that a JPEG decoder fills holds one colour only."""
    size = max(1, BLOCK_PX // shrink)
    height, width = pixels.shape[:2]
    corner = pixels[(height - 1) // size * size :, (width - 1) // size * size :]
    return bool((corner == corner[0, 0]).all())


def _require_whole_jpeg(data: bytes, pixels: Pixels, shrink: int) -> None:
    """Refuse a JPEG whose coded data end before its picture does.

    A decoder that runs dry fills the rest with flat grey and says nothing. So more coded
    data are slipped in before the end mark: a whole picture has no use for them and
    decodes to the same pixels, one that ran dry takes them up and changes.

    Raises:
        ImageRefused: the picture changed.
    """
    end = data.rindex(b"\xff\xd9")
    again = _imdecode(data[:end] + FILLER + data[end:], _COLOR[shrink])
    if not np.array_equal(again, pixels):
        raise corrupt()


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo the turn that EXIF names: 1 to 8, first row and first column of the scene."""
    turned = pixels
    if orientation in (5, 6, 7, 8):
        turned = turned.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    return turned
