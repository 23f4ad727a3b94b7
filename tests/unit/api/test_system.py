"""What operators are told of the system: facts, the doctor's list, keys without keys."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from facekey.api.app import create_app
from facekey.api.examined import EVERY_S, Doctor, Item
from facekey.api.service import Service
from facekey.store.sql.signing_keys import SqlSigningKeys
from tests.contract.store.opened import Store
from tests.unit.api.requests import ask
from tests.unit.services.deployed import NOW, HandClock
from tests.unit.services.staged import HandTicker

SYSTEM = "/api/v1/system"


class Counted:
    """Implements `api.examined.Examination`."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> Sequence[Item]:
        self.times += 1
        return [Item("clock", "ok", f"look {self.times}", None), Item("disk", "warn", "little", "make room")]


async def test_facts(service: Service) -> None:
    app = create_app(service, max_image_bytes=10_000)
    app.state.service = service
    told = json.loads((await ask(app, path=f"{SYSTEM}/info")).body)
    assert datetime.fromisoformat(told["started_at"]) == NOW
    stream = {"challenge_actions": None, "passive_frames": 24, "passive_s": 3.0, "session_s": 60.0}
    assert told["stream"] == stream
    assert (told["images_stored"], told["adaptation"], told["consent_required"]) == (False, False, False)
    assert told["max_image_bytes"] == 10_000
    assert told["models"][0]["how_to_get"] is None


async def test_the_doctor_comes_once_a_minute(service: Service) -> None:
    examination, clock, ticker = Counted(), HandClock(), HandTicker()
    doctor = Doctor(examination, clock=clock, ticker=ticker)
    app = create_app(service, max_image_bytes=10_000, doctor=doctor)
    app.state.service = service
    for passed_s, look in ((0.0, 1), (EVERY_S - 1.0, 1), (1.0, 2)):
        clock.move(passed_s)
        ticker.now_s += passed_s
        told = json.loads((await ask(app, path=f"{SYSTEM}/doctor")).body)
        assert told["checks"] == [
            {"name": "clock", "verdict": "ok", "found": f"look {look}", "advice": None},
            {"name": "disk", "verdict": "warn", "found": "little", "advice": "make room"},
        ]
        at = NOW + timedelta(seconds=0 if look == 1 else EVERY_S)
        assert datetime.fromisoformat(told["at"]) == at
    assert examination.times == 2


async def test_a_process_without_a_doctor_says_so(service: Service) -> None:
    app = create_app(service, max_image_bytes=10_000)
    app.state.service = service
    (item,) = json.loads((await ask(app, path=f"{SYSTEM}/doctor")).body)["checks"]
    assert (item["name"], item["verdict"]) == ("doctor", "unknown")


async def test_keys_without_keys(service: Service, store: Store) -> None:
    app = create_app(service, max_image_bytes=10_000)
    app.state.service = service
    (made,) = await SqlSigningKeys(store.database, store.ring).load(
        "face_token", at=NOW, retired_for=timedelta(days=1)
    )
    body = (await ask(app, path=f"{SYSTEM}/keys")).body.decode()
    told = json.loads(body)
    current = store.ring.keys.current()
    (root,) = told["root"]
    assert (root["key_id"], root["version"]) == (current.key_id.hex(), current.version)
    assert (root["current"], root["at_hand"], root["created_at"]) == (True, True, None)
    assert root["records"] > 1
    (signing,) = told["signing"]
    assert (signing["kid"], signing["purpose"], signing["retired_at"]) == (made.kid, "face_token", None)
    assert datetime.fromisoformat(signing["created_at"]) == NOW
    assert made.secret.hex() not in body
    assert current.secret.hex() not in body
