"""What routes ask for in their signatures."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Form, Request, UploadFile

from facekey.api.address import parse_address
from facekey.api.service import Service
from facekey.core.caller import Caller, Role


async def _service(request: Request) -> Service:
    # Not a plain function, here and in what else routes ask for: each of those is a trip to a thread.
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(_service)]

ClientAddress = Annotated[
    str | None,
    Form(
        max_length=64,
        description="the address of the person's own device, when your application relays the request: "
        "failed attempts are counted under it",
    ),
]


def on_behalf_of(caller: Caller, client_address: str | None) -> Caller:
    """The caller, with the address that an application names for those it relays.

    Nobody else may name one: they could have somebody else's failures counted, or escape their own.

    Raises:
        RequestInvalid: it is no address.
    """
    if client_address is None or caller.role is not Role.SERVICE:
        return caller
    return replace(caller, address=parse_address(client_address))


async def image_bytes(upload: UploadFile) -> bytes:
    """An uploaded picture. It was held in memory and is never written to disk."""
    return await upload.read()
