"""A group of one process, in which gathers are made as among several, and bases that it loads in parts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist


@contextmanager
def alone() -> Iterator[None]:
    """Be the only process of a group."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        yield
    finally:
        dist.destroy_process_group()


def loaded(
    base: Path, *, shared: bool, dequantized: bool = False, recomputed: int = 0, dtype: str = "float32", **recipe: Any
) -> Any:
    """Return a base with an adapter that changes what it says, its weights whole or in parts."""
    from harness.models.hf.resolved_base import resolve_base
    from trainers.memory_plan import MemoryEstimate, MemoryPlan
    from trainers.recipe import Recipe
    from trainers.training.model import load_trainable_model

    nothing = MemoryEstimate(weights=0, adapter=0, optimizer=0, activations=0, passing=0)
    plan = MemoryPlan(
        tokens=99,
        recomputed=recomputed,
        dequantized=dequantized,
        estimate=nothing,
        available=1,
        shards=2 if shared else 1,
    )
    values = Recipe(**{"quantization": "none", "lora_r": 4} | recipe)
    settings = {"double_quant": values.double_quant}
    resolved = resolve_base(str(base), None, settings, quantization=values.quantization, dtype=dtype)
    model = load_trainable_model(resolved, values, plan)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(len(name)))
    return model.train()


def learnt(model: Any, *, passes: int = 2, made_by_others: int = 0) -> list[torch.Tensor]:
    """Return losses and gradients after some passes; others take part in more of them."""
    from trainers.training.sharded import shards_of

    torch.manual_seed(0)
    found = []
    cast = torch.autocast("cpu", dtype=torch.bfloat16, enabled=model.get_base_model().dtype == torch.bfloat16)
    with cast, shards_of(model).passes(passes + made_by_others, learning=True):
        for number in range(passes):
            ids = torch.arange(10 + number, 40 + number)[None]
            loss = -model(input_ids=ids, labels=ids, use_cache=False, fused_lm_head=True).log_probs.sum()
            loss.backward()
            found.append(loss.detach())
    return [*found, *(parameter.grad for parameter in model.parameters() if parameter.grad is not None)]
