"""Print the OpenAPI description of the service, for the web app's generated client."""

import json
import sys
from contextlib import asynccontextmanager

from facekey.api.app import create_app


@asynccontextmanager
async def _never_opened():
    raise RuntimeError("only the description is asked for")
    yield


json.dump(create_app(_never_opened(), max_image_bytes=1).openapi(), sys.stdout, indent=1, sort_keys=True)
