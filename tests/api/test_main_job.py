"""Register, authenticate, identify, erase: the shapes are fixed by the API's description."""

import tempfile

import httpx
import pytest

from facekey.core.audit import verify_chain
from facekey.settings import Settings
from facekey.wiring.records import open_audit_trail
from tests.api.conftest import authenticate, identify, problem, register
from tests.photos import Photos


async def actions(settings: Settings) -> list[str]:
    async with open_audit_trail(settings) as trail:
        found = [record async for record in trail.records()]
    verify_chain(found)
    return [record.body for record in found]


async def test_a_person_is_recognised_a_stranger_is_not(
    client: httpx.AsyncClient, photos: Photos, settings: Settings
) -> None:
    registered = await register(client, "john_doe", photos.enrolment())
    assert registered.status_code == 200, registered.text
    body = registered.json()
    assert body["success"] is True
    assert body["user_id"] == "john_doe"
    assert body["samples_processed"] == 5
    assert 3 <= body["valid_samples"] <= 5
    assert 0.0 < body["avg_quality_score"] <= 1.0
    assert 0.5 < body["avg_liveness_score"] <= 1.0
    assert len(body["samples"]) == 5

    # A photo of another occasion.
    body = (await authenticate(client, "john_doe", photos.obama3)).json()
    assert body["authenticated"] is True
    assert body["reason"] == "live_match"
    assert body["confidence"] >= body["threshold"] == 0.65
    assert set(body["similarities"]) >= {"mobilefacenet", "fusion"}
    assert 0.5 < body["probability"] <= 1.0

    body = (await authenticate(client, "john_doe", photos.biden)).json()
    assert (body["authenticated"], body["reason"]) == (False, "no_match")
    assert body["confidence"] < body["threshold"]

    body = (await identify(client, photos.obama3)).json()
    assert body["found"] is True
    assert [match["user_id"] for match in body["matches"]] == ["john_doe"]
    assert body["total_users_checked"] == 1
    body = (await identify(client, photos.biden)).json()
    assert (body["found"], body["matches"], body["reason"]) == (False, [], "no_match")

    erased = (await client.post("/api/v1/delete_user", params={"user_id": "john_doe"})).json()
    assert erased["success"] is True
    assert len(erased["audit_digest"]) == 64
    assert (await authenticate(client, "john_doe", photos.obama3)).json()["reason"] == "no_match"
    assert (await identify(client, photos.obama3)).json()["total_users_checked"] == 0

    records = await actions(settings)
    assert len(records) == 8, "one record for each decision"
    assert erased["audit_sequence"] == 6
    assert '"reason":"unknown_subject"' in records[6]
    assert not any("john_doe" in record for record in records)


async def test_an_unknown_id_looks_like_a_stranger(client: httpx.AsyncClient, photos: Photos) -> None:
    await register(client, "john_doe", photos.enrolment())
    stranger = (await authenticate(client, "john_doe", photos.biden)).json()
    unknown = (await authenticate(client, "nobody", photos.biden)).json()
    assert stranger.keys() == unknown.keys()
    assert stranger["similarities"].keys() == unknown["similarities"].keys()
    assert unknown["authenticated"] is False
    assert unknown["reason"] == stranger["reason"] == "no_match"
    assert (await authenticate(client, "nobody", photos.biden)).json() == unknown, (
        "the same id, the same answer"
    )


async def test_a_face_has_one_id_and_an_id_has_one_face(client: httpx.AsyncClient, photos: Photos) -> None:
    assert (await register(client, "first", photos.enrolment())).status_code == 200
    refused = problem(await register(client, "second", photos.enrolment()), 409, "face_already_enrolled")
    assert "first" not in str(refused)
    problem(await register(client, "first", photos.stranger()), 409, "user_exists")
    listed = (await client.get("/api/v1/users")).json()
    assert [user["user_id"] for user in listed["users"]] == ["first"]


async def test_directory(client: httpx.AsyncClient, photos: Photos) -> None:
    assert (await client.get("/api/v1/users")).json() == {"users": [], "total": 0, "next_after": None}
    await register(client, "a", photos.enrolment())
    await register(client, "b", photos.stranger())
    first = (await client.get("/api/v1/users", params={"limit": 1})).json()
    begin = first["users"][0]["user_id"]
    assert (first["total"], first["next_after"]) == (2, begin)
    rest = (await client.get("/api/v1/users", params={"limit": 1, "after": begin})).json()
    assert {begin, rest["users"][0]["user_id"]} == {"a", "b"}, "in whichever order"
    one = (await client.get("/api/v1/users/a")).json()
    assert any(model.startswith("mobilefacenet:") for model in one["models"])
    problem(await client.get("/api/v1/users/nobody"), 404, "user_unknown")
    problem(await client.delete("/api/v1/users/nobody"), 404, "user_unknown")
    problem(await client.post("/api/v1/delete_user", params={"user_id": "nobody"}), 404, "user_unknown")
    assert (await client.delete("/api/v1/users/a")).json()["user_id"] == "a"


async def test_health_and_system_info(client: httpx.AsyncClient) -> None:
    for path in ("/health", "/health/live", "/health/ready"):
        assert (await client.get(path)).json()["status"] == "ok"
    info = (await client.get("/api/v1/system/info")).json()
    networks = {network["name"]: network for network in info["models"]}
    assert networks["mobilefacenet"]["in_use"]
    assert networks["retinaface"]["in_use"]
    assert any(network["task"] == "liveness" and network["in_use"] for network in networks.values())
    assert not networks["arcface_r100"]["in_use"]
    assert networks["arcface_r100"]["note"]
    assert networks["arcface_r100"]["how_to_get"] == "facekey models pull arcface_r100"
    assert info["profile"] == "development"
    assert info["match_threshold"] == 0.65


async def test_api_description_and_its_page_need_no_other_site(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json()["info"]["title"] == "FaceKey"
    page = await client.get("/", follow_redirects=True)
    assert page.url.path == "/docs"
    assert page.status_code == 200
    assert "https://" not in page.text.replace("https://swagger.io", "")
    script = page.text.split('src="')[1].split('"')[0]
    assert (await client.get(script)).status_code == 200


async def test_uploads_never_touch_the_disk(
    client: httpx.AsyncClient, photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled_over: list[int] = []
    monkeypatch.setattr(
        tempfile.SpooledTemporaryFile, "rollover", lambda spooled: rolled_over.append(spooled.tell())
    )
    large = photos.obama + b"\0" * 3_000_000  # over the 1 MB at which Starlette would use a file
    answer = await authenticate(client, "nobody", large)
    assert answer.status_code == 200, answer.text
    assert rolled_over == []
