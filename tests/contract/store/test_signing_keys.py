from datetime import UTC, datetime, timedelta

from facekey.core.audit import AuditEvent
from facekey.store.sql.signing_keys import SqlSigningKeys
from tests.contract.store.opened import Store
from tests.unit.services.deployed import recorded

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def at(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


async def test_a_key_is_made_once_for_all_processes(store: Store, neighbour: Store) -> None:
    made = await SqlSigningKeys(store.database, store.ring).load("face_token", at=NOW, retired_for=DAY)
    found = await SqlSigningKeys(neighbour.database, neighbour.ring).load(
        "face_token", at=NOW, retired_for=DAY
    )
    assert made == found
    assert len(made) == 1
    assert len(made[0].secret) == 32


async def test_purposes_have_keys_of_their_own(store: Store) -> None:
    keys = SqlSigningKeys(store.database, store.ring)
    one, other = [await keys.load(purpose, at=NOW, retired_for=DAY) for purpose in ("face_token", "audit")]
    assert one[0].secret != other[0].secret


async def test_a_retired_key_stays_for_a_while_behind_the_new_one(store: Store) -> None:
    keys = SqlSigningKeys(store.database, store.ring)
    (first,) = await keys.load("face_token", at=NOW, retired_for=DAY)
    event = AuditEvent("renew_face_token_key", "test", None, "done", "asked", at(1), {})
    await keys.renew("face_token", store.audit, event)
    assert (await recorded(store))[-1]["action"] == "renew_face_token_key"
    new, old = await keys.load("face_token", at=at(24), retired_for=DAY)
    assert old == first != new
    assert await keys.load("face_token", at=at(26), retired_for=DAY) == [new]
