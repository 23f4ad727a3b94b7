"""The service is killed, its database is locked or full: nothing is lost or half-written."""

import os
import random
import signal
import sqlite3
import threading
import time
from pathlib import Path

import httpx

from facekey.core.audit import ChainedRecord, verify_chain
from tests.api.conftest import problem
from tests.e2e.conftest import facekey, running
from tests.photos import Photos

KILLS = 6


def test_killed_in_the_middle_of_a_registration(
    environment: dict[str, str], photos: Photos, tmp_path: Path
) -> None:
    rng = random.Random(5)  # noqa: S311 - moments of a test, not secrets
    files = [("images", photo) for photo in photos.enrolment()]
    answered = 0
    for attempt in range(KILLS):
        with running(facekey("serve"), environment) as (url, process):
            began = time.perf_counter()
            if attempt == 0:  # how long one takes on this machine, so that kills fall all over it
                whole = httpx.post(f"{url}/api/v1/register", data={"user_id": "u0"}, files=files, timeout=60)
                assert whole.is_success, whole.text
                duration = time.perf_counter() - began
                httpx.delete(f"{url}/api/v1/users/u0")
                continue
            killer = threading.Timer(duration * rng.uniform(0.2, 1.1), os.kill, (process.pid, signal.SIGKILL))
            killer.start()
            try:
                answer = httpx.post(
                    f"{url}/api/v1/register", data={"user_id": f"u{attempt}"}, files=files, timeout=60
                )
                answered += answer.is_success
                accepted = answer.is_success
            except httpx.TransportError:
                accepted = False
            killer.join()
            process.wait(10)
        assert_whole(tmp_path / "facekey.db", must_exist=accepted)
        with running(facekey("serve"), environment) as (url, _):
            # Room for the next one: a face has one id.
            httpx.delete(f"{url}/api/v1/users/u{attempt}")
            assert httpx.get(f"{url}/api/v1/users").json()["total"] == 0


def assert_whole(path: Path, *, must_exist: bool) -> None:
    """The person has row, templates and record, or none of them; the chain holds."""
    connection = sqlite3.connect(path)
    people = connection.execute("SELECT uid FROM subjects").fetchall()
    templates = connection.execute("SELECT subject_uid FROM templates").fetchall()
    records = connection.execute(
        "SELECT sequence, body, previous, digest FROM audit ORDER BY sequence"
    ).fetchall()
    connection.close()
    assert len(people) == len(templates), "a person without templates, or templates without a person"
    assert not must_exist or len(people) == 1, "an answered registration was lost"
    verify_chain(ChainedRecord(*record) for record in records)
    enrolled = sum('"outcome":"enrolled"' in body for _, body, _, _ in records)
    erased = sum('"action":"erase"' in body for _, body, _, _ in records)
    assert enrolled - erased == len(people)


def test_a_locked_database_is_a_503_and_heals(
    environment: dict[str, str], photos: Photos, tmp_path: Path
) -> None:
    with running(facekey("serve"), environment) as (url, _):
        blocker = sqlite3.connect(tmp_path / "facekey.db", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        answer = httpx.post(
            f"{url}/api/v1/authenticate", data={"user_id": "a"}, files={"image": photos.obama}, timeout=60
        )
        problem(answer, 503, "store_unavailable")
        assert answer.headers["retry-after"] == "1"
        assert "confidence" not in answer.text, "a decision that isn't on record is not given"
        blocker.execute("ROLLBACK")
        blocker.close()
        healed = httpx.post(
            f"{url}/api/v1/authenticate", data={"user_id": "a"}, files={"image": photos.obama}, timeout=60
        )
        assert healed.status_code == 200, healed.text


def test_overload_is_a_503_not_a_queue(environment: dict[str, str], photos: Photos) -> None:
    small = {**environment, "FACEKEY_VISION_THREADS": "1", "FACEKEY_VISION_QUEUE": "1"}
    with running(facekey("serve"), small) as (url, _):
        answers: list[httpx.Response] = []

        def ask() -> None:
            answers.append(httpx.post(f"{url}/api/v1/identify", files={"image": photos.obama}, timeout=60))

        clients = [threading.Thread(target=ask) for _ in range(8)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) + sum(answer.status_code == 200 for answer in answers) == 8
    assert refused
    for answer in refused:
        problem(answer, 503, "overloaded")
        assert answer.headers["retry-after"]
