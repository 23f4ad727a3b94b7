"""Timed: the stages of a decision that come after vision, each under its name."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from facekey.core.ports.measures import Meter

LOAD, COMPARE, SEARCH, RECORD = "load", "compare", "search", "record"
"""Opening a template, comparing and deciding, searching the gallery, putting on record."""


@contextmanager
def timed(meter: Meter, stage: str) -> Iterator[None]:
    """Tell how long what stands inside took, also when it fails."""
    began = time.perf_counter()
    try:
        yield
    finally:
        meter.took(stage, time.perf_counter() - began)
