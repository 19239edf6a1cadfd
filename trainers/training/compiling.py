"""Compiled layers: what they keep for the backward pass, and how a model gives them up."""

from typing import Any

import torch
import torch._functorch.config

RECOMPUTED = (  # reasons for which torch would keep what an elementwise operation gave, though it is cheap to compute
    "ban_recompute_used_far_apart",
    "ban_recompute_long_fusible_chains",
    "ban_recompute_materialized_backward",
)


def compile_layers(layers: list[Any], backend: str = "inductor") -> None:
    """Let layers be compiled when they first run, for rows of any length.

    They keep what products and attention need and compute the elementwise rest again: 6 hidden and 2 inner vectors a
    token, where torch's own choice is 8 and 3 (a Llama, `trainers.memory_plan.ModelShape.layer_token_bytes`). These
    settings of torch are the process's.
    """
    for reason in RECOMPUTED:
        if hasattr(torch._functorch.config, reason):  # noqa: SLF001 - the module of settings has no other name
            setattr(torch._functorch.config, reason, False)  # noqa: SLF001 - likewise
    for layer in layers:
        layer.compile(backend=backend, dynamic=True)


def is_compiled(layers: list[Any]) -> bool:
    """Return whether any of the layers is compiled."""
    return any(layer._compiled_call_impl is not None for layer in layers)  # noqa: SLF001 - no public name


def leave_uncompiled(layers: list[Any]) -> None:
    """Let layers run as they are written again."""
    for layer in layers:
        layer._compiled_call_impl = None  # noqa: SLF001 - torch has no public way back for one module
