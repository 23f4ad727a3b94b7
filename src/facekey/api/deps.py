"""What routes ask for in their signatures."""

from typing import Annotated

from fastapi import Depends, Request, UploadFile

from facekey.api.service import Service


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(_service)]


async def image_bytes(upload: UploadFile) -> bytes:
    """An uploaded picture. It was held in memory and is never written to disk."""
    return await upload.read()
