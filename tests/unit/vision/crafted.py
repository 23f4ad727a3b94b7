"""Pictures and odd picture files, made byte by byte where no encoder would."""

import struct
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def scene(height: int = 60, width: int = 80) -> NDArray[np.uint8]:
    """A smooth RGB picture whose four corners differ: red, green, blue, white."""
    corners = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)
    return cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)


def encode(extension: str, rgb: NDArray[np.uint8] | NDArray[np.uint16], *parameters: int) -> bytes:
    """RGB, RGBA or grey to a file of a format that OpenCV writes."""
    order = {2: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[rgb.shape[2] if rgb.ndim == 3 else 2]
    image = rgb if order is None else cv2.cvtColor(rgb, order)
    done, data = cv2.imencode(extension, image, list(parameters))
    assert done
    return bytes(data)


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    *, size: tuple[int, int], depth: int = 8, color: int = 2, packed: bytes, before: tuple[bytes, ...] = ()
) -> bytes:
    """A PNG of (width, height) with the packed rows as given, right or wrong."""
    head = struct.pack(">IIBBBBB", *size, depth, color, 0, 0, 0)
    return b"".join(
        (PNG_SIGNATURE, chunk(b"IHDR", head), *before, chunk(b"IDAT", packed), chunk(b"IEND", b""))
    )


def rows(pixel: bytes, size: tuple[int, int]) -> bytes:
    """Unpacked PNG rows of one colour."""
    width, height = size
    return (b"\0" + pixel * width) * height


def exif(orientation: int, order: str = "<") -> bytes:
    """A TIFF block with one tag."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def with_exif(data: bytes, block: bytes) -> bytes:
    """The same JPEG, PNG or simple WebP with an EXIF block."""
    if data.startswith(b"\xff\xd8"):
        body = b"Exif\0\0" + block
        return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]
    if data.startswith(PNG_SIGNATURE):
        return data[:33] + chunk(b"eXIf", block) + data[33:]
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    height, width = image.shape[:2]
    return riff(webp_canvas(width, height, flags=0x08), data[12:], riff_chunk(b"EXIF", block))


def riff(*chunks: bytes) -> bytes:
    """A WebP file of chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def riff_chunk(kind: bytes, body: bytes) -> bytes:
    """One WebP chunk."""
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp_canvas(width: int, height: int, *, flags: int) -> bytes:
    """The VP8X chunk."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + size)


def flat_cmyk_jpeg(cyan: int, magenta: int, yellow: int, black: int) -> bytes:
    """An 8 x 8 baseline JPEG of one CMYK colour, inverted as Adobe writes it: 255 is no ink.

    One block for each channel: its level as a category and a value, then end of block.
    """

    def segment(marker: int, body: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body

    # Codes of 4 bits for the level's categories 0 to 8, of 1 bit for the end of a block.
    levels = bytes([0x00]) + bytes([0, 0, 0, 9] + [0] * 12) + bytes(range(9))
    ends = bytes([0x10]) + bytes([1] + [0] * 15) + bytes([0])
    bits = ""
    for ink in (cyan, magenta, yellow, black):
        level = ink - 128  # quantised by 8, which is also the scale of a flat block
        category = abs(level).bit_length()
        value = level if level >= 0 else level + (1 << category) - 1
        bits += f"{category:04b}" + (f"{value:0{category}b}" if category else "") + "0"
    bits += "1" * (-len(bits) % 8)
    coded = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    channels = b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3, 4))
    scan = b"".join(bytes([number, 0x00]) for number in (1, 2, 3, 4))
    return b"".join(
        (
            b"\xff\xd8",
            segment(0xEE, b"Adobe" + struct.pack(">HHHB", 100, 0, 0, 0)),
            segment(0xDB, bytes([0]) + bytes([8] * 64)),
            segment(0xC0, struct.pack(">BHHB", 8, 8, 8, 4) + channels),
            segment(0xC4, levels),
            segment(0xC4, ends),
            segment(0xDA, bytes([4]) + scan + bytes([0, 63, 0])),
            coded,
            b"\xff\xd9",
        )
    )
