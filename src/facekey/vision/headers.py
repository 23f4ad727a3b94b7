"""Headers: what a picture says of itself, read before any decoder sees it.

JPEG (ITU T.81), PNG (W3C, third edition), WebP (RFC 9649) and BMP. Reading takes time in
proportion to the bytes, allocates nothing in proportion to what they promise, and never
trusts a length.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from typing import Literal

from facekey.core.errors import ImageRefused

MIB = 1024 * 1024
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # not stuffing, restarts or filling
JPEG_UNSUPPORTED = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
JPEG_FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive
JPEG_START, JPEG_END, JPEG_SCAN, JPEG_EXIF = 0xD8, 0xD9, 0xDA, 0xE1
EXIF_NAME = b"Exif\x00\x00"
MAX_JPEG_SCANS = 64  # progressive photos have about ten; each costs a pass over the picture
BMP_PLAIN, BMP_BITFIELDS = 0, 3


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What is read, at most.

    Attributes:
        max_bytes: of the file. A photo from a phone has 2 to 8 MiB.
        max_pixels: before shrinking; 50 million covers the usual full-size photo and
            decodes within 200 MB of memory.
        max_side_px: a strip of one row is no photo.
        working_side_px: a longer picture is halved while or after it is decoded. A face
            that can be judged is far larger than what this loses.
    """

    max_bytes: int = 12 * MIB
    max_pixels: int = 50_000_000
    max_side_px: int = 12_000
    working_side_px: int = 2_600


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a picture before decoding.

    Attributes:
        data: what to decode: the file, without the parts that no pixel depends on.
        width: as stored, before turning.
        height: as stored, before turning.
        orientation: EXIF's, 1 to 8; 1 is upright.
        transparent: pixels can be transparent.
    """

    format: Literal["jpeg", "png", "webp", "bmp"]
    data: bytes
    width: int
    height: int
    orientation: int
    transparent: bool


def read_header(data: bytes, limits: DecodeLimits) -> Header:
    """Recognise the format and hold the picture against the limits.

    Raises:
        ImageRefused: see `vision.decode.decode`.
    """
    if not data:
        raise ImageRefused("image_empty", "The picture is empty. Choose a file with a photo in it.")
    if len(data) > limits.max_bytes:
        megabytes = limits.max_bytes / MIB
        raise ImageRefused(
            "image_too_large", f"The picture has more than {megabytes:.3g} MiB. Send a smaller one."
        )
    try:
        header = _read(data)
    except (struct.error, IndexError) as error:  # a field lies beyond the end
        raise corrupt() from error
    if header.width < 1 or header.height < 1:
        raise corrupt()
    too_long = max(header.width, header.height) > limits.max_side_px
    if too_long or header.width * header.height > limits.max_pixels:
        raise ImageRefused(
            "image_too_many_pixels",
            f"The picture is {header.width} x {header.height} pixels. Send one of at most "
            f"{limits.max_pixels // 1_000_000} megapixels and {limits.max_side_px} pixels a side.",
        )
    return header


def corrupt() -> ImageRefused:
    """The refusal of a picture whose parts don't fit together."""
    return ImageRefused("image_corrupt", "The picture is damaged or incomplete. Take or upload it again.")


def _read(data: bytes) -> Header:
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data.startswith(PNG_SIGNATURE):
        return _png(data)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    if data.startswith(b"BM") and len(data) >= 26 and data[6:10] == bytes(4):
        return _bmp(data)
    raise _unsupported(_name_of(data))


def _name_of(data: bytes) -> str:
    """What a file looks like that is not read here, for the message only."""
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "a GIF"
    if data[4:8] == b"ftyp":
        return (
            "AVIF"
            if data[8:11] == b"avi"
            else "HEIC"
            if data[8:11] in (b"hei", b"hev", b"mif")
            else "a video"
        )
    if data.startswith(b"%PDF"):
        return "a PDF"
    if data.startswith((b"II*\x00", b"MM\x00*")):
        return "a TIFF"
    return "not a picture that is known here"


def _unsupported(what: str) -> ImageRefused:
    return ImageRefused(
        "image_format_unsupported", f"The file is {what}. Send the photo as JPEG, PNG, WebP or BMP."
    )


def _animated() -> ImageRefused:
    return ImageRefused("image_animated", "The picture is animated. Send a single still photo.")


def _jpeg(data: bytes) -> Header:
    """Walk the markers from start to end of image."""
    size: tuple[int, int] | None = None
    orientation, scans = 1, 0
    at, marker = _jpeg_marker(data, 2)
    while marker != JPEG_END:
        (length,) = struct.unpack_from(">H", data, at + 2)
        after = at + 2 + length
        if length < 2 or after > len(data) or marker == JPEG_START:
            raise corrupt()
        if marker in JPEG_UNSUPPORTED:
            raise _unsupported("a JPEG of a rare kind")
        if marker in JPEG_FRAMES:
            if size is not None:
                raise corrupt()
            size = _jpeg_size(data, at)
        elif marker == JPEG_EXIF and data[at + 4 : at + 10] == EXIF_NAME:
            orientation = exif_orientation(data[at + 10 : after])
        elif marker == JPEG_SCAN:
            scans += 1
            if size is None or scans > MAX_JPEG_SCANS:
                raise corrupt()
            following = JPEG_MARKER.search(data, after)
            if following is None:  # the coded data run to the end of the file: it was cut off
                raise corrupt()
            after = following.start()
        at, marker = _jpeg_marker(data, after)
    if size is None or not scans:
        raise corrupt()
    # Cameras append previews and videos after the end mark; no pixel depends on them.
    return Header("jpeg", data[: at + 2], *size, orientation, transparent=False)


def _jpeg_marker(data: bytes, at: int) -> tuple[int, int]:
    """Where the marker at `at` begins after filling, and its second byte."""
    while data[at] == 0xFF and data[at + 1] == 0xFF:
        at += 1
    if data[at] != 0xFF or data[at + 1] == 0:
        raise corrupt()
    return at, data[at + 1]


def _jpeg_size(data: bytes, at: int) -> tuple[int, int]:
    """Width and height out of a frame header."""
    depth, height, width, channels = struct.unpack_from(">BHHB", data, at + 4)
    if depth != 8 or channels not in (1, 3, 4):
        raise _unsupported("a JPEG of a rare kind")
    return width, height


def _png(data: bytes) -> Header:
    """Walk the chunks and keep those that pixels depend on.

    Text and profiles are left out unread, and with them what they may unpack to.
    """
    kept = [PNG_SIGNATURE]
    kinds: list[bytes] = []
    packed: list[bytes] = []
    width = height = depth = color = interlace = 0
    orientation, at = 1, len(PNG_SIGNATURE)
    while not kinds or kinds[-1] != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, at + 8 + length)
        if len(body) != length or (kind == b"IHDR") != (not kinds):
            raise corrupt()
        if kind == b"acTL":
            raise _animated()
        if kind in PNG_NEEDED and zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise corrupt()
        if kind == b"IHDR":
            width, height, depth, color, _, _, interlace = struct.unpack(">IIBBBBB", body)
            if depth not in PNG_DEPTHS.get(color, ()) or interlace > 1:
                raise corrupt()
        elif kind == b"IDAT":
            packed.append(body)
        elif kind == b"eXIf":
            orientation = exif_orientation(body)
        if kind in PNG_NEEDED:
            kept.append(data[at : at + 12 + length])
        kinds.append(kind)
        at += 12 + length
    if not packed:
        raise corrupt()
    transparent = color in (4, 6) or b"tRNS" in kinds
    return Header("png", b"".join(kept), width, height, orientation, transparent)


def _webp(data: bytes) -> Header:
    """Walk the chunks of the RIFF file."""
    (riff_length,) = struct.unpack_from("<I", data, 4)
    end = 8 + riff_length
    if end > len(data):
        raise corrupt()
    size: tuple[int, int] | None = None
    image = transparent = False
    orientation, at = 1, 12
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) != length or at + 8 + length > end:
            raise corrupt()
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and body[0] & 0x02):
            raise _animated()
        if kind == b"VP8X":
            canvas = int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
            size = canvas
        elif kind == b"ALPH":
            transparent = True
        elif kind == b"VP8 ":
            if body[3:6] != b"\x9d\x01\x2a":
                raise corrupt()
            w, h = struct.unpack_from("<HH", body, 6)
            size, image = _same(size, (w & 0x3FFF, h & 0x3FFF)), True
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", body, 1)
            size, image = _same(size, ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)), True
            transparent = transparent or bool(bits >> 28 & 1)
        elif kind == b"EXIF":
            orientation = exif_orientation(body.removeprefix(EXIF_NAME))
        at += 8 + length + (length & 1)
    if size is None or not image:
        raise corrupt()
    return Header("webp", data[:end], *size, orientation, transparent)


def _same(canvas: tuple[int, int] | None, image: tuple[int, int]) -> tuple[int, int]:
    if canvas is not None and canvas != image:
        raise corrupt()
    return image


def _bmp(data: bytes) -> Header:
    """Read the one header that a BMP has."""
    offset, header_length = struct.unpack_from("<II", data, 10)
    if header_length == 12:
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
        packing = BMP_PLAIN
    elif header_length in (40, 52, 56, 64, 108, 124):
        width, height, _, depth, packing = struct.unpack_from("<iiHHI", data, 18)
    else:
        raise corrupt()
    if packing not in (BMP_PLAIN, BMP_BITFIELDS) or depth not in (1, 4, 8, 16, 24, 32):
        raise _unsupported("a packed BMP")
    height = abs(height)  # a negative height means that the first row comes first
    row_bytes = (width * depth + 31) // 32 * 4
    if offset + row_bytes * height > len(data):
        raise corrupt()
    return Header("bmp", data, width, height, 1, transparent=False)


def exif_orientation(tiff: bytes) -> int:
    """The orientation tag of an EXIF block, 1 where there is none or it can't be read.

    A photo with broken metadata is still a photo, so nothing is refused here.
    """
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, directory)
        for index in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, directory + 2 + 12 * index)
            if tag == 0x0112 and kind == 3:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
