"""Which adapters vLLM can serve as they were trained, and what it sets aside for them.

vLLM reads rank and alpha of an adapter's configuration once, for all layers, and passes over what it does not know.
Whatever could come out otherwise than in training is therefore named here, and stays on the other engine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.locale import Text, tr
from harness.models.hf.adapter_checks import tensor_shapes
from harness.models.hf.adapters import CONFIG, Adapter
from harness.models.hf.reading import json_object
from harness.models.vllm_ranks import RANKS, rank_offered

_PER_LAYER = ("rank_pattern", "alpha_pattern")
_TRAINED_BESIDE = ("modules_to_save", "trainable_token_indices", "target_parameters")
_OTHER_PRODUCTS = ("use_dora", "lora_bias", "fan_in_fan_out", "use_qalora", "use_bdlora", "layer_replication")
_HALVES = (".lora_A.weight", ".lora_B.weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What is set aside for adapters: the highest ``rank``, and how many there are (``count``); 0: none.

    ``modules``: the names of the layers that any of them adapts. Left to itself vLLM prepares every layer for adapters,
    the head as well, where 0.32 then cannot score a prompt on a CPU.
    """

    rank: int
    count: int
    modules: tuple[str, ...] = ()


def unfit(adapter: Adapter) -> Text | None:
    """Return why vLLM cannot serve an adapter as it was trained, None if it can.

    Raises:
        InputError: its files cannot be read.
    """
    if adapter.kind != "LORA":
        return tr("{name} is of type {kind}, not LORA", name=adapter.name, kind=adapter.kind)
    config = json_object(adapter.folder / CONFIG)
    for field in _TRAINED_BESIDE:
        if config.get(field):
            return tr("{name} trained more than LoRA layers ({field})", name=adapter.name, field=field)
    for field in (*_PER_LAYER, *_OTHER_PRODUCTS):
        if config.get(field):
            return tr("{name} uses {field}, which vLLM passes over", name=adapter.name, field=field)
    if config.get("bias") not in (None, "none"):
        return tr("{name} trained biases", name=adapter.name)
    return _unfit_tensors(adapter)


def _unfit_tensors(adapter: Adapter) -> Text | None:
    shapes = tensor_shapes(adapter)
    if other := [key for key in shapes if not key.endswith(_HALVES)]:
        return tr("{name} holds {tensor}, which is no half of a LoRA layer", name=adapter.name, tensor=other[0])
    if heads := [key for key in shapes if "embed_tokens" in key or "lm_head" in key]:
        return tr("{name} trained embeddings or the head ({tensor})", name=adapter.name, tensor=heads[0])
    rank = highest_rank([adapter])
    if rank_offered(rank) is None:
        return tr("{name} has rank {rank}, and vLLM takes {most} at most", name=adapter.name, rank=rank, most=RANKS[-1])
    if adapter.rank is not None and adapter.rank != rank:
        return tr(
            "{name} has tensors of rank {rank}, and its configuration says {said}",
            name=adapter.name,
            rank=rank,
            said=adapter.rank,
        )
    return None


def highest_rank(adapters: Iterable[Adapter]) -> int:
    """Return the highest rank of the tensors of adapters, 0 without any."""
    shapes: list[Mapping[str, Any]] = [tensor_shapes(adapter) for adapter in adapters]
    return max((shape[0] for one in shapes for key, shape in one.items() if key.endswith(_HALVES[0])), default=0)


def slots_for(adapters: Sequence[Adapter]) -> Slots:
    """Return what adapters need: the lowest rank that vLLM offers and all of them have room in, number and layers.

    >>> slots_for([])
    Slots(rank=0, count=0, modules=())
    """
    distinct = {adapter.digest: adapter for adapter in adapters}
    if not distinct:
        return Slots(rank=0, count=0)
    return Slots(
        rank=rank_offered(highest_rank(distinct.values())) or RANKS[-1],
        count=len(distinct),
        modules=adapted_modules(distinct.values()),
    )


def adapted_modules(adapters: Iterable[Adapter]) -> tuple[str, ...]:
    """Return the last names of the layers that adapters have tensors for, sorted."""
    keys = (key for one in adapters for key in tensor_shapes(one) if key.endswith(_HALVES))
    return tuple(sorted({key.rpartition(".lora_")[0].rpartition(".")[2] for key in keys}))
