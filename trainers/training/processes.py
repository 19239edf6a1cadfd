"""What the processes of one training agree on; a single process agrees with itself."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from harness.errors import HarnessError

_PATIENCE = 30  # seconds that the first process has to say what is wrong before another does


def add_up(values: torch.Tensor) -> torch.Tensor:
    """Return the sum of all processes' values, on each of them.

    >>> add_up(torch.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    if _several():
        dist.all_reduce(values, op=dist.ReduceOp.SUM)
    return values


def largest(value: int, device: torch.device) -> int:
    """Return the largest of all processes' values, on each of them.

    >>> largest(3, torch.device("cpu"))
    3
    """
    if not _several():
        return value
    values = torch.tensor(value, device=device)
    dist.all_reduce(values, op=dist.ReduceOp.MAX)
    return int(values)


def anywhere(happened: bool, device: torch.device) -> bool:
    """Return whether it happened in any process.

    >>> anywhere(False, torch.device("cpu"))
    False
    """
    return bool(largest(int(happened), device))


def from_the_first(value: int, device: torch.device) -> int:
    """Return the first process's value, on each of them."""
    if not _several():
        return value
    values = torch.tensor(value, device=device)
    dist.broadcast(values, 0)
    return int(values)


@contextmanager
def first_speaks(rank: int) -> Iterator[None]:
    """Hold the errors of all processes but the first back for a while.

    What is wrong with the data or the base is wrong in all of them. The launcher ends the others as soon as the first
    has said so; a process that is still there afterwards has an error of its own, which then is raised.
    """
    try:
        yield
    except HarnessError:
        if rank:
            time.sleep(_PATIENCE)
        raise


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
