"""A base that one GPU does not hold: every process keeps a part of each layer's frozen weights.

A layer is put together right before it is used, in the forward pass and again in the backward pass, by one gather that
runs while the layer before it computes. No more than two layers are whole at any time, each in one of two buffers that
stay where they are: what a layer keeps for its backward pass refers to its place in a buffer, where its weights are
again when they are read.

torch's ``fully_shard`` wants every process to make the same passes. Here the order of gathers is known beforehand, as
nothing of frozen weights is ever scattered back: a process with fewer micro-batches than others, or one that runs out
of memory, takes part in their gathers instead of being waited for. 4-bit weights and their scales are bytes like any.
"""

import contextlib
import functools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
import torch.distributed as dist

from harness.errors import TrainingError
from harness.locale import tr
from trainers.training.processes import all_reduce_max, any_rank, broadcast_from_rank0, gather, gathered

_ALIGNED = 256  # bytes: what a view of any dtype and any kernel may ask for
_SLOTS = 2
_DONE = -1  # in the place of a layer's index


class Passes(Protocol):
    """What the processes do together while samples go through the model."""

    def more(self, left: Sequence[object]) -> bool:
        """Return whether another pass is to be made, by this process or for another."""

    def passes(self, count: int, *, learning: bool) -> contextlib.AbstractContextManager[None]:
        """Let ``count`` passes be made within, and those that other processes make beyond them."""

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """Let the first process go through the model as it likes within."""

    def serve(self) -> None:
        """Do what the first process needs of another while it is `alone`."""


class Whole:
    """A base whose every weight is in every process: they need one another for gradients alone."""

    def more(self, left: Sequence[object]) -> bool:
        """Return whether anything is left to this process."""
        return bool(left)

    @contextlib.contextmanager
    def passes(self, count: int, *, learning: bool) -> Iterator[None]:
        """Do nothing."""
        del count, learning
        yield

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing."""
        return contextlib.nullcontext()

    def serve(self) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A tensor of a layer: who holds it under which name, and where it is in the layer's bytes."""

    holder: Any
    name: str
    start: int
    shape: torch.Size
    dtype: torch.dtype

    def of(self, whole: torch.Tensor) -> torch.Tensor:
        """Return the tensor in a layer's bytes."""
        size = self.shape.numel() * self.dtype.itemsize
        return whole[self.start : self.start + size].view(self.dtype).view(self.shape)


class LayerShards:
    """The frozen weights of a model's layers, of each of them this process's part; see the module.

    Layers are added one by one, which frees them; ``place`` and then ``attach`` make the model usable.
    """

    def __init__(self) -> None:
        self._rank, self._world = dist.get_rank(), dist.get_world_size()
        self._pieces: list[list[_Piece]] = []
        self._parts: list[torch.Tensor] = []
        self._slots: list[torch.Tensor] = []
        self._there = [-1] * _SLOTS
        self._work: list[Any] = [None] * _SLOTS
        self._due: deque[int] = deque()
        self._leads = False
        self.first = 0

    @torch.no_grad()
    def add(self, layer: torch.nn.Module) -> None:
        """Keep this process's part of a layer, which is on the device it will be used on, and free the rest."""
        pieces, start = [], 0
        for holder, name in _frozen(layer):
            tensor = getattr(holder, name)
            pieces.append(_Piece(holder=holder, name=name, start=start, shape=tensor.shape, dtype=tensor.dtype))
            start += _up(tensor.numel() * tensor.element_size(), _ALIGNED)
        device = getattr(pieces[0].holder, pieces[0].name).device
        whole = torch.zeros(_up(start, _ALIGNED * self._world), dtype=torch.uint8, device=device)
        for piece in pieces:
            tensor = getattr(piece.holder, piece.name)
            piece.of(whole).copy_(tensor)
            setattr(piece.holder, piece.name, tensor.new_empty(0))
        self._pieces.append(pieces)
        self._parts.append(whole.chunk(self._world)[self._rank].clone())

    def place(self) -> None:
        """Give every tensor of every layer its place in a buffer."""
        most = max(part.numel() for part in self._parts) * self._world
        self._slots = [self._parts[0].new_zeros(most) for _ in range(_SLOTS)]
        for index, pieces in enumerate(self._pieces):
            for piece in pieces:
                setattr(piece.holder, piece.name, piece.of(self._slots[index % _SLOTS]))

    def attach(self, layers: Sequence[torch.nn.Module]) -> None:
        """Have the layers put together when they are called, and before gradients pass them.

        A layer gets a class of its own, as torch's own sharding does it: a hook would be compiled with the layer, or
        run again where the layer recomputes.
        """
        learning = [any(parameter.requires_grad for parameter in layer.parameters()) for layer in layers]
        self.first = learning.index(True)
        for index, layer in enumerate(layers):
            layer.__class__ = _gathering(type(layer))  # type: ignore[arg-type]  # classes can be hashed
            layer.shards = (self, index)  # type: ignore[assignment]  # no module and no tensor

    def more(self, left: Sequence[object]) -> bool:
        """Return whether any process has anything left."""
        return any_rank(bool(left))

    @contextlib.contextmanager
    def passes(self, count: int, *, learning: bool) -> Iterator[None]:
        """Let passes be made within, as many as the process with the most of them makes.

        What this process does not make, having less to do or having failed, it takes part in for the others. ``count``
        are its own; ``learning``: each of them forth and back, else forth.
        """
        forth = range(len(self._parts))
        each = [*forth, *(reversed(forth[self.first :]) if learning else ())]
        self._due = deque(each * all_reduce_max(count))
        if self._due:
            self._fetch(self._due[0])
        try:
            yield
        except TrainingError:  # the processes do not do the same any more, or there are none
            self._due.clear()
            raise
        except Exception:
            self._take_part()
            raise
        self._take_part()

    def use(self, index: int) -> None:
        """Put a layer together, and let the next one be fetched meanwhile.

        Raises:
            TrainingError: layers are not used one after the other.
        """
        if self._due and self._due.popleft() != index:
            raise TrainingError(
                tr("The layers of this base are not used one after the other: it cannot be sharded."),
                hint=tr("Train it whole, on a larger GPU (--set shard=false), or take another base."),
            )
        if self._leads and self._there[index % _SLOTS] != index:
            broadcast_from_rank0(index)
        self._whole(index)
        if self._due and self._due[0] % _SLOTS != index % _SLOTS:
            self._fetch(self._due[0])

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let this process, the first, go through the model as it likes within, while the others `serve` it."""
        self._leads = True
        try:
            yield
        finally:
            self._leads = False
            broadcast_from_rank0(_DONE)

    def serve(self) -> None:
        """Take part in the gathers that the first process asks for, until it is done."""
        while (index := broadcast_from_rank0(_DONE)) != _DONE:
            self._whole(index)

    def _whole(self, index: int) -> None:
        self._fetch(index)
        slot = index % _SLOTS
        gathered(self._work[slot])
        self._work[slot] = None

    def _take_part(self) -> None:
        while self._due:
            self.use(self._due[0])

    def _fetch(self, index: int) -> None:
        slot = index % _SLOTS
        if self._there[slot] != index:
            part = self._parts[index]
            self._work[slot] = gather(self._slots[slot][: part.numel() * self._world], part)
            self._there[slot] = index


def shards_of(model: Any) -> Passes:  # noqa: ANN401 - peft is untyped
    """Return how the processes go through a model together."""
    found: Passes = getattr(model, "layer_shards", Whole())
    return found


def _frozen(layer: torch.nn.Module) -> Iterator[tuple[Any, str]]:
    """Yield who holds the tensors of a layer's weights, and under which name; of 4-bit ones their scales as well."""
    for parameter in layer.parameters():
        yield parameter, "data"
        state = getattr(parameter, "quant_state", None)
        while state is not None:  # scales may be quantised themselves
            yield state, "absmax"
            state = state.state2


@functools.cache
def _gathering(kind: type[torch.nn.Module]) -> type[torch.nn.Module]:
    """Return a kind of layer that is put together before it is used."""

    def call(self: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the layer takes and returns
        shards, index = self.shards
        shards.use(index)
        found = kind.__call__(self, *given, **named)
        output = found[0] if isinstance(found, tuple) else found
        if output.requires_grad and index >= shards.first:
            output.register_hook(lambda _: shards.use(index))
        return found

    return type(f"Sharded{kind.__name__}", (kind,), {"__call__": call})


def _up(size: int, step: int) -> int:
    """Return a size rounded up to whole steps.

    >>> _up(5, 4), _up(8, 4)
    (8, 8)
    """
    return -(-size // step) * step
