import pytest
from fastapi import FastAPI

from facekey.api.app import create_app
from facekey.api.service import Service

MAX_IMAGE_BYTES = 10_000


@pytest.fixture
def app(service: Service) -> FastAPI:
    """The whole application on services that play back; as after its start."""
    built = create_app(service, max_image_bytes=MAX_IMAGE_BYTES)
    built.state.service = service
    return built
