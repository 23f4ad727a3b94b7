import struct
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facekey.core.errors import ImageRefused
from facekey.vision.decode import decode
from facekey.vision.headers import DecodeLimits
from tests.unit.vision.crafted import (
    PNG_SIGNATURE,
    chunk,
    encode,
    exif,
    flat_cmyk_jpeg,
    png,
    riff,
    riff_chunk,
    rows,
    scene,
    webp_canvas,
    with_exif,
)

FORMATS = (".jpg", ".png", ".webp", ".bmp")
SIZE = (50, 40)
RED = rows(bytes([200, 30, 20]), SIZE)


def refused(data: bytes, limits: DecodeLimits | None = None) -> str:
    """The code that the bytes are refused with; the sentence must be one."""
    with pytest.raises(ImageRefused) as caught:
        decode(data, limits)
    assert str(caught.value).endswith(".")
    return caught.value.code


@pytest.mark.parametrize("extension", FORMATS)
def test_reads_the_format_as_rgb(extension: str) -> None:
    frame = decode(encode(extension, scene()))
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.flags.c_contiguous
    assert frame.size == (60, 80)
    assert np.abs(frame.pixels.astype(int) - scene()).mean() < 3


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", [".jpg", ".png", ".webp"])
def test_applies_every_orientation(extension: str, orientation: int, order: str) -> None:
    upright = scene()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    data = with_exif(encode(extension, np.ascontiguousarray(stored)), exif(orientation, order))
    frame = decode(data)
    assert frame.size == (60, 80)
    assert np.abs(frame.pixels.astype(int) - upright).mean() < 3


@pytest.mark.parametrize("block", [b"", b"II*\0", exif(9), exif(0), b"MM\0*\xff\xff\xff\xff", exif(6)[:-9]])
def test_ignores_broken_orientation(block: bytes) -> None:
    assert decode(with_exif(encode(".jpg", scene()), block)).size == (60, 80)


def test_spreads_grey_over_three_channels() -> None:
    grey = scene()[..., 0]
    for extension in (".jpg", ".png"):
        pixels = decode(encode(extension, grey)).pixels
        assert pixels.shape == (60, 80, 3)
        assert (pixels[..., 0] == pixels[..., 2]).all()


def test_reads_palette() -> None:
    data = png(
        size=SIZE,
        color=3,
        packed=zlib.compress(rows(b"\1", SIZE)),
        before=(chunk(b"PLTE", bytes([1, 2, 3, 200, 30, 20])),),
    )
    assert decode(data).pixels[0, 0].tolist() == [200, 30, 20]


def test_lays_transparent_pixels_over_white() -> None:
    clear, half = bytes([0, 0, 0, 0]), bytes([0, 0, 0, 128])
    for pixel, seen in ((clear, 255), (half, 127)):
        data = png(size=SIZE, color=6, packed=zlib.compress(rows(pixel, SIZE)))
        assert decode(data).pixels[5, 5].tolist() == [seen] * 3
    palette = png(
        size=SIZE,
        color=3,
        packed=zlib.compress(rows(b"\0", SIZE)),
        before=(chunk(b"PLTE", bytes([1, 2, 3])), chunk(b"tRNS", b"\0")),
    )
    assert decode(palette).pixels[5, 5].tolist() == [255] * 3
    grey = png(size=SIZE, color=4, packed=zlib.compress(rows(b"\x10\0", SIZE)))
    assert decode(grey).pixels[5, 5].tolist() == [255] * 3
    webp = encode(".webp", np.dstack((scene(), np.zeros((60, 80), np.uint8))))
    assert decode(webp).pixels[5, 5].tolist() == [255] * 3
    lossy = encode(".webp", np.dstack((scene(), np.zeros((60, 80), np.uint8))), cv2.IMWRITE_WEBP_QUALITY, 80)
    assert decode(lossy).pixels[5, 5].tolist() == [255] * 3


@pytest.mark.parametrize("alpha", [False, True])
def test_brings_16_bits_down_to_8(alpha: bool) -> None:
    deep = scene().astype(np.uint16) * 257
    if alpha:
        deep = np.dstack((deep, np.full((60, 80), 65535, np.uint16)))
    assert np.abs(decode(encode(".png", deep)).pixels.astype(int) - scene()).max() <= 1


@pytest.mark.parametrize(
    ("inks", "rgb"),
    [
        ((255, 255, 255, 255), (255, 255, 255)),
        ((255, 255, 255, 0), (0, 0, 0)),
        ((255, 0, 0, 255), (255, 0, 0)),
        ((0, 255, 255, 255), (0, 255, 255)),
    ],
)
def test_turns_cmyk_to_rgb(inks: tuple[int, int, int, int], rgb: tuple[int, int, int]) -> None:
    pixels = decode(flat_cmyk_jpeg(*inks)).pixels
    assert np.abs(pixels.astype(int) - rgb).max() <= 2


def test_reads_progressive_jpeg() -> None:
    data = encode(".jpg", scene(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert np.abs(decode(data).pixels.astype(int) - scene()).mean() < 3


def test_reads_one_pixel() -> None:
    for extension in FORMATS:
        assert decode(encode(extension, scene(1, 1))).size == (1, 1)


def test_ignores_what_cameras_append() -> None:
    data = encode(".jpg", scene())
    assert (decode(data + b"MotionPhoto\0\xff\xda" * 50).pixels == decode(data).pixels).all()


@pytest.mark.parametrize("extension", FORMATS)
def test_halves_long_pictures(extension: str) -> None:
    limits = DecodeLimits(working_side_px=100)
    for height, width, size in ((90, 101, (45, 50)), (301, 203, (75, 50)), (100, 100, (100, 100))):
        frame = decode(encode(extension, scene(height, width)), limits)
        assert np.abs(np.subtract(frame.size, size)).max() <= 1
        small = cv2.resize(scene(height, width), frame.size[::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(frame.pixels.astype(int) - small).mean() < 4


def test_accepts_a_flat_grey_picture() -> None:
    for value in (0, 128, 255):
        flat = np.full((61, 83, 3), value, np.uint8)
        assert (decode(encode(".jpg", flat)).pixels == value).all()


@pytest.mark.parametrize(
    "data",
    [
        b"hello, I am a text called .jpg",
        b"\0",
        b"GIF89a" + bytes(40),
        b"\0\0\0\x18ftypheic" + bytes(40),
        b"\0\0\0\x18ftypavif" + bytes(40),
        b"\0\0\0\x18ftypmp42" + bytes(40),
        b"%PDF-1.7",
        b"II*\0" + bytes(40),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"RIFF\x10\0\0\0WAVEfmt ",
        b"BM is how a text may begin",
    ],
)
def test_refuses_other_formats(data: bytes) -> None:
    assert refused(data) == "image_format_unsupported"


def test_names_the_format_it_refuses() -> None:
    with pytest.raises(ImageRefused, match="HEIC"):
        decode(b"\0\0\0\x18ftypheic" + bytes(40))


def test_refuses_nothing_at_all() -> None:
    assert refused(b"") == "image_empty"


def test_refuses_too_many_bytes() -> None:
    data = encode(".png", scene())
    assert refused(data, DecodeLimits(max_bytes=len(data) - 1)) == "image_too_large"
    assert decode(data, DecodeLimits(max_bytes=len(data))).size == (60, 80)


@pytest.mark.parametrize("extension", FORMATS)
def test_refuses_too_many_pixels(extension: str) -> None:
    data = encode(extension, scene())
    assert refused(data, DecodeLimits(max_pixels=60 * 80 - 1)) == "image_too_many_pixels"
    assert refused(data, DecodeLimits(max_side_px=79)) == "image_too_many_pixels"
    assert decode(data, DecodeLimits(max_pixels=60 * 80, max_side_px=80)).size == (60, 80)


def test_refuses_a_size_bomb_without_decoding() -> None:
    assert refused(png(size=(20_000, 20_000), packed=zlib.compress(RED))) == "image_too_many_pixels"
    jpeg = bytearray(encode(".jpg", scene()))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 65_000, 65_000)
    assert refused(bytes(jpeg)) == "image_too_many_pixels"


def test_packed_data_cannot_unpack_to_more_than_the_picture() -> None:
    bomb = zlib.compress(RED + bytes(50_000_000))
    assert decode(png(size=SIZE, packed=bomb)).size == (40, 50)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000)))
    profile = chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(50_000_000)))
    data = png(size=SIZE, packed=zlib.compress(RED), before=(text, profile))
    assert decode(data).pixels[0, 0].tolist() == [200, 30, 20]


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("extension", FORMATS)
def test_refuses_truncated_pictures(extension: str, keep: float) -> None:
    data = encode(extension, np.random.default_rng(1).integers(0, 255, (60, 80, 3)).astype(np.uint8))
    assert refused(data[: int(len(data) * keep)]) == "image_corrupt"


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
def test_refuses_a_jpeg_that_ends_early_but_says_so_not(keep: float) -> None:
    data = encode(".jpg", np.random.default_rng(1).integers(0, 255, (60, 80, 3)).astype(np.uint8))
    assert refused(data[: int(len(data) * keep)].rstrip(b"\xff") + b"\xff\xd9") == "image_corrupt"


def test_refuses_a_png_whose_data_end_early() -> None:
    assert refused(png(size=SIZE, packed=zlib.compress(RED[: len(RED) // 2]))) == "image_corrupt"
    assert refused(png(size=SIZE, packed=zlib.compress(RED)[:-6])) == "image_corrupt"


def test_refuses_a_png_with_a_wrong_checksum() -> None:
    data = bytearray(png(size=SIZE, packed=zlib.compress(RED)))
    data[45] ^= 1
    assert refused(bytes(data)) == "image_corrupt"


@pytest.mark.parametrize(
    "data",
    [
        PNG_SIGNATURE,
        PNG_SIGNATURE + chunk(b"IEND", b""),
        png(size=(0, 40), packed=zlib.compress(RED)),
        png(size=SIZE, depth=3, packed=zlib.compress(RED)),
        png(size=SIZE, color=5, packed=zlib.compress(RED)),
        PNG_SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) + chunk(b"IEND", b""),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xd9",
        b"\xff\xd8\xff\xe0\0\0",
        b"\xff\xd8\xff\xda\0\2\xff\xd9",
        riff(),
        riff(webp_canvas(10, 10, flags=0)),
        riff(riff_chunk(b"VP8 ", bytes(20))),
        riff(webp_canvas(9, 9, flags=0), encode(".webp", scene())[12:]),
        b"BM" + bytes(24),
    ],
)
def test_refuses_parts_that_do_not_fit(data: bytes) -> None:
    assert refused(data) == "image_corrupt"


def test_refuses_animations() -> None:
    still = encode(".webp", scene())
    assert refused(riff(webp_canvas(80, 60, flags=0x02), still[12:])) == "image_animated"
    assert refused(riff(riff_chunk(b"ANIM", bytes(6)), still[12:])) == "image_animated"
    apng = png(size=SIZE, packed=zlib.compress(RED), before=(chunk(b"acTL", bytes(8)),))
    assert refused(apng) == "image_animated"


def test_refuses_rare_kinds() -> None:
    jpeg = encode(".jpg", scene())
    lossless = jpeg.replace(b"\xff\xc0", b"\xff\xc3")
    twelve_bits = jpeg.replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x0c")
    bmp = bytearray(encode(".bmp", scene()))
    bmp[30] = 1  # run lengths
    for data in (lossless, twelve_bits, bytes(bmp)):
        assert refused(data) == "image_format_unsupported"


def test_refuses_endless_scans() -> None:
    data = encode(".jpg", scene(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert refused(data[:-2] + scan * 100 + data[-2:]) == "image_corrupt"


def test_reads_bmp_of_every_header() -> None:
    old = struct.pack("<IHHHH", 12, 2, 1, 1, 24)
    pixels = bytes([20, 30, 200] * 2 + [0, 0])  # one row, blue first, padded to four bytes
    data = b"BM" + struct.pack("<IHHI", 26 + 8, 0, 0, 26) + old + pixels
    assert decode(data).pixels.tolist() == [[[200, 30, 20], [200, 30, 20]]]
    flipped = bytearray(encode(".bmp", scene()))
    flipped[22:26] = struct.pack("<i", -60)
    assert (decode(bytes(flipped)).pixels == scene()[::-1]).all()


def test_limits_are_frozen_values() -> None:
    assert replace(DecodeLimits(), max_bytes=1).max_bytes == 1


VALID = [encode(extension, scene(24, 32)) for extension in FORMATS] + [
    encode(".jpg", scene(24, 32), cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    encode(".png", np.dstack((scene(24, 32), np.full((24, 32), 99, np.uint8)))),
    with_exif(encode(".webp", scene(24, 32)), exif(6)),
    with_exif(encode(".jpg", scene(24, 32)), exif(8)),
    with_exif(encode(".png", scene(24, 32)), exif(3)),
    flat_cmyk_jpeg(1, 2, 3, 4),
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    data=st.sampled_from(VALID),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    cut=st.one_of(st.none(), st.tuples(st.floats(0, 1), st.floats(0, 1))),
)
def test_damage_is_decoded_or_refused_and_nothing_else(
    data: bytes, edits: list[tuple[float, int]], cut: tuple[float, float] | None
) -> None:
    damaged = bytearray(data)
    for place, value in edits:
        damaged[min(int(place * len(damaged)), len(damaged) - 1)] = value
    if cut is not None:
        first, last = sorted(int(place * len(damaged)) for place in cut)
        del damaged[first:last]
    try:
        frame = decode(bytes(damaged), DecodeLimits(max_pixels=1_000_000))
    except ImageRefused:
        return
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.ndim == 3
    assert frame.pixels.shape[2] == 3


@settings(max_examples=200, deadline=None)
@given(
    start=st.sampled_from([b"", b"\xff\xd8\xff", PNG_SIGNATURE, b"RIFF\xff\xff\0\0WEBP", b"BM"]),
    rest=st.binary(),
)
def test_noise_is_refused(start: bytes, rest: bytes) -> None:
    with pytest.raises(ImageRefused):
        decode(start + rest)
