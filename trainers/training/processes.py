"""What the processes of one training agree on; a single process agrees with itself."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from harness.errors import HarnessError


def add_up(values: torch.Tensor) -> torch.Tensor:
    """Return the sum of all processes' values, on each of them, in place of ``values``.

    >>> add_up(torch.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    if _several():
        with _together():
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
    with _together():
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
    with _together():
        dist.broadcast(values, 0)
        return int(values)


@contextmanager
def _together() -> Iterator[None]:
    """Say in words that another process has gone.

    Raises:
        HarnessError: values could not be exchanged.
    """
    try:
        yield
    except RuntimeError as error:
        raise HarnessError(
            f"Another process of this training does not answer any more: {str(error).splitlines()[0]}",
            hint="See what it said before it ended; the same command with --resume goes on from the last checkpoint.",
        ) from error


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
