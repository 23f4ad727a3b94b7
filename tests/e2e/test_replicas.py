"""Two services on one PostgreSQL and one Redis, as in production: what one knows the other knows."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from facekey.store.sql.migrate import migrate
from tests.api.conftest import problem
from tests.e2e.conftest import facekey, free_port, running
from tests.photos import Photos
from tests.postgres import PostgresServer
from tests.servers import RedisServer


@dataclass(frozen=True)
class Replicas:
    """Clients of two services."""

    one: httpx.Client
    other: httpx.Client


@pytest.fixture
def replicas(
    environment: dict[str, str], postgres: PostgresServer, redis_server: RedisServer
) -> Iterator[Replicas]:
    shared = {**environment, "DATABASE_URL": postgres.empty(), "REDIS_URL": redis_server.url}
    migrate(shared["DATABASE_URL"])
    beside = {**shared, "FACEKEY_PORT": str(free_port())}
    with (
        running(facekey("serve"), shared) as (one, _),
        running(facekey("serve"), beside) as (other, _),
        httpx.Client(base_url=one, timeout=60) as first,
        httpx.Client(base_url=other, timeout=60) as second,
    ):
        yield Replicas(first, second)


def enrol(client: httpx.Client, user_id: str, photos: list[bytes]) -> None:
    files = [("images", photo) for photo in photos]
    answer = client.post("/api/v1/register", data={"user_id": user_id}, files=files)
    assert answer.is_success, answer.text


def identified(client: httpx.Client, photo: bytes) -> list[str]:
    answer = client.post("/api/v1/identify", files={"image": photo})
    assert answer.is_success, answer.text
    return [match["user_id"] for match in answer.json()["matches"]]


def test_what_one_registers_the_other_knows_and_what_one_erases_is_gone(
    replicas: Replicas, photos: Photos
) -> None:
    enrol(replicas.one, "barack", photos.enrolment())
    assert identified(replicas.other, photos.obama) == ["barack"]
    answer = replicas.other.post(
        "/api/v1/authenticate", data={"user_id": "barack"}, files={"image": photos.obama}
    )
    assert answer.json()["authenticated"], answer.text
    assert replicas.other.delete("/api/v1/users/barack").is_success
    assert identified(replicas.one, photos.obama) == []


def test_one_face_gets_one_id_whoever_is_asked(replicas: Replicas, photos: Photos) -> None:
    enrol(replicas.one, "barack", photos.enrolment())
    files = [("images", photo) for photo in photos.enrolment()]
    again = replicas.other.post("/api/v1/register", data={"user_id": "hussein"}, files=files)
    problem(again, 409, "face_already_enrolled")


def test_failures_are_counted_together(replicas: Replicas, photos: Photos) -> None:
    answers = [
        client.post("/api/v1/authenticate", data={"user_id": "barack"}, files={"image": photos.biden})
        for client in (replicas.one, replicas.other) * 3
    ]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    problem(answers[-1], 429, "too_many_attempts")
    assert 0 < int(answers[-1].headers["retry-after"]) <= 30
