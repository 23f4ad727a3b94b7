"""Choices of networks, on every database."""

import pytest
from sqlalchemy import insert, select, update

from facekey.core.audit import AuditEvent
from facekey.core.choice import ALL_MEASURED, Choice
from facekey.core.errors import SealBroken
from facekey.core.types import ModelId, References, SubjectId, Template
from facekey.store.sql.choices import SqlChoices
from facekey.store.sql.tables import network_choices
from tests.contract.store.opened import Store, event, template
from tests.unit.core.made import MODEL

OTHER = ModelId("other:000000000000")
ONE, TWO = Choice(frozenset({"one"})), Choice(frozenset({"one", "two"}))


@pytest.fixture
def choices(store: Store) -> SqlChoices:
    return SqlChoices(store.database, store.audit)


def chosen() -> AuditEvent:
    return event("networks_choose", "nobody")


async def test_the_latest_counts(choices: SqlChoices, store: Store, neighbour: Store) -> None:
    assert await choices.current() == ALL_MEASURED
    assert await choices.before() is None
    await choices.put(ONE, chosen())
    await choices.put(Choice(TWO.deciding, "three"), chosen())
    assert await SqlChoices(neighbour.database, neighbour.audit).current() == Choice(TWO.deciding, "three")
    assert await choices.before() == ONE


async def test_a_return_takes_what_came_after_away(choices: SqlChoices) -> None:
    await choices.put(ONE, chosen())
    await choices.put(TWO, chosen())
    await choices.put(TWO.shadowed("three"), chosen())
    await choices.take_back(chosen())
    assert await choices.current() == ONE
    await choices.take_back(chosen())
    assert await choices.current() == ALL_MEASURED
    await choices.take_back(chosen())  # nothing is left
    assert await choices.current() == ALL_MEASURED
    await choices.put(TWO, chosen())
    assert await choices.current() == TWO


async def test_only_this_deployment_can_choose(choices: SqlChoices, store: Store) -> None:
    await choices.put(TWO, chosen())
    changed = update(network_choices).values(deciding='["one"]')
    await store.database.write(lambda connection: connection.execute(changed))
    with pytest.raises(SealBroken, match="networks decide"):
        await choices.current()
    row = (await store.database.read(lambda connection: connection.execute(select(network_choices)))).one()
    forged = insert(network_choices).values({**row._asdict(), "sequence": 9, "vouched": None})
    await store.database.write(lambda connection: connection.execute(forged))
    with pytest.raises(SealBroken):
        await choices.current()


async def test_who_would_be_left_out_is_counted(choices: SqlChoices, store: Store) -> None:
    for number, name in enumerate(("alice", "bob", "carol")):
        one = template(name, number)
        other = References(OTHER, one.references[0].vectors)
        both = Template(SubjectId(name), (*one.references, other))
        await store.enrol(both if name == "carol" else one, event("register", name))
    assert await choices.left_out(now=[MODEL], then=[OTHER]) == 2
    assert await choices.left_out(now=[MODEL], then=[MODEL, OTHER]) == 0
    assert await choices.left_out(now=[OTHER], then=[MODEL]) == 0
    # Who is known by none of them already loses nothing.
    assert await choices.left_out(now=[OTHER], then=[ModelId("third:000000000000")]) == 1
