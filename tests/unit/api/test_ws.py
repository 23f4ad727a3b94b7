"""The stream's protocol, well and badly spoken, over services that play back."""

import asyncio
import base64
import gc
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from facekey.api import ws
from facekey.api.app import create_app
from facekey.api.pace import TokenBucket
from facekey.api.service import Service, StreamLimits
from facekey.core.challenge import Action
from facekey.core.errors import SampleRejected, SealBroken
from facekey.core.types import Glimpse, Reason, Region
from tests.contract.store.opened import Store
from tests.unit.api.sockets import Socket, frame, start
from tests.unit.core.made import CALLER
from tests.unit.core.test_obedience import FRAME_S, SHOWN
from tests.unit.services.deployed import Playback, person, recorded, services
from tests.unit.services.staged import HandTicker, Stage
from tests.unit.services.test_stream import ALICE, looks


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def served(store: Store, analyzer: Playback, stage: Stage) -> Service:
    service = services(store, analyzer, stage)
    await service.register(ALICE, analyzer.photos_of(person(1)), caller=CALLER)
    return service


@pytest.fixture
def app(served: Service, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setattr(ws, "WAKE_S", 0.01)
    monkeypatch.setattr(ws, "SEND_S", 0.1)
    built = create_app(served, max_image_bytes=100_000)
    built.state.service = served
    return built


@pytest.fixture
async def socket(app: FastAPI) -> AsyncIterator[Socket]:
    async with Socket(app) as opened:
        await opened.hear("connected")
        yield opened


async def shown(
    socket: Socket,
    stage: Stage,
    seconds: float,
    what: Mapping[str, Any] | None = None,
    *,
    binary: bool = True,
) -> None:
    """Send frames one after the other, each after the last one was answered."""
    for _ in range(round(seconds / FRAME_S)):
        if socket.code is not None or socket.served.done():
            return
        stage.ticker.now_s += FRAME_S
        image = stage.face(**{"face": looks(1), **(what or {})})
        await socket.answer(image if binary else frame(image))


async def obeyed(socket: Socket, stage: Stage, *, binary: bool = True) -> None:
    for action in stage.actions:
        await shown(socket, stage, 1.0, binary=binary)
        await shown(socket, stage, 0.6, SHOWN[action], binary=binary)
    await shown(socket, stage, 0.3, binary=binary)
    await asyncio.wait_for(asyncio.shield(socket.served), 5)


@pytest.mark.parametrize("binary", [True, False])
async def test_a_whole_session(socket: Socket, stage: Stage, binary: bool) -> None:
    if binary:
        socket.say(start())
    await obeyed(socket, stage, binary=binary)
    assert [
        status["action"] for status in socket.statuses if status["status"] == "challenge"
    ] == stage.actions
    final = socket.statuses[-1]
    assert (final["status"], final["authenticated"], final["reason"]) == ("authenticated", True, "live_match")
    assert final["liveness_score"] == 0.95
    assert final["confidence"] > final["threshold"]
    assert socket.code == 1000
    prompt = next(status for status in socket.statuses if status["status"] == "challenge")
    assert prompt["instruction"]
    assert (prompt["number"], prompt["total"], prompt["expires_in_s"]) == (1, 2, 20.0)
    connected = socket.statuses[0]
    assert (connected["status"], connected["max_frame_bytes"]) == ("connected", 50_000)


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"scores": 0.1}, "spoof_detected", "spoof_suspected"),
        ({"who": 3}, "rejected", "no_match"),
    ],
)
async def test_who_is_not_let_in(
    socket: Socket, stage: Stage, change: dict[str, float], status: str, reason: str
) -> None:
    stage.scores = change.get("scores", 0.95)
    socket.say(start())
    for action in stage.actions:
        face = looks(int(change.get("who", 1)))
        await shown(socket, stage, 1.0, {"face": face})
        await shown(socket, stage, 0.6, {**SHOWN[action], "face": face})
    await shown(socket, stage, 0.3, {"face": looks(int(change.get("who", 1)))})
    final = socket.statuses[-1]
    assert (final["status"], final["authenticated"], final["reason"]) == (status, False, reason)
    assert final["advice"]
    assert socket.code == 1000


async def test_guidance(socket: Socket, stage: Stage) -> None:
    socket.say(start())
    for reason, status in (
        (Reason.NO_FACE, "no_face"),
        (Reason.MULTIPLE_FACES, "multiple_faces"),
        (Reason.TOO_DARK, "guidance"),
    ):
        stage.ticker.now_s += FRAME_S
        socket.say(stage.picture(SampleRejected(reason)))
        told = await socket.hear(status)
        assert told["reason"] == str(reason)
        assert told["advice"]
        assert told["face"] is None
    await shown(socket, stage, 1.0)
    await shown(socket, stage, 0.6, SHOWN[Action.TURN_LEFT])
    assert (await socket.hear("guidance"))["reason"] == "too_dark"
    assert socket.statuses[-1]["reason"] == "not_at_rest"


async def test_statuses_say_where_the_face_is(socket: Socket, stage: Stage) -> None:
    socket.say(start())
    stage.ticker.now_s += FRAME_S
    socket.say(stage.picture(SampleRejected(Reason.BLURRED, None, Region(0.123456, 0.0, 0.5, 1.0))))
    assert (await socket.hear("guidance"))["face"] == [0.1235, 0.0, 0.5, 1.0]
    await shown(socket, stage, 1.2)
    going_on = [status for status in socket.statuses if status["status"] in ("progress", "challenge")]
    assert {status["status"] for status in going_on} == {"progress", "challenge"}
    here = [100 / 640, 100 / 480, 300 / 640, 300 / 480]
    assert all(status["face"] == [round(share, 4) for share in here] for status in going_on)


BAD: dict[str, tuple[str | bytes, str, int]] = {
    "not JSON": ("I am a frame", "message_not_json", 1008),
    "deeply nested": ("[" * 50_000, "message_not_json", 1008),
    "empty": ("", "message_not_json", 1008),
    "a list": ("[1, 2]", "message_invalid", 1008),
    "unknown type": ('{"type": "dance", "user_id": "a", "session_id": "b"}', "message_invalid", 1008),
    "unknown field": (frame(b"x", liveness=False), "message_invalid", 1008),
    "a number for a name": (
        '{"type": "frame", "user_id": 7, "session_id": "b", "frame": ""}',
        "message_invalid",
        1008,
    ),
    "a frame that is a list": (
        '{"type": "frame", "user_id": "a", "session_id": "b", "frame": [1]}',
        "message_invalid",
        1008,
    ),
    "a path for a name": (start(user_id="../../etc"), "message_invalid", 1008),
    "a very long name": (start(session_id="x" * 10_000), "message_invalid", 1008),
    "no base64": (
        '{"type": "frame", "user_id": "a", "session_id": "b", "frame": "*"}',
        "frame_not_base64",
        1008,
    ),
    "not ASCII": (
        '{"type": "frame", "user_id": "a", "session_id": "b", "frame": "é"}',
        "frame_not_base64",
        1008,
    ),
    "a negative number": (frame(b"x", number=-1), "message_invalid", 1008),
    "binary before start": (b"\xff\xd8", "start_missing", 1008),
    "10 MB": (frame(bytes(10 * 1024 * 1024)), "frame_too_large", 1009),
    "10 MB, binary": (bytes(10 * 1024 * 1024), "frame_too_large", 1009),
}


@pytest.mark.parametrize("name", BAD)
async def test_messages_that_make_no_sense(socket: Socket, name: str) -> None:
    message, code, close_code = BAD[name]
    socket.say(message)
    assert await socket.fatal() == (code, close_code)
    assert len(json.dumps(socket.statuses[-1])) < 2000, "what was sent is not sent back"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (start(session_id="another"), "session_changed"),
        (start(user_id="bob"), "session_changed"),
        (start(), "session_started"),
        (frame(b"x", user_id="bob"), "session_changed"),
    ],
)
async def test_a_session_cannot_be_changed(socket: Socket, message: str, code: str) -> None:
    socket.say(start())
    socket.say(message)
    assert await socket.fatal() == (code, 1008)


async def test_the_challenge_of_another_session(socket: Socket, stage: Stage, store: Store) -> None:
    socket.say(frame(stage.face(face=looks(1)), challenge_id="f" * 32))
    final = await socket.hear("rejected")
    assert final["reason"] == "challenge_failed"
    assert (await recorded(store))[-1]["reason"] == "foreign_challenge"


async def test_reordered_frames(socket: Socket, stage: Stage, store: Store) -> None:
    for number in (1, 3, 2):
        stage.ticker.now_s += FRAME_S
        await socket.answer(frame(stage.face(face=looks(1)), number=number))
    assert socket.statuses[-1]["status"] == "spoof_detected"
    assert (await recorded(store))[-1]["reason"] == "frames_reordered"


async def test_frames_that_are_no_images_are_told_and_the_session_goes_on(
    socket: Socket, stage: Stage
) -> None:
    socket.say(start())
    for _ in range(3):
        socket.say(b"not a picture")
        await socket.hear("error")
    told = socket.statuses[-1]
    assert (told["code"], told["fatal"]) == ("image_corrupt", False)
    await obeyed(socket, stage)
    assert socket.statuses[-1]["status"] == "authenticated"


async def test_only_frames_that_are_no_images_end_it(socket: Socket, stage: Stage) -> None:
    socket.say(start())
    for number in range(ws.MAX_BAD_FRAMES):
        stage.ticker.now_s += FRAME_S
        await socket.answer(f"not picture {number}".encode())
    assert await socket.fatal() == ("too_many_bad_frames", 1008)


async def test_two_sockets_with_one_session_id(app: FastAPI, socket: Socket, stage: Stage) -> None:
    socket.say(start())
    await shown(socket, stage, 0.2)
    async with Socket(app, "another") as second:
        second.say(start())
        assert await second.fatal() == ("session_used", 1008)
    await obeyed(socket, stage)
    assert socket.statuses[-1]["status"] == "authenticated", "the first one doesn't notice"


async def test_a_session_cannot_be_resumed(app: FastAPI, stage: Stage, store: Store) -> None:
    async with Socket(app) as first:
        first.say(start())
        await shown(first, stage, 1.0)
        first.leave()
    assert (await recorded(store))[-1]["reason"] == "abandoned"
    async with Socket(app) as second:
        second.say(start())
        assert await second.fatal() == ("session_used", 1008)


async def test_the_latest_frame_wins(app: FastAPI, socket: Socket, stage: Stage) -> None:
    """While one frame is looked at, nineteen come: one of them is looked at, the last."""
    looked: list[bytes] = []
    looking, gate = asyncio.Semaphore(0), asyncio.Event()
    whole = stage.glimpse

    async def slow(image: bytes, *, at_s: float) -> Glimpse:
        looked.append(image)
        looking.release()
        await gate.wait()
        return await whole(image, at_s=at_s)

    stage.glimpse = slow  # type: ignore[method-assign]
    images = [stage.face(face=looks(1)) for _ in range(20)]
    socket.say(start())
    socket.say(images[0])
    await looking.acquire()
    for image in images[1:]:
        stage.ticker.now_s += FRAME_S
        socket.say(image)
        await asyncio.sleep(0.002)
    gate.set()
    await looking.acquire()
    await asyncio.sleep(0.05)
    assert looked == [images[0], images[-1]]
    assert socket.statuses[-1]["dropped"] == 18


async def test_a_client_that_sends_too_much_is_slowed_and_then_cut_off(
    socket: Socket, stage: Stage, served: Service
) -> None:
    socket.say(start())
    images = [stage.face(face=looks(1)) for _ in range(1000)]
    looked = 0
    whole = stage.glimpse

    async def counted(image: bytes, *, at_s: float) -> Glimpse:
        nonlocal looked
        looked += 1
        return await whole(image, at_s=at_s)

    stage.glimpse = counted  # type: ignore[method-assign]
    for image in images:  # a thousand in one second
        stage.ticker.now_s += 0.001
        socket.say(image)
        await asyncio.sleep(0)
    assert await socket.fatal() == ("too_many_frames", 1008)
    assert looked <= 60
    other = stage.glimpse(images[0], at_s=0.0)
    assert await other, "others are served"


async def test_a_client_that_stops_reading_is_let_go(app: FastAPI, served: Service) -> None:
    async with Socket(app, reads=False) as deaf:
        await asyncio.wait_for(asyncio.shield(deaf.served), 5)
    assert len(app.state.stream_places) == 0


async def test_a_client_that_stops_reading_in_the_middle(app: FastAPI, stage: Stage, store: Store) -> None:
    async with Socket(app) as socket:
        socket.say(start())
        await shown(socket, stage, 1.0)
        socket._reads = False
        stage.ticker.now_s += FRAME_S
        socket.say(stage.face(face=looks(1)))
        await asyncio.wait_for(asyncio.shield(socket.served), 5)
    assert (await recorded(store))[-1]["reason"] == "abandoned"


@pytest.mark.parametrize("code", [1000, 1001, 1006, 1012])
async def test_an_abrupt_close_leaves_nothing_behind(app: FastAPI, stage: Stage, code: int) -> None:
    tasks = len(asyncio.all_tasks())
    for number in range(10):
        async with Socket(app) as socket:
            socket.say(start(session_id=f"session-{number}"))
            await shown(socket, stage, 0.3)
            socket.leave(code)
    assert len(app.state.stream_places) == 0
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == tasks
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, ws.Connection)]


async def test_too_many_connections(app: FastAPI) -> None:
    async with Socket(app) as one, Socket(app) as two, Socket(app) as three:
        for socket in (one, two, three):
            await socket.hear("connected")
        async with Socket(app) as fourth:
            assert await fourth.fatal() == ("too_many_connections", 1013)
        three.leave()
        await three.served
        async with Socket(app) as fifth:
            await fifth.hear("connected")


async def test_one_address_has_not_all_connections(service: Service) -> None:
    limits = replace(service.stream_limits, connections_per_address=2)
    app = create_app(replace(service, stream_limits=limits), max_image_bytes=100_000)
    app.state.service = replace(service, stream_limits=limits)
    async with Socket(app) as one, Socket(app) as two:
        for socket in (one, two):
            await socket.hear("connected")
        async with Socket(app) as third:
            assert await third.fatal() == ("too_many_at_once", 1013)
            assert third.statuses[-1]["retry_after_s"] == 1
        two.leave()
        await two.served
        async with Socket(app) as fourth:
            await fourth.hear("connected")


@pytest.mark.parametrize("client_id", ["x" * 129, "a b", "😀"])
async def test_client_ids_that_are_refused(app: FastAPI, client_id: str) -> None:
    async with Socket(app, client_id) as socket:
        assert await socket.fatal() == ("client_id_invalid", 1008)


async def test_a_client_that_never_starts(socket: Socket, stage: Stage) -> None:
    stage.ticker.now_s += ws.START_S + 1
    assert await socket.fatal() == ("start_too_late", 1008)


@pytest.mark.parametrize("wait_s", [ws.IDLE_S + 1, 61.0, 1e9])
async def test_a_client_that_falls_silent_expires(
    socket: Socket, stage: Stage, store: Store, wait_s: float
) -> None:
    """Also after a jump of the clock: the machine slept."""
    socket.say(start())
    await shown(socket, stage, 0.3)
    stage.ticker.now_s += wait_s
    final = await socket.hear("expired")
    assert (final["authenticated"], final["reason"]) == (False, "challenge_expired")
    await socket.served
    assert socket.code == 1000
    assert (await recorded(store))[-1]["reason"] == "expired"


async def test_a_clock_that_goes_back_is_no_way_in(socket: Socket, stage: Stage, store: Store) -> None:
    socket.say(start())
    await shown(socket, stage, 0.3)
    stage.ticker.now_s -= 100.0
    await shown(socket, stage, 0.1)
    assert socket.statuses[-1]["status"] == "spoof_detected"
    assert (await recorded(store))[-1]["reason"] == "time_backwards"


async def test_a_decision_that_could_not_be_recorded_is_withheld(
    socket: Socket, stage: Stage, store: Store
) -> None:
    await store.database.write(
        lambda connection: connection.execute(
            text("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        )
    )
    socket.say(start())
    await obeyed(socket, stage)
    assert await socket.fatal() == ("store_unavailable", 1013)
    assert not [status for status in socket.statuses if "confidence" in status]


@pytest.mark.parametrize(
    ("error", "code"), [(SealBroken("tampered"), "template_unreadable"), (KeyError("x"), "internal_error")]
)
async def test_what_goes_wrong_inside_is_not_told(
    socket: Socket, stage: Stage, error: Exception, code: str
) -> None:
    socket.say(start())
    socket.say(stage.picture(error))
    assert await socket.fatal() == (code, 1011)
    assert "tampered" not in str(socket.statuses)


async def test_an_end_that_cannot_be_recorded_is_logged(app: FastAPI, stage: Stage, store: Store) -> None:
    async with Socket(app) as socket:
        socket.say(start())
        await shown(socket, stage, 1.0)
        await store.database.write(
            lambda connection: connection.execute(
                text("CREATE TRIGGER no BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
            )
        )
    assert len(app.state.stream_places) == 0


async def test_a_canvas_address_is_taken_too(socket: Socket, stage: Stage) -> None:
    image = stage.face(face=looks(1))
    address = "data:image/jpeg;base64," + base64.b64encode(image).decode()
    socket.say(json.dumps({"type": "frame", "user_id": "alice", "session_id": "s", "frame": address}))
    await socket.hear("progress")


def test_limits_that_let_nothing_through_are_refused() -> None:
    for limits in (
        {"max_frame_bytes": 0},
        {"frames_per_s": 0.0},
        {"connections": 0},
        {"connections_per_address": 0},
    ):
        with pytest.raises(ValueError, match="positive"):
            replace(StreamLimits(), **limits)
    for rate, burst in ((0.0, 1.0), (1.0, 0.5)):
        with pytest.raises(ValueError, match="something through"):
            TokenBucket(HandTicker(), rate_per_s=rate, burst=burst)
