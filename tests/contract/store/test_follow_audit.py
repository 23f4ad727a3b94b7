"""Records of another process reach whoever follows, on every database."""

import asyncio
from contextlib import aclosing

from facekey.services.follow_audit import LOOKS_S, FollowAudit
from facekey.services.repeat import repeating
from facekey.store.sql.audit_tail import SqlAuditTail
from tests.contract.store.opened import Store, event
from tests.unit.core.made import CALLER
from tests.unit.services.deployed import FixedClock


async def test_what_a_neighbour_writes_is_seen_in_order_and_once(store: Store, neighbour: Store) -> None:
    follow = FollowAudit(tail=SqlAuditTail(store.database), audit=store.audit, clock=FixedClock())
    seen: list[int] = []

    async def writing() -> None:
        for number in range(20):
            await (store if number % 2 else neighbour).audit.append(event("authenticate", f"user{number}"))

    async with (
        repeating("audit_live", follow.look, every_s=LOOKS_S / 20),
        asyncio.timeout(10),
        aclosing(await follow.open(None, caller=CALLER)) as followed,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(writing())
        async for records in followed:
            seen += [record.sequence for record in records]
            if len(seen) >= 20:
                break
    assert seen == list(range(2, 22))
