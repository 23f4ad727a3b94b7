"""Several processes that train one network: what torchrun starts, or one process alone.

    torchrun --nproc_per_node=4 training/train_liveness.py ...

A batch is split among the processes, so that the same options train the same network on one
GPU, on four, or on none; gradients are averaged by torch's distributed data parallel. The
first process alone writes files and speaks; before the others read what it made, they wait.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

PATIENCE = timedelta(hours=12)  # the others wait while the first one cuts crops and asks teachers


@dataclass(frozen=True, slots=True)
class Place:
    """One process among those of a run.

    Attributes:
        rank: its number among all.
        count: of all, on all machines.
        local: its number on its machine, which is that of its GPU.
    """

    rank: int
    count: int
    local: int

    @property
    def first(self) -> bool:
        """The one that writes."""
        return self.rank == 0

    def share(self, size: int) -> slice:
        """This process's part of a batch.

        Raises:
            ValueError: it can't be split evenly: gradients of uneven parts would weigh unevenly.
        """
        if size % self.count:
            raise ValueError(f"a batch of {size} can't be split evenly among {self.count} processes")
        each = size // self.count
        return slice(self.rank * each, (self.rank + 1) * each)


def here() -> Place:
    """Which process this is: torchrun says so in the environment. Needs no torch."""
    return Place(
        int(os.environ.get("RANK", "0")),
        int(os.environ.get("WORLD_SIZE", "1")),
        int(os.environ.get("LOCAL_RANK", "0")),
    )


def only_first(script: str) -> None:
    """Let the other processes end: for scripts whose work is too small to be shared.

    Raises:
        SystemExit: with 0, in all processes but the first.
    """
    place = here()
    if not place.first:
        raise SystemExit(0)
    if place.count > 1:
        print(f"{script} works in one process; the other {place.count - 1} have ended")


@contextmanager
def together() -> Iterator[Place]:
    """Join the other processes for the time of a run; nothing to do for one alone."""
    place = here()
    if place.count == 1:
        yield place
        return
    # Here and not above: scripts that need `only_first` may run without torch.
    import torch  # noqa: PLC0415
    from torch import distributed  # noqa: PLC0415

    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(place.local)
        backend = "cpu:gloo,cuda:nccl"
    distributed.init_process_group(backend, timeout=PATIENCE)
    try:
        yield place
    finally:
        distributed.destroy_process_group()
        # Networks that were wrapped hold the group, and themselves in circles: left to the interpreter's
        # end, the group finds its threads at work and aborts a process that has done all it should.
        gc.collect()


def wait() -> None:
    """Until every process is here."""
    if here().count > 1:
        import torch  # noqa: PLC0415
        from torch import distributed  # noqa: PLC0415

        # A sum of nothing, in memory: a barrier proper would keep GPUs spinning for hours.
        distributed.all_reduce(torch.zeros(1))


@contextmanager
def first_alone() -> Iterator[None]:
    """The first process does it; the others afterwards, when they find it done."""
    place = here()
    if not place.first:
        wait()
    yield
    if place.first:
        wait()
