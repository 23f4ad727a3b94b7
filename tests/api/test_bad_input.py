"""What must be refused, and how: a clear problem, nothing half-written."""

import struct
import zlib

import cv2
import httpx
import numpy as np
import pytest

from facekey.settings import Settings
from tests.api.conftest import authenticate, identify, problem, register
from tests.api.test_main_job import actions
from tests.photos import Photos, decoded, encoded


async def nobody_is_enrolled(client: httpx.AsyncClient) -> bool:
    return bool((await client.get("/api/v1/users")).json()["total"] == 0)


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 127, np.uint8)


def side_by_side(left: bytes, right: bytes) -> bytes:
    return encoded(np.hstack([cv2.resize(decoded(one), (800, 1200)) for one in (left, right)]))


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds almost nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


UNREADABLE = [
    ("empty file", b"", 422, "image_empty"),
    ("text called .jpg", b"I am a picture, believe me." * 20, 415, "image_format_unsupported"),
    ("GIF", b"GIF89a" + bytes(100), 415, "image_format_unsupported"),
    ("PDF", b"%PDF-1.7\n" + bytes(100), 415, "image_format_unsupported"),
    ("20,000 x 20,000", png_header(20_000, 20_000), 413, "image_too_many_pixels"),
    ("PNG bomb", png_header(9_000, 9_000), 413, "image_too_many_pixels"),
    ("PNG without its pixels", png_header(500, 500), 422, "image_corrupt"),
]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [case[1:] for case in UNREADABLE],
    ids=[case[0] for case in UNREADABLE],
)
async def test_files_that_are_no_usable_picture(
    client: httpx.AsyncClient, photos: Photos, data: bytes, status: int, code: str
) -> None:
    problem(await authenticate(client, "anybody", data), status, code)
    problem(await identify(client, data), status, code)
    problem(await register(client, "anybody", [*photos.enrolment()[:4], data]), status, code)
    assert await nobody_is_enrolled(client)


@pytest.mark.parametrize("kind", ["16 bits", "transparent", "grey", "bmp", "webp"])
async def test_rare_but_honest_files_are_recognised(
    client: httpx.AsyncClient, photos: Photos, kind: str
) -> None:
    assert (await register(client, "anybody", photos.enrolment())).status_code == 200
    picture = decoded(photos.obama3)[:1200]
    files = {
        "16 bits": lambda: encoded(picture.astype(np.uint16) * 257, ".png"),
        "transparent": lambda: encoded(cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA), ".png"),
        "grey": lambda: encoded(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), ".png"),
        "bmp": lambda: encoded(picture, ".bmp"),
        "webp": lambda: encoded(picture, ".webp"),
    }
    body = (await authenticate(client, "anybody", files[kind]())).json()
    assert body["reason"] == "live_match" or (kind == "grey" and body["reason"] == "spoof_suspected"), body


async def test_a_truncated_photo(client: httpx.AsyncClient, photos: Photos) -> None:
    cut = photos.obama[: len(photos.obama) // 2]
    problem(await authenticate(client, "anybody", cut), 422, "image_corrupt")


async def test_a_photo_that_is_too_large(client: httpx.AsyncClient, photos: Photos) -> None:
    problem(
        await authenticate(client, "anybody", photos.obama + bytes(12 * 1024 * 1024)), 413, "image_too_large"
    )
    problem(await authenticate(client, "anybody", bytes(201 * 1024 * 1024)), 413, "request_too_large")


@pytest.mark.parametrize(("height", "width"), [(1, 1), (480, 640)])
async def test_a_picture_without_a_face_is_answered_not_refused(
    client: httpx.AsyncClient, settings: Settings, height: int, width: int
) -> None:
    body = (await authenticate(client, "anybody", encoded(grey(height, width), ".png"))).json()
    assert (body["authenticated"], body["reason"]) == (False, "no_face")
    assert body["confidence"] is None
    assert body["advice"]
    body = (await identify(client, encoded(grey(height, width), ".png"))).json()
    assert (body["found"], body["reason"]) == (False, "no_face")
    assert len(await actions(settings)) == 2, "also on record"


async def test_several_faces(client: httpx.AsyncClient, photos: Photos) -> None:
    body = (await authenticate(client, "anybody", side_by_side(photos.obama, photos.obama))).json()
    assert (body["authenticated"], body["reason"]) == (False, "multiple_faces")


@pytest.mark.parametrize("count", [0, 1, 4, 11, 17])
async def test_too_few_and_too_many_photos(client: httpx.AsyncClient, photos: Photos, count: int) -> None:
    answer = await register(client, "anybody", [photos.obama] * count)
    assert answer.headers["content-type"] == "application/problem+json"
    expected = {0: "request_invalid", 17: "request_malformed"}.get(count, "image_count_invalid")
    assert answer.json()["code"] == expected
    assert answer.status_code in (400, 422)
    assert await nobody_is_enrolled(client)


async def test_one_photo_five_times(client: httpx.AsyncClient, photos: Photos) -> None:
    body = problem(await register(client, "anybody", [photos.obama] * 5), 422, "too_few_usable_images")
    assert [sample["reason"] for sample in body["samples"]][1:] == ["duplicate"] * 4  # type: ignore[attr-defined]
    # The same photo in other wrappings is the same photo.
    picture = decoded(photos.obama)
    wrapped = [
        photos.obama,
        encoded(picture, ".png"),
        encoded(picture, ".webp"),
        encoded(cv2.resize(picture, None, fx=0.7, fy=0.7)),
        encoded(picture[8:-8, 8:-8]),
    ]
    problem(await register(client, "anybody", wrapped), 422, "too_few_usable_images")
    assert await nobody_is_enrolled(client)


async def test_two_people_in_one_registration(
    client: httpx.AsyncClient, photos: Photos, settings: Settings
) -> None:
    mixed = [*photos.enrolment()[:3], *photos.stranger()[:2]]
    body = problem(await register(client, "anybody", mixed), 422, "different_people")
    assert len(body["samples"]) == 5  # type: ignore[arg-type]
    assert await nobody_is_enrolled(client)
    assert '"reason":"different_people"' in (await actions(settings))[0]


@pytest.mark.parametrize(
    "user_id", ["a/b", "😀", "x" * 10_000, "'; DROP TABLE subjects; --", "", " ", "a\nb"]
)
async def test_user_ids_that_are_refused(client: httpx.AsyncClient, photos: Photos, user_id: str) -> None:
    answers = [
        await authenticate(client, user_id, photos.obama),
        await register(client, user_id, photos.enrolment()),
        await client.post("/api/v1/delete_user", params={"user_id": user_id}),
    ]
    for answer in answers:
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] in ("user_id_invalid", "request_invalid")
        assert len(answer.text) < 1000
    assert await nobody_is_enrolled(client)


@pytest.mark.parametrize("top_k", ["0", "-1", "21", "many"])
async def test_top_k_out_of_range(client: httpx.AsyncClient, photos: Photos, top_k: str) -> None:
    answer = await identify(client, photos.obama, top_k=top_k)
    assert answer.status_code == 422
    assert answer.json()["code"] in ("top_k_invalid", "request_invalid")


async def test_requests_that_make_no_sense(client: httpx.AsyncClient) -> None:
    problem(await client.post("/api/v1/authenticate", data={"user_id": "a"}), 422, "request_invalid")
    problem(await client.post("/api/v1/authenticate", json={"user_id": "a"}), 422, "request_invalid")
    problem(await client.get("/api/v1/authenticate"), 405, "method_not_allowed")
    problem(await client.get("/api/v1/users/a/b"), 404, "not_found")
    broken = await client.post(
        "/api/v1/authenticate",
        content=b"--x\r\nbroken",
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert broken.status_code in (400, 422)
    assert broken.headers["content-type"] == "application/problem+json"
    problem(await client.get("/api/v1/users", params={"limit": 0}), 422, "request_invalid")


@pytest.mark.parametrize(
    ("headers", "detail"),
    [({"host": "evil.example"}, "localhost"), ({"origin": "https://evil.example"}, "other sites")],
)
async def test_foreign_pages_and_names_are_turned_away(
    client: httpx.AsyncClient, headers: dict[str, str], detail: str
) -> None:
    body = problem(await client.get("/api/v1/users", headers=headers), 403, "local_only")
    assert detail in str(body["detail"])


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/nowhere", "/api/v1/users"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-request-id"]
