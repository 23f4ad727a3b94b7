"""The live stream of a real service process: the real networks, and a puppet before the camera.

The puppet is a rendered photo. That it passes shows that the flow works; what it says about
liveness is in docs/streaming.md.
"""

import asyncio
import json
import os
import signal
import socket as sockets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from facekey.core.challenge import Action
from facekey.store.keys.encryption_key import EncryptionKey
from facekey.zoo.zoo import Zoo
from tests.actor import Actor
from tests.e2e.conftest import ROOT, facekey, free_port, running
from tests.e2e.streaming import (
    frame_message,
    new_session,
    play,
    replies,
    start_message,
    stream_url,
)
from tests.photos import Photos
from tests.puppet import DOING, Pose, Puppet, make_puppet


@dataclass(frozen=True)
class Running:
    url: str
    process: subprocess.Popen[str]
    database: Path

    def last_reason(self) -> str:
        """Why the last session ended, as it is on record."""
        connection = sqlite3.connect(self.database)
        ((body,),) = connection.execute("SELECT body FROM audit ORDER BY sequence DESC LIMIT 1")
        connection.close()
        told = json.loads(body)
        assert told["action"] == "authenticate_stream"
        return str(told["reason"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, zoo: Zoo, photos: Photos) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("stream")
    environment = {
        **os.environ,
        "ENCRYPTION_KEY": EncryptionKey.generate().written(),
        "DATABASE_URL": f"sqlite:///{folder}/facekey.db",
        "FACEKEY_PORT": str(free_port()),
        "FACEKEY_STREAM_MAX_FRAME_BYTES": "2000000",
    }
    with running(facekey("serve"), environment) as (url, process):
        files = [("images", (f"{number}.jpg", image)) for number, image in enumerate(photos.enrolment())]
        form = {"user_id": "alice"}
        httpx.post(f"{url}/api/v1/register", data=form, files=files, timeout=60).raise_for_status()
        yield Running(url, process, folder / "facekey.db")


@pytest.fixture(autouse=True)
def unlocked(service: Running) -> None:
    """What one test broke off counts against this address; the next one begins anew."""
    for claim in ({"address": "127.0.0.1"}, {"user_id": "alice"}):
        httpx.post(f"{service.url}/api/v1/attempts/unlock", params=claim, timeout=60).raise_for_status()


@pytest.fixture(scope="module")
def puppet(zoo: Zoo, photos: Photos) -> Puppet:
    return make_puppet(photos.obama3, zoo)


@pytest.fixture(scope="module")
def stranger(zoo: Zoo, photos: Photos) -> Puppet:
    return make_puppet(photos.biden, zoo)


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "JSON"])
def test_who_obeys_is_let_in(service: Running, puppet: Puppet, binary: bool) -> None:
    played = asyncio.run(play(service.url, "alice", Actor(puppet), binary=binary))
    final = played.final
    assert (final["status"], final["authenticated"], final["reason"]) == (
        "authenticated",
        True,
        "live_match",
    ), service.last_reason()
    assert len(played.actions) in (2, 3)
    assert len(set(played.actions)) == len(played.actions)
    assert final["confidence"] > final["threshold"]
    assert played.code == 1000
    assert service.last_reason() == "live_match"
    left, upper, right, lower = next(status for status in played.statuses if status["status"] == "challenge")[
        "face"
    ]
    assert 0.0 < left < 0.5 < right < 1.0, "the puppet's face is in the middle"
    assert 0.0 < upper < 0.5 < lower < 1.0


def test_a_stranger_and_an_unknown_id_get_the_same_answer(service: Running, stranger: Puppet) -> None:
    finals = []
    for user_id, reason in (("alice", "no_match"), ("nobody", "unknown_subject")):
        finals.append(asyncio.run(play(service.url, user_id, Actor(stranger))).final)
        assert service.last_reason() == reason
    for final in finals:
        assert (final["status"], final["authenticated"], final["reason"]) == ("rejected", False, "no_match")
    assert finals[0].keys() == finals[1].keys()


def test_a_recorded_session_is_refused_when_it_comes_again(service: Running, puppet: Puppet) -> None:
    """Encoded again at another quality, as a thief of a recording would send it."""
    recorded = asyncio.run(play(service.url, "alice", Actor(puppet))).sent

    def replay(_: bytes, number: int) -> bytes:
        picture = cv2.imdecode(np.frombuffer(recorded[number % len(recorded)], np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()

    played = asyncio.run(play(service.url, "alice", Actor(puppet), camera=replay))
    assert played.final["status"] == "spoof_detected"
    assert service.last_reason() == "frames_replayed"


def test_spliced_people_are_refused(service: Running, puppet: Puppet, stranger: Puppet) -> None:
    """Somebody else answers, and the victim's face is shown as soon as they are asked."""
    actor = Actor(stranger)
    victim = Actor(puppet, seat=actor.seat)

    def splice(image: bytes, _: int) -> bytes:
        return image if actor._action is None else victim.frame(time.monotonic())

    played = asyncio.run(play(service.url, "alice", actor, camera=splice))
    assert played.final["status"] == "spoof_detected"
    assert service.last_reason() in ("other_face", "face_jumped")


def test_answering_too_fast_is_refused(service: Running, puppet: Puppet) -> None:
    """A program that hears the prompt and shows a prepared picture at once."""
    for _ in range(6):
        played = asyncio.run(play(service.url, "alice", Hasty(puppet)))
        assert not played.final["authenticated"]
        if played.actions[0] != Action.BLINK:  # a blink by reflex is not held against anybody
            break
    assert service.last_reason() == "too_fast"
    assert (played.final["status"], played.final["reason"]) == ("rejected", "challenge_failed")


@dataclass
class Hasty(Actor):
    """Has every answer ready."""

    def __post_init__(self) -> None:
        self.ready = {
            action: self.puppet.frame(pose, seed=self._frames, framing=self.seat)
            for action, pose in DOING.items()
        }

    def frame(self, now_s: float) -> bytes:
        return super().frame(now_s) if self._action is None else self.ready[self._action]


def test_the_wrong_order_is_refused(service: Running, puppet: Puppet) -> None:
    played = asyncio.run(play(service.url, "alice", Disorderly(puppet)))
    assert (played.final["status"], played.final["reason"]) == ("rejected", "challenge_failed")
    assert service.last_reason() == "wrong_action"


class Disorderly(Actor):
    """A recording of several actions whose order is another than what is asked."""

    def told(self, action: Action, now_s: float) -> None:
        if self._action is None:
            first, second = [
                one for one in (Action.NOD, Action.TURN_LEFT, Action.TURN_RIGHT) if one is not action
            ][:2]
            super().told(first, now_s)
            self.next = second

    def pose(self, now_s: float) -> Pose:
        if self._action is not None and now_s - self._told_s > 2.0:
            super().told(self.next, self._told_s + 2.0)
        return super().pose(now_s)


class TestBadInput:
    def test_frames_that_are_not_images(self, service: Running) -> None:
        session = new_session()
        pictures = [b"not a picture %d" % number for number in range(3)]
        played = replies(service.url, start_message("alice", session), *pictures, patience_s=2.0)
        assert "image_format_unsupported" in played.errors
        assert played.code is None or played.code == 1000

    @pytest.mark.parametrize("binary", [True, False])
    def test_ten_megabytes(self, service: Running, binary: bool) -> None:
        session, image = new_session(), bytes(10 * 1024 * 1024)
        message = image if binary else frame_message(image, "alice", session)
        played = replies(service.url, start_message("alice", session), message)
        assert played.code == 1009

    def test_a_little_too_large_is_told(self, service: Running) -> None:
        session = new_session()
        played = replies(service.url, start_message("alice", session), bytes(2_100_000))
        assert (played.errors, played.code) == (["frame_too_large"], 1009)

    @pytest.mark.parametrize(
        ("message", "code"),
        [
            ("{", "message_not_json"),
            ('{"type": "frame", "user_id": 1, "session_id": "s", "frame": "AA=="}', "message_invalid"),
            ('{"type": "start", "user_id": "a", "session_id": "s", "liveness": false}', "message_invalid"),
        ],
    )
    def test_messages_that_make_no_sense(self, service: Running, message: str, code: str) -> None:
        played = replies(service.url, message)
        assert (played.errors, played.code) == ([code], 1008)

    def test_a_thousand_frames_a_second(self, service: Running, puppet: Puppet) -> None:
        images = [puppet.frame(seed=seed) for seed in range(4)]
        session = new_session()
        played = replies(service.url, start_message("alice", session), *(images * 250))
        assert played.code == 1008
        assert httpx.get(f"{service.url}/health").is_success

    def test_two_sockets_with_one_session_id(self, service: Running) -> None:
        session = new_session()
        with connect(stream_url(service.url)) as first:
            first.recv(timeout=5)
            first.send(start_message("alice", session))
            # Answered after what came before it, so the session has begun by then.
            first.send(b"here")
            assert json.loads(first.recv(timeout=5))["code"] == "image_format_unsupported"
            played = replies(service.url, start_message("alice", session), client_id="other")
            assert (played.errors, played.code) == (["session_used"], 1008)
            first.send(b"still here")
            assert json.loads(first.recv(timeout=5))["code"] == "image_format_unsupported"
        again = replies(service.url, start_message("alice", session))
        assert again.errors == ["session_used"], "a session can't be resumed"

    def test_abrupt_ends_and_clients_that_do_not_read(self, service: Running, puppet: Puppet) -> None:
        """None of them disturbs the next one."""
        image = puppet.frame(seed=1)
        for _ in range(5):
            raw = sockets.create_connection(("127.0.0.1", int(service.url.rpartition(":")[2])))
            raw.sendall(
                b"GET /ws/test HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            raw.close()
        for _ in range(5):
            with connect(stream_url(service.url)) as gone:
                gone.send(start_message("alice", new_session()))
                gone.send(image)
                gone.socket.shutdown(sockets.SHUT_RDWR)  # no close frame, as when a cable is pulled
        played = asyncio.run(play(service.url, "alice", Actor(puppet)))
        assert played.final["status"] == "authenticated", service.last_reason()

    def test_foreign_pages_are_refused_before_the_handshake(self, service: Running) -> None:
        with (
            pytest.raises(InvalidStatus, match="403"),
            connect(stream_url(service.url), origin=Origin("https://evil.example")),
        ):
            pass


def test_stopping_the_service_closes_streams_with_1012(environment: dict[str, str]) -> None:
    with running(facekey("serve"), environment) as (url, process):
        with connect(stream_url(url)) as socket:
            socket.recv(timeout=5)
            socket.send(start_message("alice", new_session()))
            os.killpg(process.pid, signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        assert process.wait(15) in (0, -signal.SIGTERM)


def test_the_reference_client_plays_a_folder_of_frames(
    service: Running, puppet: Puppet, tmp_path: Path
) -> None:
    """A recording can't know what it will be asked, so it is refused, and told so."""
    for number in range(12):
        (tmp_path / f"{number:03}.jpg").write_bytes(puppet.frame(seed=50_000 + number))
    played = subprocess.run(
        [
            *(sys.executable, "examples/stream.py", str(tmp_path), "--user", "alice"),
            *("--url", service.url, "--fps", "12", "--loop", "3"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert played.returncode == 1, played.stderr
    assert "asked to" in played.stdout
    assert "refused" in played.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["missing.mp4"], 2, "missing.mp4"),
        (["README.md"], 2, "no video"),
    ],
)
def test_the_reference_client_says_what_is_missing(words: list[str], code: int, said: str) -> None:
    played = subprocess.run(
        [sys.executable, "examples/stream.py", *words, "--user", "a", "--url", "http://127.0.0.1:9"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (played.returncode, said in played.stderr) == (code, True), played.stderr
