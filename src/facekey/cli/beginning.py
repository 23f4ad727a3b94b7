"""While a program begins, the garbage collector only costs: what is made then stays."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector out while modules are imported and a service is opened.

    It would look through all that is there again and again and find next to nothing, which takes
    a quarter of a start.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def opening() -> Iterator[None]:
    """Open a service uncollected, and set aside for good what is there when it is open.

    Later collections don't look at it: a full one would halt every request for a tenth of a second.
    And what loading took and no longer needs goes back to the system, a tenth of all memory.
    """
    with uncollected():
        yield
        gc.freeze()
    _give_back()


def _give_back() -> None:
    """Let the C library part with memory that is free but lies between what isn't."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; others give back by themselves
        if trim is not None:
            trim(ctypes.c_size_t(0))
