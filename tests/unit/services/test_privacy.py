"""Consents, exports, erasures and retention, on a real store."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Executable, func, insert, select

from facekey.api.service import Service
from facekey.core.attempts import Claim, Result
from facekey.core.consent import ConsentGiven, ConsentRule
from facekey.core.errors import RequestInvalid, SignatureWrong, SubjectExists, SubjectUnknown
from facekey.core.personal_export import export_of
from facekey.core.types import Reason, SubjectId
from facekey.services.retain import in_turn
from facekey.store.memory import MemorySingleUse
from facekey.store.sql.connection import Connection
from facekey.store.sql.subjects import OF_A_PERSON
from facekey.store.sql.tables import attempts, labels, metadata, outbox, refresh_tokens, subjects
from tests.contract.store.opened import Store, event
from tests.unit.core.made import CALLER, evidence
from tests.unit.services.deployed import (
    NOW,
    RETENTION,
    SIGNER,
    HandClock,
    Playback,
    erasing,
    person,
    recorded,
    retaining,
    services,
)
from tests.unit.services.staged import HandTicker

ALICE, BOB = SubjectId("alice"), SubjectId("bob")
DOOR = ConsentGiven("door", "2026-01")
DAY = 86_400.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def served(store: Store, analyzer: Playback, clock: HandClock) -> Service:
    return services(store, analyzer, clock=clock)


async def enrol(
    service: Service,
    analyzer: Playback,
    name: SubjectId,
    who: int,
    consent: ConsentGiven | None = None,
) -> None:
    await service.register(name, analyzer.photos_of(person(who)), caller=CALLER, consent=consent)


async def run(store: Store, statement: Executable) -> None:
    await store.database.write(lambda connection: connection.execute(statement))


async def test_a_consent_is_kept_with_the_person(served: Service, analyzer: Playback, store: Store) -> None:
    await enrol(served, analyzer, ALICE, 1, replace(DOOR, expires_at=NOW + timedelta(days=9)))
    (kept,) = await served.consents.of(ALICE)
    assert (kept.given.purpose, kept.given_at, kept.ends_at) == ("door", NOW, NOW + timedelta(days=9))
    (record,) = await recorded(store)
    assert record["details"] == {"samples": 5, "accepted": 5, "purpose": "door", "text_version": "2026-01"}
    await enrol(served, analyzer, BOB, 2)
    assert await served.consents.of(BOB) == []
    with pytest.raises(SubjectUnknown):
        await served.consents.of(SubjectId("nobody"))


async def test_a_refused_registration_keeps_no_consent(
    served: Service, analyzer: Playback, store: Store
) -> None:
    await enrol(served, analyzer, ALICE, 1, DOOR)
    with pytest.raises(SubjectExists):
        await enrol(served, analyzer, ALICE, 2, DOOR)
    assert len(await served.consents.of(ALICE)) == 1


@pytest.mark.parametrize("end", ["expired", "withdrawn"])
async def test_who_takes_it_back_is_a_stranger_at_once(
    served: Service, analyzer: Playback, store: Store, clock: HandClock, end: str
) -> None:
    await enrol(served, analyzer, ALICE, 1, replace(DOOR, expires_at=NOW + timedelta(days=9)))
    face = analyzer.photo(evidence(person(1)))
    assert (await served.authenticate(ALICE, face, caller=CALLER)).reason is Reason.LIVE_MATCH
    assert (await served.identify(face, top_k=1, caller=CALLER)).found
    if end == "withdrawn":
        assert await served.consents.withdraw(ALICE, None, caller=CALLER) == 1
    else:
        clock.move(9 * DAY)
    decision = await served.authenticate(ALICE, face, caller=CALLER)
    unknown = await served.authenticate(SubjectId("nobody"), face, caller=CALLER)
    assert decision.reason is unknown.reason is Reason.NO_MATCH
    assert decision.outcome is unknown.outcome
    assert not (await served.identify(face, top_k=1, caller=CALLER)).found
    reasons = [record["reason"] for record in await recorded(store)]
    assert reasons[-3:] == ["consent_lapsed", "unknown_subject", "no_match"], "the record says it in full"
    await served.consents.give(ALICE, DOOR, caller=CALLER)
    assert (await served.authenticate(ALICE, face, caller=CALLER)).reason is Reason.LIVE_MATCH
    assert (await served.identify(face, top_k=1, caller=CALLER)).found


async def test_purposes_are_withdrawn_one_by_one(served: Service, analyzer: Playback, store: Store) -> None:
    await enrol(served, analyzer, ALICE, 1, DOOR)
    await served.consents.give(ALICE, ConsentGiven("bias_monitoring", "1"), caller=CALLER)
    uid = select(subjects.c.uid).scalar_subquery()
    await run(store, insert(labels).values(subject_uid=uid, attribute="gender", sealed=b"x"))
    assert await served.consents.withdraw(ALICE, "parking", caller=CALLER) == 0
    assert await served.consents.withdraw(ALICE, "bias_monitoring", caller=CALLER) == 1
    assert await count(store, labels) == 0, "what it allowed goes with it"
    face = analyzer.photo(evidence(person(1)))
    assert (await served.authenticate(ALICE, face, caller=CALLER)).reason is Reason.LIVE_MATCH
    assert await served.consents.withdraw(ALICE, "door", caller=CALLER) == 1
    assert (await served.authenticate(ALICE, face, caller=CALLER)).reason is Reason.NO_MATCH
    with pytest.raises(SubjectUnknown):
        await served.consents.withdraw(BOB, None, caller=CALLER)
    with pytest.raises(RequestInvalid):
        await served.consents.give(ALICE, ConsentGiven("", ""), caller=CALLER)


async def test_bias_monitoring_alone_is_no_ground_to_leave_the_gallery(
    served: Service, analyzer: Playback
) -> None:
    await enrol(served, analyzer, ALICE, 1)
    await served.consents.give(ALICE, ConsentGiven("bias_monitoring", "1"), caller=CALLER)
    assert await served.consents.withdraw(ALICE, None, caller=CALLER) == 1
    face = analyzer.photo(evidence(person(1)))
    assert (await served.authenticate(ALICE, face, caller=CALLER)).reason is Reason.LIVE_MATCH
    assert (await served.identify(face, top_k=1, caller=CALLER)).found


async def test_where_consent_is_required(store: Store, analyzer: Playback, clock: HandClock) -> None:
    before = services(store, analyzer, clock=clock)
    await enrol(before, analyzer, BOB, 2)
    strict = services(store, analyzer, clock=clock, consent=ConsentRule.REQUIRED)
    for given in (None, ConsentGiven("bias_monitoring", "1")):
        with pytest.raises(RequestInvalid) as refused:
            await enrol(strict, analyzer, ALICE, 1, given)
        assert refused.value.code == "consent_missing"
    await enrol(strict, analyzer, ALICE, 1, DOOR)
    faces = {name: analyzer.photo(evidence(person(who))) for name, who in ((ALICE, 1), (BOB, 2))}
    assert (await strict.authenticate(ALICE, faces[ALICE], caller=CALLER)).reason is Reason.LIVE_MATCH
    assert (await strict.authenticate(BOB, faces[BOB], caller=CALLER)).reason is Reason.NO_MATCH
    assert not (await strict.identify(faces[BOB], top_k=1, caller=CALLER)).found
    policy = replace(RETENTION, rule=ConsentRule.REQUIRED)
    clock.move(29 * DAY)
    assert (await retaining(store, clock, policy)()).overdue == ()
    clock.move(2 * DAY)
    overdue = (await retaining(store, clock, policy)()).overdue
    assert [(one.subject_id, one.reason) for one in overdue] == [(BOB, "consent_lapsed")]


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def count(store: Store, table: object) -> int:
    query = select(func.count()).select_from(table)  # type: ignore[arg-type]

    async def counting(connection: Connection) -> int:
        total: int = (await connection.execute(query)).scalar_one()
        return total

    return await store.database.read(counting)


async def test_everything_is_exported(store: Store, analyzer: Playback, clock: HandClock) -> None:
    service = services(store, analyzer, clock=clock, keep_photos=True)
    photos = [*analyzer.photos_of(person(1)), analyzer.photo(evidence(person(9)))]
    await service.register(ALICE, photos, caller=CALLER, consent=DOOR)
    await enrol(service, analyzer, BOB, 2)
    await service.authenticate(ALICE, analyzer.photo(evidence(person(1))), caller=CALLER)
    await service.authenticate(ALICE, analyzer.photo(evidence(person(2))), caller=CALLER)
    told = export_of(await service.export(ALICE, caller=CALLER), vectors=False)
    records = told.pop("audit_records")
    assert isinstance(records, list)
    assert [
        record["action"] for record in records if isinstance(record, dict)
    ] == [  # bob's are not among them
        "register",
        "authenticate",
        "authenticate",
        "export",
    ]
    images = told.pop("images")
    assert isinstance(images, list)
    assert len(images) == 5, "those that were accepted"
    pseudonym = told.pop("pseudonym")
    assert pseudonym == store.audit.names.pseudonym(ALICE)
    assert told == {
        "user_id": "alice",
        "enrolled_at": NOW.isoformat(),
        "last_seen_on": "2026-01-02",
        "photos_used": 5,
        "consents": [
            {
                "purpose": "door",
                "text_version": "2026-01",
                "given_at": NOW.isoformat(),
                "expires_at": None,
                "withdrawn_at": None,
            }
        ],
        "template": {
            "version": 1,
            "models": [{"model": "made:000000000000", "vectors": 5, "learned_vectors": 0, "dimensions": 64}],
        },
        "voice": None,
        "adaptation": {"updated_at": None, "earlier_versions": []},
        "failed_attempts": {"count": 1, "last_at": NOW.isoformat(), "locked": False},
        "declared_groups": {},
        "suspected_spoofs": [],
    }
    data = await service.export(ALICE, caller=CALLER)
    assert export_of(data, vectors=False, photos=False)["images"] == [
        {"bytes": len(photo), "base64": None} for photo in data.images
    ]
    full = export_of(data, vectors=True)["template"]
    assert isinstance(full, dict)
    (model,) = full["models"]  # type: ignore[misc, str-unpack]
    assert len(model["values"]) == 5  # type: ignore[index, call-overload, arg-type]
    with pytest.raises(SubjectUnknown):
        await service.export(SubjectId("nobody"), caller=CALLER)


async def test_one_export_at_a_time_looks_through_the_log(store: Store, analyzer: Playback) -> None:
    service = services(store, analyzer)
    await enrol(service, analyzer, ALICE, 1)
    asked = [service.export(ALICE, caller=CALLER) for _ in range(4)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["PersonalData", *["TooManyAtOnce"] * 3]
    assert (await service.export(ALICE, caller=CALLER)).subject.subject_id == ALICE


async def test_photos_are_kept_only_where_that_is_switched_on(
    store: Store, analyzer: Playback, tmp_path: Path
) -> None:
    await enrol(services(store, analyzer), analyzer, ALICE, 1)
    assert (await services(store, analyzer).export(ALICE, caller=CALLER)).images == ()
    keeping = services(store, analyzer, keep_photos=True)
    photos = analyzer.photos_of(person(2))
    await keeping.register(BOB, photos, caller=CALLER)
    assert (await keeping.export(BOB, caller=CALLER)).images == tuple(photos)
    assert (await recorded(store))[2]["details"] == {"samples": 5, "accepted": 5, "photos_kept": 5}
    found = on_disk(tmp_path)
    assert not [photo for photo in photos if photo in found], "sealed"


async def fill_every_table(store: Store, name: SubjectId) -> list[bytes]:
    """A row about the person in each table that may have one; gives what is sealed in them."""

    def sealed(number: int) -> bytes:
        return f"sealed by their key {number:03}".encode() * 3

    async def filling(connection: Connection) -> None:
        (uid,) = (await connection.execute(select(subjects.c.uid).where(store.whose(name)))).one()
        samples = {
            "sealed": None,
            "subject_uid": uid,
            "version": 1,
            "number": 90,
            "attribute": "a",
            "sequence": 9,
        }
        for number, table in enumerate(OF_A_PERSON):
            row = {
                column.name: samples.get(column.name, f"{column.name} {number}")
                for column in table.columns
                if column.name not in ("expires_at", "withdrawn_at")
            }
            for column in {"sealed", "depth", "photo"} & row.keys():
                row[column] = sealed(number)
            if table.name == "templates":
                row["model"] = "another"
            await connection.execute(insert(table).values(**row))
        message = {"channel": "email", "kind": "x", "created_at": "t", "next_try_at": "t"}
        for number, named in enumerate((store.audit.names.pseudonym(name), name, "somebody else")):
            payload = f'{{"about":"{named}"}}'
            await connection.execute(insert(outbox).values(uid=f"m{number}", payload=payload, **message))

    await store.database.write(filling)
    return [sealed(number) for number in range(len(OF_A_PERSON))]


def test_every_table_that_hangs_on_a_person_is_emptied() -> None:
    hanging = {table.name for table in metadata.sorted_tables if "subject_uid" in table.columns}
    assert hanging == {table.name for table in OF_A_PERSON} | {"gallery_changes"}


async def test_an_erasure_leaves_nothing_anywhere(
    served: Service, analyzer: Playback, store: Store, tmp_path: Path
) -> None:
    await enrol(served, analyzer, ALICE, 1, DOOR)
    await enrol(served, analyzer, BOB, 2, DOOR)
    await served.authenticate(ALICE, analyzer.photo(evidence(person(2))), caller=CALLER)
    traces = await fill_every_table(store, ALICE)
    found = on_disk(tmp_path)
    assert [trace for trace in traces if trace in found], "these are the files"
    assert await count(store, attempts) == 2, "of the user and of the address"
    await served.erase(ALICE, caller=CALLER)
    assert await store.gallery.refresh() == 1
    for table in OF_A_PERSON:
        assert await count(store, table) == (1 if table.name in ("templates", "consents") else 0), table.name
    assert (await count(store, attempts), await count(store, outbox)) == (1, 1)
    found = on_disk(tmp_path)
    assert not [trace for trace in (*traces, b"alice") if trace in found]


async def test_a_receipt_is_proof(served: Service, analyzer: Playback, store: Store) -> None:
    await enrol(served, analyzer, ALICE, 1)
    receipt = await served.erase(ALICE, caller=CALLER)
    SIGNER.public.verify(receipt.said.statement, receipt.signature)
    assert receipt.said.subject == (await recorded(store))[1]["subject"]
    assert b"alice" not in receipt.said.statement
    for changed in (
        replace(receipt.said, subject="0" * 32),
        replace(receipt.said, erased_at=NOW + timedelta(days=1)),
        replace(receipt.said, head=replace(receipt.said.head, sequence=3)),
    ):
        with pytest.raises(SignatureWrong):
            SIGNER.public.verify(changed.statement, receipt.signature)


async def test_who_was_not_seen_for_so_long_is_erased(
    served: Service, analyzer: Playback, store: Store, clock: HandClock
) -> None:
    await enrol(served, analyzer, ALICE, 1)
    await enrol(served, analyzer, BOB, 2)
    clock.move(1000 * DAY)
    face = analyzer.photo(evidence(person(1)))
    for _ in range(2):
        assert (await served.authenticate(ALICE, face, caller=CALLER)).reason is Reason.LIVE_MATCH
    assert (await served.export(ALICE, caller=CALLER)).last_seen_on == date(2028, 9, 28)
    clock.move(95 * DAY)
    assert (await served.retain()).overdue == ()
    clock.move(DAY)
    dry = await served.retain(dry_run=True)
    assert [(one.subject_id, one.reason) for one in dry.overdue] == [(BOB, "unused")]
    assert await served.directory.count() == 2
    with structlog.testing.capture_logs() as logged:
        (receipt,) = (await served.retain()).receipts
    SIGNER.public.verify(receipt.said.statement, receipt.signature)
    assert "bob" not in str(logged)
    assert [line["reason"] for line in logged] == ["unused"]
    last = (await recorded(store))[-1]
    assert (last["action"], last["actor"], last["reason"]) == ("erase", "retention", "unused")
    assert [one.subject_id for one in await served.directory.page(after=None, limit=9)] == [ALICE]
    assert (await served.retain()).overdue == (), "once"
    clock.move(1000 * DAY)
    assert len((await retaining(store, clock, replace(RETENTION, unused=None))()).overdue) == 0
    assert len((await served.retain()).overdue) == 1


async def test_whose_consent_lapsed_is_erased_after_the_grace(
    served: Service, analyzer: Playback, clock: HandClock
) -> None:
    await enrol(served, analyzer, ALICE, 1, DOOR)
    await enrol(served, analyzer, BOB, 2, replace(DOOR, expires_at=NOW + timedelta(days=1)))
    await served.consents.withdraw(ALICE, None, caller=CALLER)
    clock.move(30 * DAY)
    assert (await served.retain()).overdue == ()
    clock.move(60.0)
    assert [one.subject_id for one in (await served.retain()).overdue] == [ALICE]
    clock.move(DAY)
    assert [(one.subject_id, one.reason) for one in (await served.retain()).overdue] == [
        (BOB, "consent_lapsed")
    ]


async def test_old_traces_go_and_lock_outs_stay(served: Service, store: Store, clock: HandClock) -> None:
    async def fail(name: str) -> None:
        claim = Claim(SubjectId(name), None)
        await store.ledger.settle(event("authenticate", name, at=clock.now()), claim, Result.FAILURE)

    await fail("old")
    for _ in range(50):
        clock.move(2 * 3600.0)
        await fail("locked")
    old = {"family": "f", "issued_at": "x", "operator_uid": "o"}
    operator = {
        "uid": "o",
        "name": "n",
        "role": "admin",
        "password_hash": "x",
        "one_time": False,
        "password_set_at": "x",
        "created_at": "x",
    }
    await run(store, insert(metadata.tables["operators"]).values(**operator))
    for token, expires in (("a", NOW), ("b", NOW + timedelta(days=40))):
        values = {"token_hash": token, "expires_at": expires.isoformat(timespec="milliseconds"), **old}
        await run(store, insert(refresh_tokens).values(**values))
    for uid, sent in (("sent", NOW.isoformat(timespec="milliseconds")), ("waiting", None)):
        message = {"channel": "x", "kind": "x", "payload": "{}", "created_at": "t", "next_try_at": "t"}
        await run(store, insert(outbox).values(uid=uid, sent_at=sent, **message))
    clock.move(32 * DAY)
    await fail("new")
    traces = (await served.retain()).traces
    assert (traces.attempts, traces.refresh_tokens, traces.messages) == (1, 1, 1)
    assert await count(store, attempts) == 2
    assert (await served.retain()).traces.attempts == 0


async def test_somebody_else_may_be_quicker(
    served: Service, analyzer: Playback, store: Store, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enrol(served, analyzer, ALICE, 1)
    clock.move(2000 * DAY)
    retain = retaining(store, clock)
    whole = retain._retention.overdue

    async def both_found_them(limits: object) -> list[object]:
        found = await whole(limits)  # type: ignore[arg-type]
        for one in found:
            await erasing(store, clock)(one.subject_id, caller=CALLER)
        return list(found)

    monkeypatch.setattr(retain._retention, "overdue", both_found_them)
    done = await retain()
    assert (len(done.overdue), done.receipts) == (1, ())
    assert [record["action"] for record in await recorded(store)] == ["register", "erase"]


async def test_one_service_an_hour_takes_its_turn() -> None:
    ticker = HandTicker()
    shared = MemorySingleUse(ticker, most=10)
    done: list[str] = []

    def work(name: str) -> Callable[[], object]:
        async def working() -> None:
            done.append(name)

        return working

    first, second = (in_turn(work(name), shared) for name in ("first", "second"))  # type: ignore[arg-type]
    await first()
    await second()
    assert done == ["first"]
    ticker.now_s += 3601.0
    await second()
    assert done == ["first", "second"]
