"""Traces, where they are asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from starlette.middleware import Middleware

from facekey.core.errors import SettingsInvalid
from facekey.settings import Settings

TRACING = "facekey.api.tracing"  # not imported above: what it needs is an extra


@dataclass(frozen=True, slots=True)
class Tracing:
    """How requests and stages are traced.

    Attributes:
        took: told of every stage; None where nobody traces.
        within: what each request passes through.
        close: sends what waits to be sent.
    """

    took: Callable[[str, float], None] | None
    within: tuple[Middleware, ...]
    close: Callable[[], None]


def make_tracing(settings: Settings) -> Tracing:
    """What traces; nothing where that is off.

    Raises:
        SettingsInvalid: it is asked for, and the libraries aren't here.
    """
    if settings.traces == "off":
        return Tracing(None, (), lambda: None)
    try:
        module = import_module(TRACING)
    except ModuleNotFoundError as error:
        raise SettingsInvalid(
            f"FACEKEY_TRACES=otlp needs {error.name}; install it with: pip install 'facekey[otel]'"
        ) from error
    traces = module.Traces()
    return Tracing(traces.took, (Middleware(module.RequestTraced, traces=traces),), traces.close)
