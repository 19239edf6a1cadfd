"""What a recipe fixes and what it leaves to the memory plan."""

import pytest
import torch
from transformers import LlamaConfig

from harness.models.hf.numerics import Numerics
from trainers import constraints
from trainers.constraints import constraints_of, optimizer_of
from trainers.recipe import Recipe
from trainers.training.attention import DENSE

CPU = Numerics(quantization="none", dtype=torch.float32, device="cpu")
GPU = Numerics(quantization="nf4", dtype=torch.bfloat16, device="cuda")


@pytest.fixture(autouse=True)
def _no_gpu_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constraints, "choose_attention", lambda *_: DENSE)


@pytest.mark.parametrize(("wish", "left"), [("auto", None), (True, True), (False, False)])
def test_what_is_auto_is_left_to_the_plan(wish: bool, left: bool | None) -> None:
    """And what is not is fixed."""
    found = constraints_of(Recipe(gradient_checkpointing=wish, dequantize=wish), GPU, LlamaConfig())
    assert (left, left, True, False) == (found.checkpointing, found.dequantize, found.quantized, found.dropout)


def test_an_optimizer_that_pages_is_for_a_gpu() -> None:
    """On a CPU the one that runs has moments of eight bytes, whatever the recipe names."""
    recipe = Recipe(optim="paged_adamw_8bit")
    assert ("adamw_torch", "paged_adamw_8bit") == (optimizer_of(recipe, CPU), optimizer_of(recipe, GPU))
    assert (8, 2) == tuple(constraints_of(recipe, one, LlamaConfig()).optimizer_bytes for one in (CPU, GPU))
