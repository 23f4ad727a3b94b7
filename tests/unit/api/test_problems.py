import json

import pytest
import structlog
from fastapi import FastAPI
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from facekey.api.problems import Defects
from facekey.api.service import Service
from facekey.core.errors import (
    AuditBroken,
    GalleryMoved,
    ImageRefused,
    KeyUnavailable,
    ModelOutputInvalid,
    Overloaded,
    SealBroken,
    StoreUnavailable,
    Unavailable,
)
from facekey.core.types import SubjectId
from tests.contract.store.opened import Store
from tests.unit.api.requests import FORM, LOCAL, ask, form, scope, swallow
from tests.unit.core.made import CALLER, evidence
from tests.unit.services.deployed import Playback, person

SECRET = "john_doe at 10.1.2.3 with key 5ec7e7"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ImageRefused("image_corrupt", "it is broken"), 422, "image_corrupt"),
        (ImageRefused("image_too_large", "it is large"), 413, "image_too_large"),
        (ImageRefused("image_format_unsupported", "it is a PDF"), 415, "image_format_unsupported"),
        (Overloaded(SECRET), 503, "overloaded"),
        (StoreUnavailable(SECRET), 503, "store_unavailable"),
        (GalleryMoved(SECRET), 503, "gallery_moved"),
        (KeyUnavailable(SECRET), 503, "key_unavailable"),
        (Unavailable(SECRET), 503, "unavailable"),
        (SealBroken(SECRET), 503, "template_unreadable"),
        (ModelOutputInvalid("arcface", SECRET), 503, "model_error"),
        (AuditBroken(3, SECRET), 503, "audit_broken"),
        (ValueError(SECRET), 500, "internal_error"),
    ],
)
async def test_every_error_has_its_answer(
    app: FastAPI, analyzer: Playback, error: Exception, status: int, code: str
) -> None:
    body = form(("image", analyzer.photo(error)))
    with structlog.testing.capture_logs():
        answer = await ask(app, "POST", "/api/v1/identify", headers=FORM, body=[body])
    assert (answer.status, answer.code) == (status, code)
    assert SECRET not in answer.body.decode()
    assert ("retry-after" in answer.headers) == (status == 503 and isinstance(error, Unavailable))
    assert answer.headers["x-content-type-options"] == "nosniff", "also on a defect"
    assert answer.headers["x-request-id"]


async def test_a_store_that_fails_gives_no_decision(app: FastAPI, analyzer: Playback, store: Store) -> None:
    await store.database.write(
        lambda connection: connection.execute(
            text("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        )
    )
    body = form(("user_id", "alice"), ("image", analyzer.photo(evidence(person(1)))))
    with structlog.testing.capture_logs() as logged:
        answer = await ask(app, "POST", "/api/v1/authenticate", headers=FORM, body=[body])
    assert answer.code == "store_unavailable"
    assert b"confidence" not in answer.body
    assert "alice" not in str(logged)


async def test_a_refused_registration_says_what_to_do(app: FastAPI, analyzer: Playback) -> None:
    images = [("images", photo) for photo in (analyzer.photos_of(person(1), 1) * 5)]
    answer = await ask(app, "POST", "/api/v1/register", headers=FORM, body=[form(("user_id", "a"), *images)])
    assert (answer.status, answer.code) == (422, "too_few_usable_images")
    assert [sample["reason"] for sample in json.loads(answer.body)["samples"]] == [
        "accepted",
        *["duplicate"] * 4,
    ]


async def test_half_an_answer_is_cut_not_finished() -> None:
    async def breaks(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("in mid-answer")

    with structlog.testing.capture_logs() as logged, pytest.raises(RuntimeError):
        await ask(Defects(breaks))
    assert [entry["event"] for entry in logged] == ["defect"]


async def test_what_is_no_request_and_what_goes_well_passes_through() -> None:
    assert (await ask(Defects(swallow))).status == 200
    reached: list[str] = []

    async def inside(given: Scope, *_: object) -> None:
        reached.append(given["type"])

    await Defects(inside)({**scope(), "type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert reached == ["lifespan"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", form(("image", b"x"))),
        ("multipart/form-data; boundary=", form(("image", b"x"))),
        ("multipart/form-data; boundary=other", form(("image", b"x"))),
        ("multipart/form-data; boundary=\xff", form(("image", b"x"))),
        ("multipart/form-data; boundary=" + "y" * 300, form(("image", b"x"))),
        ("multipart/form-data; boundary=x; charset=idna", form(("top_k", "\xff"), ("image", b"x"))),
        ("multipart/form-data; boundary=x; charset=hex", form(("top_k", "zz"), ("image", b"x"))),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nz\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nz\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", form(("image", b"x"))[:-8]),
        ("multipart/form-data; boundary=x", form(("image", "a string"))),
        ("multipart/form-data; boundary=x", form(("image", b"x"), ("top_k", "nan"))),
        ("multipart/form-data; boundary=x", form(("image", b"x"), ("top_k", "9" * 5000))),
        ("multipart/form-data; boundary=x", form(("image", b"x"), ("top_k", b"3"))),
        ("multipart/form-data; boundary=x", form(*[("image", b"x")] * 17)),
        ("multipart/form-data; boundary=x", form(*[("top_k", "3")] * 17)),
        ("multipart/form-data; boundary=x", b""),
        ("application/x-www-form-urlencoded", b"image=%ff&top_k=3"),
        ("application/x-www-form-urlencoded", b"&".join([b"a=b"] * 100)),
        ("application/json", b'{"image": "x"}'),
        ("application/json", b"{"),
        (";;;", b"\x00" * 100),
    ],
)
@pytest.mark.filterwarnings("ignore:Exception ignored in. .function SpooledTemporaryFile")  # Starlette's
async def test_bodies_that_make_no_sense_are_the_clients_fault(
    app: FastAPI, content_type: str, body: bytes
) -> None:
    headers = (*LOCAL, ("content-type", content_type))
    answer = await ask(app, "POST", "/api/v1/identify", headers=headers, body=[body])
    assert answer.status in (400, 422), answer.body
    assert answer.code in ("request_malformed", "request_invalid", "image_corrupt")


async def test_what_was_sent_is_not_repeated(app: FastAPI) -> None:
    body = form(("image", b"x"), ("top_k", "john_doe"))
    answer = await ask(app, "POST", "/api/v1/identify", headers=FORM, body=[body])
    assert answer.code == "request_invalid"
    assert b"john_doe" not in answer.body


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v1/users/a\0b", b""),
        ("/api/v1/users/\ufffd", b""),
        ("/api/v1/users/" + "x" * 5000, b""),
        ("/api/v1/users", b"after=%ff%00"),
        ("/api/v1/users", b"limit=nan"),
        ("/api/v1/users", b"limit=" + b"9" * 5000),
        ("/api/v1/users", b"limit=501"),
        ("/api/v1/users", b"after="),
    ],
)
async def test_odd_paths_and_queries_are_the_clients_fault(app: FastAPI, path: str, query: bytes) -> None:
    answer = await ask(app, path=path, query=query)
    assert answer.status == 422
    assert answer.code in ("request_invalid", "user_id_invalid")
    assert len(answer.body) < 1000


async def test_a_taken_and_an_unknown_id(app: FastAPI, analyzer: Playback, service: Service) -> None:
    await service.register(SubjectId("alice"), analyzer.photos_of(person(1)), caller=CALLER)
    images = [("images", photo) for photo in analyzer.photos_of(person(2))]
    taken = await ask(
        app, "POST", "/api/v1/register", headers=FORM, body=[form(("user_id", "alice"), *images)]
    )
    assert (taken.status, taken.code) == (409, "user_exists")
    unknown = await ask(app, "DELETE", "/api/v1/users/bob")
    assert (unknown.status, unknown.code) == (404, "user_unknown")


async def test_known_and_unknown_ids_get_the_same_form_of_answer(
    app: FastAPI, analyzer: Playback, service: Service
) -> None:
    await service.register(SubjectId("alice"), analyzer.photos_of(person(1)), caller=CALLER)
    probe = analyzer.photo(evidence(person(2)))
    answers = [
        await ask(
            app,
            "POST",
            "/api/v1/authenticate",
            headers=FORM,
            body=[form(("user_id", name), ("image", probe))],
        )
        for name in ("alice", "nobody")
    ]
    known, unknown = (json.loads(answer.body) for answer in answers)
    assert [answer.status for answer in answers] == [200, 200]
    assert known["similarities"].keys() == unknown["similarities"].keys()
    compared = ("confidence", "similarities", "probability")
    assert {key: value for key, value in known.items() if key not in compared} == {
        key: value for key, value in unknown.items() if key not in compared
    }
