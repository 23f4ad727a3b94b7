"""Suspected spoofs over HTTP: operators see them, applications don't."""

import base64
import json

import pytest
from fastapi import FastAPI

from facekey.api.app import Doors, create_app
from facekey.core.caller import Role
from facekey.core.spoofs import Drawn
from facekey.core.types import SubjectId
from facekey.services.keep_evidence import KeepEvidence
from tests.contract.store.opened import Store
from tests.unit.api.test_access import Keys, accounts, call, keys, service, stage
from tests.unit.core.made import CALLER, evidence, near
from tests.unit.services.deployed import Accounts, Playback, person, services, spoofs_of
from tests.unit.services.staged import Stage

__all__ = ["accounts", "keys", "service", "stage"]  # fixtures

SPOOFS = "/api/v1/spoofs"
ALICE = SubjectId("alice")


class Artist:
    """Implements `core.ports.spoofs.SpoofArtist`."""

    async def draw(self, image: bytes) -> Drawn:
        return Drawn(b"depth", b"photo of " + image)


@pytest.fixture
async def app(store: Store, analyzer: Playback, stage: Stage, accounts: Accounts) -> FastAPI:
    """With two suspected spoofs on record, the newer of them claimed nobody."""
    keep = KeepEvidence(artist=Artist(), store=spoofs_of(store))
    served = services(store, analyzer, stage, accounts=accounts, witness=keep)
    await served.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    shown = analyzer.photo(evidence(near(person(1), 0.9, 77), liveness=0.1))
    await served.authenticate(ALICE, shown, caller=CALLER)
    await served.identify(shown, top_k=1, caller=CALLER)
    await keep.settled()
    built = create_app(served, max_image_bytes=10_000, doors=Doors(open_to_this_machine=False))
    built.state.service = served
    return built


async def listed(app: FastAPI, key: str, query: bytes = b"") -> list[tuple[str, bool]]:
    told = json.loads((await call(app, "GET", SPOOFS, key, query=query)).body)
    return [(record["action"], record["evidence"]) for record in told["records"]]


async def test_an_operator_sees_them(app: FastAPI, keys: Keys) -> None:
    key = keys[Role.OPERATOR]
    assert await listed(app, key) == [("identify", False), ("authenticate", True)]
    first = json.loads((await call(app, "GET", SPOOFS, key, query=b"limit=1")).body)
    assert [record["action"] for record in first["records"]] == ["identify"]
    before = first["next_before"]
    assert await listed(app, key, b"before=%d" % before) == [("authenticate", True)]
    sequence = json.loads((await call(app, "GET", SPOOFS, key)).body)["records"][1]["sequence"]
    shown = json.loads((await call(app, "GET", f"{SPOOFS}/{sequence}", key)).body)
    assert shown["record"]["reason"] == "spoof_suspected"
    assert (shown["user_id"], shown["photo_type"]) == ("alice", "image/jpeg")
    assert base64.b64decode(shown["depth_png"]) == b"depth"
    assert base64.b64decode(shown["photo"]).startswith(b"photo of ")
    assert shown["scores"]["liveness"] == 0.1
    assert set(shown["scores"]) == {"liveness", "quality", "match_evidence"}


async def test_of_nobody_there_is_the_record_alone(app: FastAPI, keys: Keys) -> None:
    key = keys[Role.OPERATOR]
    sequence = json.loads((await call(app, "GET", SPOOFS, key)).body)["records"][0]["sequence"]
    shown = json.loads((await call(app, "GET", f"{SPOOFS}/{sequence}", key)).body)
    assert [shown[name] for name in ("depth_png", "photo", "photo_type", "user_id")] == [None] * 4
    assert shown["scores"] == {"liveness": 0.1}


async def test_an_application_does_not(app: FastAPI, keys: Keys) -> None:
    for path in (SPOOFS, f"{SPOOFS}/1"):
        refused = await call(app, "GET", path, keys[Role.SERVICE])
        assert (refused.status, refused.code) == (403, "not_allowed")
        assert (await call(app, "GET", path)).status == 401


async def test_what_is_no_spoof(app: FastAPI, keys: Keys) -> None:
    for sequence in (1, 2**63 - 1):
        answer = await call(app, "GET", f"{SPOOFS}/{sequence}", keys[Role.OPERATOR])
        assert (answer.status, answer.code) == (404, "spoof_unknown")
    for wrong in ("0", "x", str(2**63)):
        assert (await call(app, "GET", f"{SPOOFS}/{wrong}", keys[Role.OPERATOR])).status == 422
