"""Which samples make up a step, and what of it each device gets."""

import pytest
from transformers import set_seed

from trainers.balancing import balance_across_ranks
from trainers.training.batches import StepBatches, pack


def test_every_epoch_takes_every_sample_once_in_an_order_of_its_own() -> None:
    """Whatever the batch, an epoch is a permutation; seed and epoch decide it, and nothing else."""
    batches = StepBatches(range(1, 15), batch=4, seed=3)
    epochs = []
    for epoch in (0, 1):
        batches.epoch = epoch
        steps = list(batches)
        assert [4, 4, 4, 2] == [len(step) for step in steps]
        assert len(steps) == len(batches)
        epochs.append([index for step in steps for index in step])
        assert list(range(14)) == sorted(epochs[-1])
    assert epochs[0] != epochs[1]
    set_seed(99)
    assert epochs[0] == [index for step in StepBatches(range(1, 15), batch=4, seed=3) for index in step]
    assert epochs[0] != [index for step in StepBatches(range(1, 15), batch=4, seed=4) for index in step]


@pytest.mark.parametrize("world", [2, 3, 5])
def test_devices_share_every_step_of_one_device(world: int) -> None:
    """Together they see the samples of the step, each of them once; some get none of a short one."""
    lengths = [10, 50, 20, 70, 30, 90, 10]
    whole = list(StepBatches(lengths, batch=5, seed=1))
    shares = [list(StepBatches(lengths, batch=5, seed=1, rank=rank, world=world)) for rank in range(world)]
    for number, step in enumerate(whole):
        assert sorted(step) == sorted(index for share in shares for index in share[number])
        assert balance_across_ranks(step, lengths, world) == [share[number] for share in shares]


def test_nothing_of_an_empty_share_is_computed() -> None:
    """A device without samples in a step gets an empty row."""
    row = pack([])
    assert ((1, 0), (1, 0), []) == (tuple(row["input_ids"].shape), tuple(row["labels"].shape), row["lengths"])
