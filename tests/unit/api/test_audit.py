import json

from fastapi import FastAPI
from sqlalchemy import text

from facekey.core.audit_lines import verify_lines
from facekey.credentials.signatures import PublicKeys
from tests.contract.store.opened import Store, event
from tests.unit.api.requests import ask

AUDIT = "/api/v1/audit"


async def test_pages_of_the_log(app: FastAPI, store: Store) -> None:
    for number in range(3):
        await store.audit.append(event("authenticate", f"user{number}"))
    first = json.loads((await ask(app, path=AUDIT, query=b"limit=2")).body)
    assert [record["sequence"] for record in first["records"]] == [4, 3], "this request is one of them"
    assert first["records"][0]["action"] == "read_audit"
    assert first["next_before"] == 3
    second = json.loads((await ask(app, path=AUDIT, query=b"before=3&limit=5")).body)
    assert [record["sequence"] for record in second["records"]] == [2, 1]
    assert second["next_before"] is None
    about = json.loads((await ask(app, path=AUDIT, query=b"user_id=user1&action=authenticate")).body)
    assert [record["sequence"] for record in about["records"]] == [2]
    assert "user1" not in json.dumps(about)


async def test_times_need_their_zone(app: FastAPI, store: Store) -> None:
    await store.audit.append(event("authenticate", "alice"))
    assert (await ask(app, path=AUDIT, query=b"since=2020-01-01T00:00:00")).code == "request_invalid"
    query = b"since=2020-01-01T00:00:00%2B02:00&until=2021-01-01T00:00:00Z"
    assert json.loads((await ask(app, path=AUDIT, query=query)).body)["records"] == []


async def test_what_cannot_be_asked(app: FastAPI) -> None:
    for query in (b"limit=0", b"limit=501", b"before=0", b"before=99999999999999999999", b"action=%25"):
        assert (await ask(app, path=AUDIT, query=query)).code == "request_invalid"
    assert (await ask(app, path=AUDIT, query=b"user_id=a/b")).code == "user_id_invalid"


async def test_the_report_names_what_is_wrong(app: FastAPI, store: Store) -> None:
    for _ in range(3):
        await store.audit.append(event("authenticate", "alice"))
    good = json.loads((await ask(app, path=f"{AUDIT}/verify")).body)
    assert (good["intact"], good["records"], good["sealed"], good["fault"]) == (True, 4, True, None)
    for change in ("DROP TRIGGER audit_no_update", "UPDATE audit SET body = '{}' WHERE sequence = 2"):
        await store.database.write(lambda connection, change=change: connection.execute(text(change)))  # type: ignore[misc]
    bad = json.loads((await ask(app, path=f"{AUDIT}/verify")).body)
    assert (bad["intact"], bad["records"], bad["sealed"]) == (False, 1, False)
    assert bad["fault"] == "audit record 2: its content was changed"


async def test_an_export_is_verified_with_the_published_key(app: FastAPI, store: Store) -> None:
    await store.audit.append(event("authenticate", "alice"))
    answer = await ask(app, path=f"{AUDIT}/export", ends=False)  # who goes away gets no more of it
    assert answer.headers["content-type"] == "application/x-ndjson"
    keys = PublicKeys.parse((await ask(app, path="/.well-known/facekey-audit-keys.pem")).body)
    found = verify_lines(answer.body.decode().splitlines(), verifier=keys)
    assert (found.head.sequence, found.signed_up_to) == (2, 2)


async def test_a_log_that_was_cut_gives_no_decision(app: FastAPI, store: Store) -> None:
    await store.audit.append(event("authenticate", "alice"))
    await store.database.write(lambda connection: connection.execute(text("DELETE FROM audit_head")))
    assert (await ask(app, path=AUDIT)).code == "audit_broken"
