"""Which networks decide: what is refused, and what is on record, on a real store."""

import pytest

from facekey.core.caller import COMMAND_LINE
from facekey.core.choice import Choice, Shelved
from facekey.core.errors import NetworkChoiceRefused
from facekey.core.types import ModelId, References, SubjectId, Template
from facekey.services.choose_networks import ChooseNetworks
from facekey.store.sql.choices import SqlChoices
from tests.contract.store.opened import Store, event, template
from tests.unit.core.made import MODEL
from tests.unit.services.deployed import FixedClock, recorded

NEW = ModelId("new:000000000000")


class Shelf:
    """Networks that are said to be here."""

    def __init__(self) -> None:
        self.all = {
            "made": Shelved("made", MODEL, None, None, recognises=True),
            "new": Shelved("new", NEW, None, None, recognises=True),
            "raw": Shelved("raw", ModelId("raw:0"), None, "no calibration", recognises=True),
            "gone": Shelved("gone", ModelId("gone:0"), "not pulled yet", None, recognises=True),
            "alive": Shelved("alive", ModelId("alive:0"), None, None, recognises=False),
        }

    def find(self, name: str) -> Shelved | None:
        return self.all.get(name)

    def measured(self) -> tuple[Shelved, ...]:
        return tuple(
            one for one in self.all.values() if one.recognises and not one.fault and not one.unmeasured
        )


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def choose(store: Store, shelf: Shelf) -> ChooseNetworks:
    choices = SqlChoices(store.database, store.audit)
    return ChooseNetworks(choices=choices, enrolled=choices, shelf=shelf, clock=FixedClock())


async def told(store: Store) -> list[tuple[object, object]]:
    return [(one["outcome"], one["details"]) for one in await recorded(store)]


async def enrol(store: Store, name: str, *models: ModelId) -> None:
    one = template(name, len(name))
    vectors = one.references[0].vectors
    both = Template(SubjectId(name), tuple(References(model, vectors) for model in models))
    await store.enrol(both, event("register", name))


async def test_shadow_promotion_and_return(choose: ChooseNetworks, store: Store) -> None:
    await choose.shadow("new", caller=COMMAND_LINE)
    assert await choose.now() == (Choice(shadow="new"), frozenset({"made"}))
    await enrol(store, "alice", MODEL, NEW)
    await choose.promote("new", instead_of=["made"], caller=COMMAND_LINE)
    assert await choose.now() == (Choice(frozenset({"new"}), "made"), frozenset({"new"}))
    await choose.rollback(caller=COMMAND_LINE)
    assert await choose.now() == (Choice(shadow="new"), frozenset({"made"}))
    await choose.shadow(None, caller=COMMAND_LINE)
    await choose.shadow(None, caller=COMMAND_LINE)  # nothing changes, so nothing is recorded
    assert await choose.now() == (Choice(), frozenset({"made", "new"}))
    records = [one for one in await told(store) if one[0] != "done"]
    assert [outcome for outcome, _ in records] == ["shadowed", "promoted", "rolled_back", "shadowed"]
    assert records[1][1] == {
        "from": "all measured",
        "to": "new",
        "shadow_from": "new",
        "shadow_to": "made",
    }
    (by, subject) = {
        (one["actor"], one["subject"]) for one in await recorded(store) if one["details"] == records[1][1]
    }.pop()
    assert (by, subject) == (COMMAND_LINE.actor, None)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nonsense", "no recognition or liveness network nonsense"),
        ("raw", "no calibration"),
        ("gone", "not pulled yet"),
        ("alive", "measured for them together"),
        ("made", "decides already"),
    ],
)
async def test_what_cant_be_promoted(choose: ChooseNetworks, store: Store, name: str, reason: str) -> None:
    with pytest.raises(NetworkChoiceRefused, match=reason):
        await choose.promote(name, caller=COMMAND_LINE)
    assert await told(store) == []


async def test_nobody_who_is_enrolled_is_left_out(choose: ChooseNetworks, store: Store) -> None:
    await choose.shadow("new", caller=COMMAND_LINE)
    await enrol(store, "alice", MODEL, NEW)
    await enrol(store, "bob", MODEL)
    with pytest.raises(NetworkChoiceRefused, match="1 enrolled person would not be recognised"):
        await choose.promote("new", instead_of=["made"], caller=COMMAND_LINE)
    await enrol(store, "carol", MODEL)
    with pytest.raises(NetworkChoiceRefused, match="2 enrolled people"):
        await choose.promote("new", instead_of=["made"], caller=COMMAND_LINE)
    await choose.promote("new", caller=COMMAND_LINE)  # beside it, nobody is
    assert (await choose.now())[1] == {"made", "new"}
    await enrol(store, "dave", NEW)
    with pytest.raises(NetworkChoiceRefused, match="1 enrolled person"):
        await choose.rollback(caller=COMMAND_LINE)


async def test_a_return_that_cant_be(choose: ChooseNetworks, shelf: Shelf) -> None:
    with pytest.raises(NetworkChoiceRefused, match="never changed"):
        await choose.rollback(caller=COMMAND_LINE)
    await choose.shadow("new", caller=COMMAND_LINE)
    await choose.promote("new", instead_of=["made"], caller=COMMAND_LINE)
    await choose.shadow(None, caller=COMMAND_LINE)
    await choose.promote("made", instead_of=["new"], caller=COMMAND_LINE)
    shelf.all["new"] = Shelved("new", NEW, "changed on disk", None, recognises=True)
    with pytest.raises(NetworkChoiceRefused, match="new: changed on disk"):
        await choose.rollback(caller=COMMAND_LINE)
    shelf.all["new"] = Shelved("new", NEW, None, None, recognises=False)
    with pytest.raises(NetworkChoiceRefused, match="new: it is not a recognition network"):
        await choose.rollback(caller=COMMAND_LINE)
    del shelf.all["new"]
    with pytest.raises(NetworkChoiceRefused, match="no such network any more"):
        await choose.rollback(caller=COMMAND_LINE)


async def test_what_cant_run_in_shadow(choose: ChooseNetworks, shelf: Shelf) -> None:
    for name, reason in (("gone", "not pulled yet"), ("nonsense", "no recognition or liveness")):
        with pytest.raises(NetworkChoiceRefused, match=reason):
            await choose.shadow(name, caller=COMMAND_LINE)
    del shelf.all["new"]
    with pytest.raises(NetworkChoiceRefused, match="no recognition network would be left"):
        await choose.shadow("made", caller=COMMAND_LINE)
    await choose.shadow("raw", caller=COMMAND_LINE)
    await choose.shadow("alive", caller=COMMAND_LINE)
    assert (await choose.now())[0] == Choice(shadow="alive")
    shelf.all["new"] = Shelved("new", NEW, None, None, recognises=True)
    await choose.shadow("new", caller=COMMAND_LINE)
    await choose.promote("new", caller=COMMAND_LINE)
    with pytest.raises(NetworkChoiceRefused, match="made decides"):
        await choose.shadow("made", caller=COMMAND_LINE)
