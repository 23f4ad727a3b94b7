"""A service whose faces are searched by pgvector, and whose index is revoked while it runs."""

import subprocess

import httpx

from tests.e2e.conftest import ROOT, facekey, running
from tests.photos import Photos
from tests.postgres import PostgresServer


def test_people_are_found_before_and_after_the_key_is_changed(
    environment: dict[str, str], photos: Photos, postgres: PostgresServer
) -> None:
    shared = {**environment, "DATABASE_URL": postgres.migrated(), "FACEKEY_INDEX": "pgvector"}

    def identified(url: str, photo: bytes) -> list[str]:
        answer = httpx.post(f"{url}/api/v1/identify", files={"image": photo}, timeout=60)
        assert answer.status_code == 200, answer.text
        assert answer.json()["total_users_checked"] == 1
        return [match["user_id"] for match in answer.json()["matches"]]

    with running(facekey("serve"), shared) as (url, _):
        files = [("images", photo) for photo in photos.enrolment()]
        registered = httpx.post(f"{url}/api/v1/register", data={"user_id": "obama"}, files=files, timeout=60)
        assert registered.is_success, registered.text
        assert identified(url, photos.obama) == ["obama"]
        renewed = subprocess.run(
            facekey("index", "rebuild", "--new-key"),
            env=shared,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert renewed.returncode == 0, renewed.stderr
        assert identified(url, photos.obama) == ["obama"]
        assert identified(url, photos.biden) == []
        httpx.delete(f"{url}/api/v1/users/obama").raise_for_status()
        answer = httpx.post(f"{url}/api/v1/identify", files={"image": photos.obama}, timeout=60).json()
        assert (answer["found"], answer["total_users_checked"]) == (False, 0)
