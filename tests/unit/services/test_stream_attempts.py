"""Attempt limits and erasure across live sessions that run beside each other."""

import pytest

from facekey.core.errors import AttemptsExhausted, EnrolmentGone
from facekey.core.types import Outcome, Reason
from tests.contract.store.opened import Store
from tests.unit.core.made import CALLER
from tests.unit.services.deployed import Playback, recorded, services
from tests.unit.services.staged import Stage
from tests.unit.services.test_stream import ALICE, Player, stage, stream

__all__ = ["stage", "stream"]  # fixtures


async def opened(store: Store, analyzer: Playback, stage: Stage, count: int, who: int) -> list[Player]:
    """Sessions that were all admitted before the first of them failed."""
    live = services(store, analyzer, stage).stream
    return [await Player.sits_down(live, stage, who=who, session_id=f"s{number}") for number in range(count)]


@pytest.mark.usefixtures("stream")
async def test_sessions_opened_before_the_first_failure_get_no_more_answers(
    store: Store, analyzer: Playback, stage: Stage
) -> None:
    players = await opened(store, analyzer, stage, 7, who=2)
    for player in players[:5]:
        assert (await player.obeys()).reason is Reason.NO_MATCH
    for player in players[5:]:
        with pytest.raises(AttemptsExhausted):
            await player.obeys()
    told = [record for record in await recorded(store) if record["action"] == "authenticate_stream"]
    assert len(told) == 5, "what was withheld is neither told nor on record"


@pytest.mark.usefixtures("stream")
async def test_breaking_off_saves_no_attempt(store: Store, analyzer: Playback, stage: Stage) -> None:
    players = await opened(store, analyzer, stage, 6, who=2)
    for player in players[:5]:
        while not player.asked:
            await player.show(0.6)
        await player.session.abandon()
    with pytest.raises(AttemptsExhausted):
        await players[5].obeys()


@pytest.mark.usefixtures("stream")
async def test_who_is_erased_before_the_camera_is_not_let_in(
    store: Store, analyzer: Playback, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = services(store, analyzer, stage)
    player = await Player.sits_down(service.stream, stage)
    whole = store.templates.get

    async def overtaken(subject_id: object) -> object:
        found = await whole(ALICE)
        await service.erase(ALICE, caller=CALLER)
        return found

    monkeypatch.setattr(store.templates, "get", overtaken)
    with pytest.raises(EnrolmentGone):
        await player.obeys()
    monkeypatch.setattr(store.templates, "get", whole)
    again = await Player.sits_down(service.stream, stage, session_id="again")
    assert (await again.obeys()).reason is Reason.NO_MATCH
    assert not [one for one in await recorded(store) if one["outcome"] == Outcome.ACCEPT]


@pytest.mark.usefixtures("stream")
async def test_who_is_erased_between_two_frames_is_a_stranger(
    store: Store, analyzer: Playback, stage: Stage
) -> None:
    service = services(store, analyzer, stage)
    player = await Player.sits_down(service.stream, stage)
    await player.show(0.6)
    await service.erase(ALICE, caller=CALLER)
    assert (await player.obeys()).reason is Reason.NO_MATCH
