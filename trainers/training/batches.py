"""Which samples make up an optimizer step, and which of them each device gets."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers import TrainerCallback

from trainers.balancing import balance_across_ranks
from trainers.encoding import IGNORED

_ROUNDING = 1e-6  # of an epoch


class StepBatches(Sampler[list[int]]):
    """Yields, for each optimizer step of an epoch, the indices of this device's share of the effective batch.

    The order depends on the seed and the epoch alone: any number of devices sees the same samples in the same step. A
    step's samples are dealt out so that every device gets about as many tokens.
    """

    def __init__(self, lengths: Sequence[int], *, batch: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self._lengths = lengths
        self.batch = batch
        self._seed = seed
        self._rank = rank
        self._world = world
        self.epoch = 0

    def __len__(self) -> int:
        return math.ceil(len(self._lengths) / self.batch)

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self._seed + self.epoch)
        order = torch.randperm(len(self._lengths), generator=generator).tolist()
        for start in range(0, len(order), self.batch):
            yield balance_across_ranks(order[start : start + self.batch], self._lengths, self._world)[self._rank]


class EpochOrder(TrainerCallback):  # type: ignore[misc]  # transformers is untyped
    """Gives every epoch an order of its own, also where a run is resumed."""

    def __init__(self, batches: StepBatches) -> None:
        self._batches = batches

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401
        """Tell the batches which epoch begins or goes on."""
        del args, control
        self._batches.epoch = int((state.epoch or 0) + _ROUNDING)


def pack(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return samples laid end to end in one row, shape (1, tokens), with their lengths; nothing is padding.

    >>> row = pack([{"input_ids": [1, 5, 2], "labels": [-100, 5, 2]}, {"input_ids": [1, 2], "labels": [-100, 2]}])
    >>> row["input_ids"].tolist(), row["labels"].tolist(), row["lengths"]
    ([[1, 5, 2, 1, 2]], [[-100, 5, 2, -100, 2]], [3, 2])
    """
    return {
        "input_ids": torch.tensor([[token for sample in samples for token in sample["input_ids"]]], dtype=torch.long),
        "labels": torch.tensor([[label for sample in samples for label in sample["labels"]]], dtype=torch.long),
        "lengths": [len(sample["input_ids"]) for sample in samples],
    }


def unpack(row: dict[str, Any], chosen: Sequence[int], *, bounds: bool) -> dict[str, Any]:
    """Return some samples of a row as the model's inputs: ids, labels, positions that begin anew with each sample.

    ``bounds``: with the bounds of the samples, for attention that takes them instead of a mask.
    """
    starts = [0]
    for length in row["lengths"]:
        starts.append(starts[-1] + length)
    lengths = [row["lengths"][index] for index in chosen]
    device = row["input_ids"].device
    parts = [slice(starts[index], starts[index + 1]) for index in chosen]
    inputs = {
        "input_ids": torch.cat([row["input_ids"][:, part] for part in parts], dim=1),
        "labels": torch.cat([row["labels"][:, part] for part in parts], dim=1),
        "position_ids": torch.cat([torch.arange(length) for length in lengths])[None].to(device),
    }
    inputs["labels"][inputs["position_ids"] == 0] = IGNORED
    if bounds:
        cumulative = torch.tensor([0, *lengths]).cumsum(0).to(device=device, dtype=torch.int32)
        longest = max(lengths)
        inputs |= {"cu_seq_lens_q": cumulative, "cu_seq_lens_k": cumulative}
        inputs |= {"max_length_q": longest, "max_length_k": longest}
    return inputs


def longest_together(lengths: Sequence[int], *, most: int, room: int) -> list[int]:
    """Return the longest items that may go through the model at once: the longest of all, and what has room beside it.

    >>> longest_together([5, 9, 2, 8], most=3, room=14)
    [1, 0]
    """
    chosen: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if not chosen or lengths[index] <= room:
            chosen.append(index)
            room -= lengths[index]
        if len(chosen) == most:
            break
    return chosen
