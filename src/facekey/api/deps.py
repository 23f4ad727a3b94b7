"""What routes ask for in their signatures."""

from typing import Annotated

from fastapi import Depends, Request, UploadFile

from facekey.api.service import Service
from facekey.core.identifiers import parse_subject_id
from facekey.core.types import SubjectId


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(_service)]


def checked_user_id(text: str) -> SubjectId:
    """A user id from a request.

    Raises:
        SubjectIdInvalid: it has characters or a length that ids don't have.
    """
    return parse_subject_id(text)


async def image_bytes(upload: UploadFile) -> bytes:
    """An uploaded picture. It was held in memory and is never written to disk."""
    return await upload.read()
