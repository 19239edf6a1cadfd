"""What the processes of one training agree on; a single process agrees with itself."""

import atexit
import functools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist

from harness.errors import TrainingError
from harness.locale import tr

# Seconds for gloo's thread, which takes Python's lock once more after an exchange, to let go of its tensors: a process
# that begins to end before that is aborted, and taking the group down could wait for ever.
_TURN = 0.5
_BUCKET = 1 << 24  # gradient elements that travel between GPUs at once


def all_reduce_sum(values: torch.Tensor) -> torch.Tensor:
    """Return the sum of all processes' values, on each of them, in place of ``values``.

    >>> all_reduce_sum(torch.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    if _several():
        with _together():
            dist.all_reduce(values, op=dist.ReduceOp.SUM)
    return values


def all_reduce_max(value: int) -> int:
    """Return the largest of all processes' values, on each of them.

    >>> all_reduce_max(3)
    3
    """
    return _exchanged(value, lambda values, group: dist.all_reduce(values, op=dist.ReduceOp.MAX, group=group))


def any_rank(happened: bool) -> bool:
    """Return whether it happened in any process.

    >>> any_rank(False)
    False
    """
    return bool(all_reduce_max(int(happened)))


def broadcast_from_rank0(value: int) -> int:
    """Return the first process's value, on each of them."""
    return _exchanged(value, lambda values, group: dist.broadcast(values, 0, group=group))


def broadcast_tensor_from_rank0(values: torch.Tensor) -> torch.Tensor:
    """Return the first process's values, on each of them, in place of ``values``.

    >>> broadcast_tensor_from_rank0(torch.tensor([1.0]))
    tensor([1.])
    """
    if _several():
        with _together():
            dist.broadcast(values, 0)
    return values


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Average the gradients of all devices, as data parallel training does."""
    if not _several():
        return
    for bucket in _buckets(parameters):
        flat = all_reduce_sum(torch.cat([_gradient(parameter).flatten() for parameter in bucket]))
        flat /= dist.get_world_size()
        for parameter, part in zip(bucket, torch.split(flat, [p.numel() for p in bucket]), strict=True):
            parameter.grad = part.view_as(parameter)


def gather(whole: torch.Tensor, part: torch.Tensor) -> Any:  # noqa: ANN401 - torch does not name what it returns
    """Begin to put every process's part, one after the other, into ``whole``; return what `gathered` waits for."""
    exchange = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor  # its name before torch 2.13
    with _together():
        return exchange(whole, part, async_op=True)


def gathered(work: Any) -> None:  # noqa: ANN401 - see `gather`
    """Let what is computed next find what was gathered; do nothing if nothing was (None)."""
    if work is not None:
        with _together():
            work.wait()


def leave() -> None:
    """Exchange nothing any more, so that one process may go on writing while others end."""
    if _several():
        time.sleep(_TURN)
        dist.destroy_process_group()


def _exchanged(value: int, exchange: Callable[[torch.Tensor, Any], object]) -> int:
    if not _several():
        return value
    with _together():
        group = _without_gpus()
        values = torch.tensor(value, device="cpu" if group else torch.device("cuda", torch.cuda.current_device()))
        exchange(values, group)
        return int(values)


@functools.cache
def _without_gpus() -> Any:  # noqa: ANN401 - torch does not name its groups' type
    """Return the processes as a group that exchanges numbers without waiting for the GPUs' work.

    None where the network cannot be used from the CPU: then numbers travel as everything else does.
    """
    try:
        return dist.new_group(backend="gloo")
    except RuntimeError:
        return None


@functools.cache
def _give_a_turn_at_exit() -> None:
    """Let the process end only after gloo's thread is done with the last exchange, whatever ends it."""
    atexit.register(time.sleep, _TURN)


@contextmanager
def _together() -> Iterator[None]:
    """Say in words that another process has gone.

    Raises:
        HarnessError: values could not be exchanged.
    """
    _give_a_turn_at_exit()
    try:
        yield
    except RuntimeError as error:
        raise TrainingError(
            tr(
                "Another process of this training does not answer any more: {splitlines}",
                splitlines=str(error).splitlines()[0],
            ),
            hint=tr(
                "See what it said before it ended; the same command with --resume goes on from the last checkpoint."
            ),
        ) from error


def _gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _buckets(parameters: Iterable[torch.nn.Parameter]) -> Iterator[list[torch.nn.Parameter]]:
    bucket: list[torch.nn.Parameter] = []
    for parameter in parameters:
        bucket.append(parameter)
        if sum(item.numel() for item in bucket) >= _BUCKET:
            yield bucket
            bucket = []
    if bucket:
        yield bucket


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
