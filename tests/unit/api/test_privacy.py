import json

from fastapi import FastAPI

from facekey.core.audit_lines import parse_receipt
from facekey.credentials.signatures import PublicKeys
from tests.unit.api.requests import FORM, LOCAL, ask, form
from tests.unit.services.deployed import Playback, person

JSON = (*LOCAL, ("content-type", "application/json"))
USER = "/api/v1/users/alice"


async def enrol(app: FastAPI, analyzer: Playback, *fields: tuple[str, str]) -> int:
    photos = [("images", photo) for photo in analyzer.photos_of(person(1))]
    body = form(("user_id", "alice"), *fields, *photos)
    return (await ask(app, "POST", "/api/v1/register", headers=FORM, body=[body])).status


async def consents(app: FastAPI) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((await ask(app, path=f"{USER}/consents")).body)
    return found


async def test_a_registration_brings_its_consent(app: FastAPI, analyzer: Playback) -> None:
    fields = ("consent_purpose", "door"), ("consent_text_version", "v1")
    assert await enrol(app, analyzer, fields[0]) == 422, "half a consent is none"
    assert await enrol(app, analyzer, *fields, ("consent_expires_at", "2001-01-01T00:00:00Z")) == 422
    assert await enrol(app, analyzer, *fields, ("consent_expires_at", "2099-01-01T00:00:00Z")) == 200
    (kept,) = await consents(app)
    assert (kept["purpose"], kept["expires_at"]) == ("door", "2099-01-01T00:00:00Z")


async def test_consents_over_the_api(app: FastAPI, analyzer: Playback) -> None:
    assert (await ask(app, path=f"{USER}/consents")).code == "user_unknown"
    assert await enrol(app, analyzer) == 200
    assert await consents(app) == []
    body = json.dumps({"purpose": "door", "text_version": "v1"}).encode()
    assert (await ask(app, "POST", f"{USER}/consents", headers=JSON, body=[body])).status == 201
    nothing = json.dumps({"purpose": " ", "text_version": "v1"}).encode()
    assert (
        await ask(app, "POST", f"{USER}/consents", headers=JSON, body=[nothing])
    ).code == "consent_invalid"
    answer = await ask(app, "POST", f"{USER}/consents/withdraw", query=b"purpose=door")
    assert json.loads(answer.body) == {"success": True, "withdrawn": 1}
    assert (await consents(app))[0]["withdrawn_at"] is not None


async def test_an_export_over_the_api(app: FastAPI, analyzer: Playback) -> None:
    assert (await ask(app, path=f"{USER}/export")).code == "user_unknown"
    await enrol(app, analyzer)
    answer = await ask(app, path=f"{USER}/export", query=b"vectors=true")
    assert answer.headers["cache-control"] == "no-store"
    told = json.loads(answer.body)
    assert (told["user_id"], len(told["template"]["models"][0]["values"])) == ("alice", 5)
    assert [record["action"] for record in told["audit_records"]][-1] == "export"


async def test_the_answer_to_an_erasure_is_a_receipt(app: FastAPI, analyzer: Playback) -> None:
    await enrol(app, analyzer)
    answer = await ask(app, "DELETE", USER)
    said, signature = parse_receipt(answer.body.decode())
    keys = PublicKeys.parse((await ask(app, path="/.well-known/facekey-audit-keys.pem")).body)
    keys.verify(said.statement, signature)
