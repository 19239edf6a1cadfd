"""Layers put together where they are used: the same losses and gradients, whatever this process makes of the passes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.errors import TrainingError
from tests.trainers.training.alone import alone, learnt, loaded
from tests.trainers.training.conftest import Workbench
from trainers.training.sharded import LayerShards, Whole, shards_of


@pytest.fixture(scope="module")
def five(make_tiny: Callable[..., Path]) -> Path:
    """A base of five layers: more than are ever put together."""
    return make_tiny("tiny-five", num_hidden_layers=5)


def assert_equal(expected: list[torch.Tensor], actual: list[torch.Tensor]) -> None:
    """Compare to the last bit."""
    assert len(expected) == len(actual)
    for one, other in zip(expected, actual, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"recomputed": 3, "lora_dropout": 0.1},
        {"quantization": "nf4", "recomputed": 5},
        {"quantization": "nf4", "double_quant": True},
        {"quantization": "nf4", "dequantized": True, "dtype": "bfloat16"},
        {"target_modules": r".*layers\.[34]\..*q_proj", "recomputed": 2},
    ],
    ids=str,
)
def test_losses_and_gradients_are_those_of_whole_weights(five: Path, how: dict[str, Any]) -> None:
    """With layers that recompute, 4-bit weights, dropout, and adapters on the last layers alone."""
    expected = learnt(loaded(five, shared=False, **how))
    with alone():
        model = loaded(five, shared=True, **how)
        assert_equal(expected, learnt(model, made_by_others=1))
        shards = shards_of(model)
        assert isinstance(shards, LayerShards)
        assert not shards._due


def test_no_more_than_two_layers_are_whole(five: Path) -> None:
    """What the layers' weights take: the parts, and two buffers of the largest layer."""
    whole = loaded(five, shared=False)
    layer = sum(
        weight.nbytes for name, weight in whole.named_parameters() if ".layers.0." in name and "lora" not in name
    )
    with alone():
        model = loaded(five, shared=True)
        weights = [one for name, one in model.named_parameters() if ".layers." in name and "lora" not in name]
        assert 2 == len({weight.untyped_storage().data_ptr() for weight in weights})
        assert 2 * layer == pytest.approx(
            sum({one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() for one in weights}.values()),
            rel=0.01,
        )
        assert model.to("cpu") is model


@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_what_is_planned_is_what_is_held(bench: Workbench, five: Path, quantization: str) -> None:
    """The layers' weights of the plan, but for the places between tensors, and the scales of nf4."""
    prepared = replace(bench, base=five).prepare(quantization=quantization)
    plan, shape = prepared.plan(world=2, shard=True), prepared.shape
    assert 2 == plan.shards
    assert not plan.dequantized
    assert shape.sharded(2).weights == plan.estimate.weights
    with alone():
        shards: Any = shards_of(loaded(five, shared=True, quantization=quantization))
    assert [part.numel() for part in shards._parts] == pytest.approx(shape.layer_weights, rel=0.03)
    assert 2 * max(shape.layer_weights) == pytest.approx(sum(slot.numel() for slot in shards._slots), rel=0.03)


def test_a_process_that_fails_takes_part_in_what_the_others_still_do(five: Path) -> None:
    """Memory that runs out in the third layer of the second pass leaves no gather of theirs unanswered."""
    with alone():
        model = loaded(five, shared=True)
        shards: Any = shards_of(model)
        used: list[int] = []
        use = shards.use

        def failing(index: int) -> None:
            use(index)
            used.append(index)
            if 13 == len(used):
                raise torch.OutOfMemoryError("CUDA out of memory.")

        shards.use = failing
        with pytest.raises(torch.OutOfMemoryError):
            learnt(model, passes=2, made_by_others=1)
        there_and_back = [0, 1, 2, 3, 4, 4, 3, 2, 1, 0]
        assert used == there_and_back * 3
        model.zero_grad()
        assert_equal(learnt(loaded(five, shared=False)), learnt(model))


def test_layers_out_of_their_order_are_refused(five: Path) -> None:
    """As an architecture uses them that goes through its layers twice; with what to do instead."""
    with alone():
        shards: Any = shards_of(loaded(five, shared=True))
        with (
            pytest.raises(TrainingError, match="not used one after the other") as caught,
            shards.passes(1, learning=False),
        ):
            list(map(shards.use, (0, 2)))
    assert "--set shard=false" in str(caught.value.hint)
    assert not shards._due


def test_whole_weights_need_no_one(five: Path) -> None:
    """Passes are this process's own, and end with what is left to it."""
    model = loaded(five, shared=False)
    shards = shards_of(model)
    assert isinstance(shards, Whole)
    assert shards.more([1])
    assert not shards.more([])
