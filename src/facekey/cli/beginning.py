"""While a program begins, the garbage collector only costs: what is made then stays."""

import gc
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
    """
    with uncollected():
        yield
        gc.freeze()
