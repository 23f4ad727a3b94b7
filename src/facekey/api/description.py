"""The description of the API (OpenAPI): how problems are told, and which methods a path takes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, compile_path

from facekey.api.problems import MEDIA_TYPE, Problem

JSON = "application/json"

Responses = dict[int | str, dict[str, Any]]

EVERYWHERE: Mapping[int, str] = {
    400: "The request is malformed",
    401: "Sign in, or send an API key that counts",
    403: "The caller's role doesn't reach so far",
    408: "The body came too slowly",
    413: "Over a limit of size",
    422: "The request can't be used",
    429: "Too often; see Retry-After",
    503: "Nothing was decided; try again",
}
"""Answers that any request can get."""

PICTURES: Responses = {415: {"model": Problem, "description": "Neither JPEG, PNG, WebP nor BMP"}}
"""For routes that take pictures."""

SOUNDS: Responses = {415: {"model": Problem, "description": "Neither WAV, FLAC nor Ogg (Opus, Vorbis)"}}
"""For routes that take recordings."""


def responses() -> Responses:
    """`EVERYWHERE`, in the form that FastAPI takes."""
    return {status: {"model": Problem, "description": words} for status, words in EVERYWHERE.items()}


def describe(app: FastAPI) -> None:
    """Let the description tell problems in their media type, and keep which methods there are."""
    made = app.openapi

    def told() -> dict[str, Any]:
        schema = made()
        for methods in schema["paths"].values():
            for operation in methods.values():
                for status, response in operation["responses"].items():
                    content = response.get("content", {})
                    if int(status) >= 400 and JSON in content:
                        content[MEDIA_TYPE] = content.pop(JSON)
        return schema

    app.openapi = told  # type: ignore[method-assign]
    app.state.methods = Methods(app.routes)


class Methods:
    """Which pattern a path has, and which methods it takes over all its routes.

    Each route by itself knows its own only.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """Take the application's routes; they are read when that is first needed, if nobody prepared it."""
        self._routes = routes
        self._paths: list[tuple[re.Pattern[str], str, str]] = []

    def prepare(self) -> None:
        """Read the routes now. The framework puts them together meanwhile; no request should wait for it."""
        self._known()

    def allowed(self, path: str) -> str | None:
        """The value of `Allow`; None for a path that is not described."""
        return next((methods for regex, _, methods in self._known() if regex.fullmatch(path)), None)

    def pattern(self, path: str) -> str | None:
        """The pattern that a path was described under; None for others."""
        return next((pattern for regex, pattern, _ in self._known() if regex.fullmatch(path)), None)

    def patterns(self) -> tuple[str, ...]:
        """The patterns of all paths that are described."""
        return tuple(pattern for _, pattern, _ in self._known())

    def _known(self) -> list[tuple[re.Pattern[str], str, str]]:
        if not self._paths:
            # Not from the description, which has the same: to make it takes a seventh of a start.
            found: dict[str, set[str]] = {}
            for route in iter_route_contexts(self._routes):
                if route.path_format and route.methods and route.include_in_schema:
                    found.setdefault(route.path_format, set()).update(route.methods)
            self._paths = [
                (compile_path(pattern)[0], pattern, ", ".join(sorted(methods)))
                for pattern, methods in found.items()
            ]
        return self._paths
