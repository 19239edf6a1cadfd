"""What a recipe fixes of how a training is done on a device, and what it leaves to the memory plan."""

from typing import Any

from harness.models.hf.numerics import Numerics
from trainers.memory_plan import MemoryConstraints
from trainers.recipe import Recipe
from trainers.training.attention import DENSE, choose_attention
from trainers.training.fused import uses_kernels

_ON_A_CPU = "adamw_torch"  # the optimizer in place of those that page to a CPU's memory


def constraints_of(recipe: Recipe, numerics: Numerics, config: Any) -> MemoryConstraints:  # noqa: ANN401 - transformers is untyped
    """Return what a plan has to keep to.

    Raises:
        HarnessError: the recipe asks for fused kernels, which cannot be had.
    """

    def fixed(value: object) -> bool | None:
        return value if isinstance(value, bool) else None

    return MemoryConstraints(
        dropout=recipe.lora_dropout > 0,
        quantized=numerics.quantization == "nf4",
        optimizer_bytes=2 if optimizer_of(recipe, numerics) == "paged_adamw_8bit" else 8,
        checkpointing=fixed(recipe.gradient_checkpointing),
        dequantize=fixed(recipe.dequantize),
        dense_mask=choose_attention(config, numerics.device, numerics.dtype) == DENSE,
        compiled=recipe.torch_compile,
        fused=uses_kernels(recipe, numerics, config),
        device=numerics.device,
    )


def optimizer_of(recipe: Recipe, numerics: Numerics) -> str:
    """Return the optimizer that runs: those that page to a CPU's memory are for GPUs."""
    return _ON_A_CPU if numerics.device == "cpu" and recipe.optim.startswith("paged") else recipe.optim
