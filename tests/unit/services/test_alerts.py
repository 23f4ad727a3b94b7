"""Alerts from what happened to what is handed over: delivery, names, the watch over the log."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text

from facekey.core.alerts import Alert, AlertKind, AlertPolicy, Message, RetryPolicy
from facekey.core.audit import SealedHead, pseudonym
from facekey.core.errors import AuditBroken, DeliveryFailed, StoreUnavailable
from facekey.core.types import SubjectId
from facekey.core.vitals import AuditLook
from facekey.services import deliver as deliver_module
from facekey.services import watch_audit
from facekey.services.deliver import Deliver
from facekey.services.find_name import FindName
from facekey.services.verify_audit import VerifyAudit
from facekey.services.watch_audit import CheckTail, TellAuditBroken, WatchAudit
from facekey.store.sql.audit_tail import SqlAuditTail
from facekey.store.sql.audit_trail import SqlAuditTrail
from facekey.store.sql.connection import Connection
from facekey.store.sql.outbox import SqlOutbox
from tests.contract.store.opened import Store, event, template
from tests.unit.services.deployed import HandClock

BEHIND = "behind"


@dataclass
class Carrier:
    """Implements `core.ports.alerts.Notifier`: does what a test says."""

    act: Callable[[Message], Awaitable[None]] | None = None
    carried: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> None:
        if self.act is not None:
            await self.act(message)
        self.carried.append(message)


async def refuse(message: Message) -> None:
    raise DeliveryFailed("no answer")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def box(store: Store) -> SqlOutbox:
    return SqlOutbox(
        store.database, channels=["way"], policy=AlertPolicy(), pseudonym_key=store.keys.pseudonyms
    )


def delivering(
    box: SqlOutbox, carrier: Carrier, clock: HandClock, names: FindName | None = None, tries: int = 3
) -> Deliver:
    return Deliver(
        channel="way",
        outbox=box,
        notifier=carrier,
        clock=clock,
        chance=lambda: 0.5,
        names=names,
        retry=RetryPolicy(first_s=5.0, tries=tries),
    )


async def tell(
    box: SqlOutbox, clock: HandClock, kind: AlertKind = AlertKind.SPOOF, who: str = "f" * 32
) -> None:
    await box.tell(Alert(kind, clock.now(), "test", who, {}))


async def test_what_is_due_is_sent_once(box: SqlOutbox, clock: HandClock) -> None:
    carrier = Carrier()
    assert await delivering(box, carrier, clock)() == 0
    await tell(box, clock)
    await tell(box, clock, AlertKind.LOCK_OUT)
    assert await delivering(box, carrier, clock)() == 2
    assert await delivering(box, carrier, clock)() == 0
    assert {message.kind for message in carrier.carried} == {AlertKind.SPOOF, AlertKind.LOCK_OUT}


async def test_what_fails_is_tried_again_later_with_the_same_id(box: SqlOutbox, clock: HandClock) -> None:
    down, up = Carrier(refuse), Carrier()
    await tell(box, clock)
    with structlog.testing.capture_logs() as logs:
        assert await delivering(box, down, clock)() == 0
    assert [(line["event"], line["next_try_s"]) for line in logs] == [("alert_not_sent", 5.0)]
    clock.move(4.9)
    assert await delivering(box, up, clock)() == 0
    clock.move(0.2)
    uid = (await box.newest(1))[0].message.uid
    assert await delivering(box, up, clock)() == 1
    assert up.carried[0].uid == uid


async def test_what_never_works_is_given_up_and_told(box: SqlOutbox, clock: HandClock) -> None:
    await tell(box, clock)
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            await delivering(box, Carrier(refuse), clock)()
            clock.move(3600)
    assert [line["event"] for line in logs] == ["alert_not_sent", "alert_not_sent", "alert_given_up"]
    assert (await box.newest(1))[0].failed_at is not None


async def test_one_that_never_works_keeps_no_other(box: SqlOutbox, clock: HandClock) -> None:
    async def not_this(message: Message) -> None:
        if message.kind is AlertKind.SPOOF:
            raise DeliveryFailed("400")

    carrier = Carrier(not_this)
    await tell(box, clock)
    await delivering(box, carrier, clock)()
    await tell(box, clock, AlertKind.LOCK_OUT)
    assert await delivering(box, carrier, clock)() == 1
    assert [message.kind for message in carrier.carried] == [AlertKind.LOCK_OUT]


async def test_a_carrier_that_hangs(
    box: SqlOutbox, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver_module, "SEND_S", 0.01)

    async def hang(message: Message) -> None:
        raise TimeoutError

    await tell(box, clock)
    assert await delivering(box, Carrier(hang), clock)() == 0
    assert "not handed over" in str((await box.newest(1))[0].last_error)


async def test_names_only_where_they_are_asked_for_and_never_kept(
    store: Store, box: SqlOutbox, clock: HandClock
) -> None:
    await store.enrol(template("bob", 2), event("register", "bob"))
    await store.enrol(template("alice", 1), event("register", "alice"))
    names = FindName(directory=store.directory, pseudonym_key=store.keys.pseudonyms)
    for user_id, told in (("alice", "alice"), ("nobody", None)):
        carrier = Carrier()
        await tell(box, clock, who=pseudonym(SubjectId(user_id), store.keys.pseudonyms))
        assert await delivering(box, carrier, clock, names)() == 1
        assert carrier.carried[0].name == told
        assert "alice" not in repr(carrier.carried[0])
    carrier = Carrier()
    await box.tell(Alert(AlertKind.AUDIT_BROKEN, clock.now(), "system", None, {}))
    await delivering(box, carrier, clock, names)()
    assert carrier.carried[0].name is None
    assert "alice" not in str(await box.newest(10))


async def test_a_row_that_somebody_broke_keeps_no_alert_back(
    store: Store, box: SqlOutbox, clock: HandClock
) -> None:
    await store.enrol(template("alice", 1), event("register", "alice"))
    await store.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE subjects SET sealed_id = wrapped_key")
    )
    names = FindName(directory=store.directory, pseudonym_key=store.keys.pseudonyms)
    carrier = Carrier()
    await tell(box, clock, who=pseudonym(SubjectId("alice"), store.keys.pseudonyms))
    assert await delivering(box, carrier, clock, names)() == 1
    assert carrier.carried[0].name is None


@pytest.fixture
def watch(store: Store, box: SqlOutbox, clock: HandClock) -> WatchAudit:
    return watching(store, box, clock)


def watching(store: Store, box: SqlOutbox, clock: HandClock) -> WatchAudit:
    return WatchAudit(
        check=CheckTail(tail=SqlAuditTail(store.database), pseudonym_key=store.keys.pseudonyms),
        tell=TellAuditBroken(alarm=box, clock=clock),
        clock=clock,
    )


async def write(store: Store, count: int) -> None:
    for number in range(count):
        await store.audit.append(event(f"n{number}", "alice"))


async def tamper(store: Store, *statements: str) -> None:
    async def changing(connection: Connection) -> None:
        for kind in ("update", "delete"):
            await connection.execute(text(f"DROP TRIGGER IF EXISTS audit_no_{kind}"))
        for statement in statements:
            await connection.execute(text(statement))

    await store.database.write(changing)


def head_as(sealed: SealedHead) -> str:
    """The statement that puts a head back."""
    digest, seal = sealed.head.digest.hex(), sealed.seal.hex()
    return (
        f"UPDATE audit_head SET sequence = {sealed.head.sequence}, "  # noqa: S608 - numbers of ours
        f"digest = x'{digest}', seal = x'{seal}'"
    )


async def test_a_whole_log_is_followed(
    store: Store, watch: WatchAudit, box: SqlOutbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_audit, "PAGE", 3)
    monkeypatch.setattr(watch_audit, "NEWEST", 2)
    for count, end in ((0, 0), (1, 1), (1, 2), (0, 2), (8, 10), (3, 13)):
        await write(store, count)
        head = await watch()
        assert head is not None
        assert head.sequence == end
    assert await box.newest(1) == []


async def test_a_first_look_at_a_long_log(
    store: Store, watch: WatchAudit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_audit, "NEWEST", 2)
    await write(store, 5)
    assert watch.last is None
    head = await watch()
    assert head is not None
    assert head.sequence == 5
    assert watch.last == AuditLook(HandClock().now(), intact=True)


@pytest.mark.parametrize(
    ("seen", "statements", "record"),
    [
        (True, ["UPDATE audit SET body = '{}' WHERE sequence = 7"], 7),
        (False, ["UPDATE audit SET body = '{}' WHERE sequence = 4"], 4),
        (True, ["DELETE FROM audit WHERE sequence = 7"], 7),
        (True, ["DELETE FROM audit WHERE sequence = 8"], 8),
        (True, ["UPDATE audit SET digest = zeroblob(32) WHERE sequence = 5"], 5),
        (True, ["DELETE FROM audit_head"], 8),
        (True, ["DELETE FROM audit_head", "DELETE FROM audit"], 5),
        (True, ["UPDATE audit_head SET sequence = 7"], 7),
        (True, ["INSERT INTO audit SELECT 9, body, previous, digest FROM audit WHERE sequence = 8"], 9),
        (True, [BEHIND], 8),
    ],
)
async def test_a_break_is_told_once_a_day(  # noqa: PLR0917 - fixtures
    store: Store,
    watch: WatchAudit,
    box: SqlOutbox,
    clock: HandClock,
    seen: bool,
    statements: list[str],
    record: int,
) -> None:
    await write(store, 5)
    if seen:
        assert await watch() is not None
    await write(store, 3)
    if statements == [BEHIND]:
        # A record of the deployment's own that its head doesn't know: the head was put back.
        before = (await SqlAuditTail(store.database).since(8, most=1)).head
        await write(store, 1)
        assert before is not None
        statements = [head_as(before)]
    await tamper(store, *statements)
    for _ in range(2):
        assert await watch() is None
    assert watch.last == AuditLook(clock.now(), intact=False)
    (told,) = await box.newest(10)
    assert told.message.kind is AlertKind.AUDIT_BROKEN
    assert (told.message.count, told.message.facts) == (1, {"record": str(record)})
    clock.move(timedelta(days=1).total_seconds())
    assert await watch() is None
    assert sum(one.message.count for one in await box.newest(10)) == 2


async def test_a_log_that_was_put_back(store: Store, watch: WatchAudit, box: SqlOutbox) -> None:
    await write(store, 3)
    old = (await SqlAuditTail(store.database).newest(1)).head
    assert old is not None
    await write(store, 2)
    assert await watch() is not None
    await tamper(
        store,
        "DELETE FROM audit WHERE sequence > 3",
        head_as(old),
    )
    assert await watch() is None
    assert (await box.newest(1))[0].message.facts == {"record": "5"}


async def test_what_verification_finds_is_told_too(store: Store, box: SqlOutbox, clock: HandClock) -> None:
    await write(store, 5)
    await tamper(store, "UPDATE audit SET body = '{}' WHERE sequence = 3")
    told = TellAuditBroken(alarm=box, clock=clock)
    trail = SqlAuditTrail(store.database)
    for tell_it in (None, told):
        verify = VerifyAudit(trail=trail, verifier=None, pseudonym_key=store.keys.pseudonyms, tell=tell_it)
        with pytest.raises(AuditBroken):
            await verify()
    assert [one.message.facts for one in await box.newest(10)] == [{"record": "3"}]


async def test_a_break_that_can_not_be_kept_is_in_the_log_and_told_later(clock: HandClock) -> None:
    @dataclass
    class Away:
        here: bool = False
        told: list[Alert] = field(default_factory=list)

        async def tell(self, alert: Alert) -> None:
            if not self.here:
                raise StoreUnavailable("away")
            self.told.append(alert)

    alarm = Away()
    say = TellAuditBroken(alarm=alarm, clock=clock)
    with structlog.testing.capture_logs() as logs:
        await say(AuditBroken(3, "was changed"))
    assert [line["event"] for line in logs] == ["audit_broken", "alert_not_kept"]
    alarm.here = True
    await say(AuditBroken(3, "was changed"))
    await say(AuditBroken(3, "was changed"))
    await say(AuditBroken(2, "was changed"))
    assert [alert.facts["record"] for alert in alarm.told] == ["3", "2"]
