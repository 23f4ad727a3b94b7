"""GET /metrics, for Prometheus."""

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from facekey.api.access import DESCRIBED, Watcher
from facekey.api.deps import Served

router = APIRouter(tags=["operation"], dependencies=[DESCRIBED])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(service: Served, _caller: Watcher) -> Response:
    """What this process knows, for Prometheus."""
    # On a thread: writing a thousand figures takes longer than a request may wait for another.
    return Response(await asyncio.to_thread(service.metrics.text), media_type=CONTENT_TYPE_LATEST)
