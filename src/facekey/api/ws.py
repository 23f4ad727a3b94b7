"""The live stream, `/ws/{client_id}`: frames in, statuses out, one decision, and the end.

Each connection holds one frame at most: a newer one takes its place, so a slow service
looks at fewer frames and never at old ones. docs/streaming.md is the protocol.
"""

import asyncio
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import NoReturn

import structlog
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from facekey.api import statuses
from facekey.api.access import credential_of
from facekey.api.address import client_address
from facekey.api.deps import on_behalf_of
from facekey.api.limits import Places
from facekey.api.messages import FrameMessage, Start, check_client_id, read_message
from facekey.api.pace import TokenBucket
from facekey.api.problems import retry_after_s, tell
from facekey.api.rate import Budget, network_of
from facekey.api.service import Service, StreamLimits
from facekey.core.accounts import FaceTokenRequest, parse_audience
from facekey.core.caller import Caller, Permission
from facekey.core.challenge import Binding
from facekey.core.errors import (
    AccessRefused,
    FaceKeyError,
    ImageRefused,
    InputInvalid,
    Overloaded,
    RequestInvalid,
    TooMany,
    Unavailable,
)
from facekey.core.types import Outcome, SubjectId
from facekey.services.stream import StreamSession
from facekey.services.stream_update import Step, Update

DONE, PROTOCOL, TOO_LARGE, DEFECT, LATER = 1000, 1008, 1009, 1011, 1013
"""Close codes of RFC 6455 and its registry. 1012 comes from the server when it stops."""

FRAMES_BURST = 30
MESSAGES_PER_FRAME = 4.0  # a client that sends faster than this times the frame rate is cut off
START_S = 10.0
IDLE_S = 15.0
SEND_S = 5.0
WAKE_S = 0.5  # how often a waiting session looks at the clock
MAX_BAD_FRAMES = 20  # in a row

router = APIRouter()
log = structlog.get_logger(__name__)


@router.websocket("/ws/{client_id}")
async def stream(websocket: WebSocket, client_id: str) -> None:
    """One live session."""
    service: Service = websocket.app.state.service
    places: Places = websocket.app.state.stream_places
    address, limits = client_address(websocket.scope), service.stream_limits
    place = places.one(
        network_of(address), most=limits.connections, most_per_caller=limits.connections_per_address
    )
    await websocket.accept()
    connection = Connection(websocket, client_id, service)
    with ExitStack() as held:
        try:
            await service.rates.spend(Budget.RECOGNITION, address)
            held.enter_context(place)
        except Overloaded:
            await connection.end(
                "too_many_connections", "the service is busy; connect again in a moment", LATER
            )
        except TooMany as refusal:
            await connection.refuse(refusal)
        else:
            service.meters.stream_opened()
            held.callback(service.meters.stream_closed)
            await connection.run()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A frame that is to be looked at; still in its base64 if it came so, for most are dropped."""

    frame: bytes | FrameMessage
    at_s: float

    @property
    def image(self) -> bytes:
        """The encoded picture.

        Raises:
            RequestInvalid: it is not base64.
        """
        return self.frame.image() if isinstance(self.frame, FrameMessage) else self.frame

    @property
    def number(self) -> int | None:
        """The client's own count, when it counts."""
        return self.frame.number if isinstance(self.frame, FrameMessage) else None

    @property
    def challenge_id(self) -> str | None:
        """Which challenge it answers, when the client says so."""
        return self.frame.challenge_id if isinstance(self.frame, FrameMessage) else None


class Ended(Exception):
    """The connection is over; what there was to say was said."""


class Connection:
    """One socket: a reader that keeps the latest frame, and a worker that looks at it."""

    def __init__(self, websocket: WebSocket, client_id: str, service: Service) -> None:
        """Wrap an accepted socket."""
        self._websocket = websocket
        self._client_id = client_id
        self._service = service
        self._stream = service.stream
        self._limits: StreamLimits = service.stream_limits
        ticker, rate = self._stream.ticker, self._limits.frames_per_s
        self._ticker = ticker
        self._frames = TokenBucket(ticker, rate_per_s=rate, burst=FRAMES_BURST)
        self._messages = TokenBucket(
            ticker, rate_per_s=MESSAGES_PER_FRAME * rate, burst=MESSAGES_PER_FRAME * FRAMES_BURST
        )
        self._session: StreamSession | None = None
        self._bound: tuple[str, str] | None = None
        self._audience: str | None = None
        self._slot: Waiting | None = None
        self._news = asyncio.Event()
        self._heard_s = ticker.seconds()
        self._bad = 0
        self._dropped = 0  # so many are counted already
        self._closed = False

    async def run(self) -> None:
        """Serve the connection until it ends, whoever ends it."""
        tasks = [asyncio.create_task(self._read()), asyncio.create_task(self._work())]
        try:
            await self._say(
                statuses.connected(
                    max_frame_bytes=self._limits.max_frame_bytes,
                    frames_per_s=self._limits.frames_per_s,
                    session_s=self._stream.stream_policy.session_s,
                )
            )
            check_client_id(self._client_id)
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (Ended, WebSocketDisconnect):
            pass
        except FaceKeyError as error:
            await self.refuse(error)
        except Exception as error:
            log.error("defect", error=type(error).__name__, exc_info=error)  # noqa: TRY400 - rendered by the log itself
            await self.end("internal_error", "FaceKey has a defect here; its log has the details", DEFECT)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._leave()

    async def end(self, code: str, detail: str, close_code: int, *, retry_after_s: int | None = None) -> None:
        """Say what is wrong and close."""
        with suppress(Ended, WebSocketDisconnect):
            await self._say(statuses.error(code, detail, fatal=True, retry_after_s=retry_after_s))
        await self._close(close_code, code)

    async def _leave(self) -> None:
        """Put an unfinished session on record."""
        session = self._session
        if session is None:
            return
        self._count(session)
        try:
            await session.abandon()
        except FaceKeyError as error:
            log.error("abandoned_not_recorded", error=type(error).__name__)  # noqa: TRY400
        log.info("stream", over=session.over, dropped=session.dropped)

    async def refuse(self, error: FaceKeyError) -> None:
        """Say what went wrong, and when to come back where that helps; close."""
        code, detail = tell(error)
        close_code = PROTOCOL if isinstance(error, InputInvalid | AccessRefused) else DEFECT
        if isinstance(error, Unavailable | TooMany):
            close_code = LATER
        if code == "frame_too_large":
            close_code = TOO_LARGE
        await self.end(code, detail, close_code, retry_after_s=retry_after_s(error))

    # The reader.

    async def _read(self) -> NoReturn:
        """Take messages as they come; the latest frame wins."""
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", DONE))
            at_s = self._ticker.seconds()
            self._heard_s = at_s
            if not self._messages.take():
                raise RequestInvalid(
                    "too_many_frames",
                    f"send {self._limits.frames_per_s:g} frames a second at most, then connect again",
                )
            text: str | None = message.get("text")
            data: str | bytes = message["bytes"] if text is None else text
            largest = (
                self._limits.max_message_bytes if isinstance(data, str) else self._limits.max_frame_bytes
            )
            if len(data) > largest:
                raise RequestInvalid(
                    "frame_too_large", f"a frame may have {self._limits.max_frame_bytes} bytes at most"
                )
            # Before a frame is parsed: what is too much must cost nothing.
            if self._session is not None and not self._frames.take():
                self._session.drop()
                continue
            await self._take(data, at_s)

    async def _take(self, data: str | bytes, at_s: float) -> None:
        if isinstance(data, bytes):
            if self._session is None:
                raise RequestInvalid(
                    "start_missing", 'before binary frames send {"type": "start", "user_id", "session_id"}'
                )
            self._put(Waiting(data, at_s))
            return
        told = read_message(data)
        if self._bound is None:
            caller = await self._admit(told)
            self._bound = told.user_id, told.session_id
            binding = Binding(self._client_id, told.session_id, SubjectId(told.user_id))
            self._session = await self._stream.open(binding, caller=caller)
        elif self._bound != (told.user_id, told.session_id):
            raise RequestInvalid(
                "session_changed", "one connection serves one user_id and one session_id; open another"
            )
        elif not isinstance(told, FrameMessage):
            raise RequestInvalid("session_started", "the session began already; send frames")
        if isinstance(told, FrameMessage):
            self._put(Waiting(told, at_s))

    async def _admit(self, first: Start | FrameMessage) -> Caller:
        """Who opens the session, and whether they may.

        Raises:
            AccessRefused: nobody who is known, or not allowed.
        """
        credential = credential_of(self._websocket.scope) or first.access_token
        address = client_address(self._websocket.scope)
        caller = await self._service.know_caller(credential, address=address)
        caller.require(Permission.RECOGNISE)
        if first.audience is not None:
            caller.require_audience(parse_audience(first.audience))
            self._audience = first.audience
        return on_behalf_of(caller, first.client_address)

    def _put(self, frame: Waiting) -> None:
        if self._slot is not None and self._session is not None:
            self._session.drop()
        self._slot = frame
        self._news.set()

    # The worker.

    async def _work(self) -> NoReturn:
        """Look at one frame after the other, and at the clock in between."""
        opened_s = self._ticker.seconds()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WAKE_S):
                    await self._news.wait()
            self._news.clear()
            frame, self._slot = self._slot, None
            now_s = self._ticker.seconds()
            if self._session is None:
                if now_s - opened_s > START_S:
                    raise RequestInvalid(
                        "start_too_late", f"the first message must come within {START_S:g} seconds"
                    )
            elif self._session.left_s() <= 0 or now_s - self._heard_s > IDLE_S:
                await self._answer(statuses.told(await self._session.expire(), dropped=0))
            elif frame is not None:
                await self._look(self._session, frame)

    async def _look(self, session: StreamSession, frame: Waiting) -> None:
        try:
            update = await session.frame(
                frame.image, at_s=frame.at_s, number=frame.number, challenge_id=frame.challenge_id
            )
        except ImageRefused as error:
            self._bad += 1
            if self._bad >= MAX_BAD_FRAMES:
                raise RequestInvalid(
                    "too_many_bad_frames",
                    f"{MAX_BAD_FRAMES} messages in a row were no pictures; mend the client",
                ) from error
            await self._say(statuses.error(error.code, str(error), fatal=False))
            return
        self._bad = 0
        self._count(session, looked_at=update.step is not Step.DROPPED)
        status = statuses.told(update, dropped=session.dropped)
        if status is not None and frame.number is not None:
            status["frame"] = frame.number
        if session.over:
            await self._answer(self._with_token(status, update))
        elif status is not None:
            await self._say(status)

    def _count(self, session: StreamSession, *, looked_at: bool = False) -> None:
        """Tell the meters of a frame, and of those that were dropped since the last one."""
        dropped, self._dropped = session.dropped - self._dropped, session.dropped
        self._service.meters.frames(looked_at=int(looked_at), dropped=dropped)

    def _with_token(self, status: statuses.Status | None, update: Update) -> statuses.Status | None:
        """The last status, with the token that was asked for when the person was let in."""
        accepted = update.decision is not None and update.decision.outcome is Outcome.ACCEPT
        if status is None or not accepted or self._audience is None or self._bound is None:
            return status
        challenged = self._session is not None and self._session.challenged
        subject_id = SubjectId(self._bound[0])
        request = FaceTokenRequest(subject_id, self._audience, "challenge" if challenged else "passive")
        tokens = self._service.face_tokens
        return statuses.with_token(status, tokens.issue(request), expires_in_s=tokens.lasts_s)

    async def _answer(self, status: statuses.Status | None) -> NoReturn:
        """Give the decision, which is on record by now, and close."""
        if status is not None:
            await self._say(status)
        await self._close(DONE, "decided")
        raise Ended

    # The socket.

    async def _say(self, status: statuses.Status) -> None:
        """Send one status.

        Raises:
            Ended: the client doesn't read, or is gone.
        """
        try:
            async with asyncio.timeout(SEND_S):
                await self._websocket.send_json(status)
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            # Starlette raises RuntimeError when the socket was closed meanwhile.
            self._closed = True
            raise Ended from None

    async def _close(self, code: int, reason: str) -> None:
        if self._closed:
            return
        self._closed = True
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
            async with asyncio.timeout(SEND_S):
                await self._websocket.close(code, reason)
