"""`uvicorn app.main:app`: the service for any ASGI server."""

from facekey.cli.beginning import uncollected

with uncollected():
    from app.application import app, opening

__all__ = ["app", "opening"]
