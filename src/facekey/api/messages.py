"""What a client may say over a stream, and how it is read."""

import base64
import binascii
import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from facekey.core.errors import RequestInvalid

MAX_ID = 128
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$"
"""As for user ids; see `core.identifiers`."""

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID, pattern=ID_PATTERN)]


class _Message(BaseModel):
    """What both kinds of message hold; what comes after `session_id` counts in the first one only.

    Attributes:
        access_token: a token or API key, for clients that can't set headers, as in a browser.
        audience: asks for a face token for this application.
        client_address: of the person's own device, when an application relays the stream.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    user_id: Id
    session_id: Id
    access_token: Annotated[str | None, Field(max_length=4096, repr=False)] = None
    audience: Annotated[str, Field(max_length=200)] | None = None
    client_address: Annotated[str, Field(max_length=64)] | None = None


class Start(_Message):
    """Begins a session whose frames come as binary messages."""

    type: Literal["start"]


class FrameMessage(_Message):
    """One frame; the first one begins the session.

    Attributes:
        frame: the encoded picture in base64.
        number: rises from frame to frame, when the client counts.
        challenge_id: which challenge this answers, when the client says so.
    """

    type: Literal["frame"]
    frame: str = Field(repr=False)
    number: Annotated[int, Field(ge=0, lt=2**53)] | None = None
    challenge_id: Annotated[str, Field(max_length=MAX_ID)] | None = None

    def image(self) -> bytes:
        """The encoded picture.

        Raises:
            RequestInvalid: it is not base64.
        """
        text = self.frame
        if text.startswith("data:"):  # as a browser's canvas gives it
            text = text.partition(",")[2]
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise RequestInvalid(
                "frame_not_base64", "`frame` must be an encoded picture (JPEG, PNG, WebP) in base64"
            ) from None


_MESSAGES: TypeAdapter[Start | FrameMessage] = TypeAdapter(
    Annotated[Start | FrameMessage, Field(discriminator="type")]
)


def read_message(text: str) -> Start | FrameMessage:
    """Read one text message.

    Raises:
        RequestInvalid: it is not JSON, or has a field that is unknown, missing or of the wrong
            type; names the fields, never what they held.
    """
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise RequestInvalid("message_not_json", "a text message must be one JSON object") from None
    try:
        return _MESSAGES.validate_python(told)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])[:MAX_ID] or 'message'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)[:5]
        )
        raise RequestInvalid("message_invalid", faults) from None


def check_client_id(client_id: str) -> None:
    """Refuse names that client ids don't have.

    Raises:
        RequestInvalid: says which they have.
    """
    try:
        _CLIENT_ID.validate_python(client_id)
    except ValidationError:
        raise RequestInvalid(
            "client_id_invalid",
            f"a client id has 1 to {MAX_ID} letters, digits and . _ @ + - (ASCII), first a letter or digit",
        ) from None


_CLIENT_ID: TypeAdapter[str] = TypeAdapter(Id)
