"""What a layer keeps for the backward pass, measured: architectures differ in ways that no formula of widths knows.

A model of two layers of the true widths, with a small vocabulary and no values of its own, reads a few tokens on the
CPU; what the second layer's operations save is counted.
"""

import copy
import warnings
import weakref
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from trainers.training.attention import DENSE, use_attention

_VOCABULARY = 64
_TOKENS = (32, 96)  # of the two passes: what one token adds is their difference


def kept_bytes(config: Any, adapter: LoraConfig, dtype: torch.dtype, *, trusted: bool) -> int:  # noqa: ANN401 - untyped
    """Return the bytes that a layer with an adapter keeps per token on a CPU; 0 for a model that cannot be cut so.

    A mask of tokens × tokens is not among them.
    """
    try:
        model = _two_layers(config, adapter, dtype, trusted=trusted)
        few, more = (_saved(model, tokens, dtype) for tokens in _TOKENS)
    except Exception:  # noqa: BLE001 - architectures that take no two layers fail in ways of their own
        return 0
    return max(0, round((more - few) / (_TOKENS[1] - _TOKENS[0])))


def _two_layers(config: Any, adapter: LoraConfig, dtype: torch.dtype, *, trusted: bool) -> Any:  # noqa: ANN401 - untyped
    small = copy.deepcopy(config)
    text = small.get_text_config(decoder=True)
    text.num_hidden_layers, text.vocab_size, text.pad_token_id = 2, _VOCABULARY, None
    if getattr(text, "layer_types", None):
        text.layer_types = list(text.layer_types[:2])
    with torch.device("meta"):  # and then without values: only sizes are asked for
        model = AutoModelForCausalLM.from_config(small, trust_remote_code=trusted, dtype=dtype)
        model.requires_grad_(requires_grad=False)
        use_attention(model, DENSE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # libraries' remarks to each other: nothing is trained here
            wrapped = get_peft_model(model, adapter)
    wrapped.to_empty(device="cpu")
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    for module in wrapped.modules():
        if dtype != torch.float32 and hasattr(module, "cast_input_dtype_enabled"):
            module.cast_input_dtype_enabled = False
    return wrapped.train()


class _Kept:
    """A tensor that waits for the backward pass: it is here as long as it waits."""

    __slots__ = ("__weakref__", "tensor")

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def _saved(model: Any, tokens: int, dtype: torch.dtype) -> int:  # noqa: ANN401 - peft is untyped
    """Return the bytes that the second layer saves of a row of tokens, each storage once, weights not counted."""
    weights = {one.untyped_storage().data_ptr() for one in (*model.parameters(), *model.buffers())}
    inner = model.get_base_model().base_model
    layer = inner.layers[1]
    kept: weakref.WeakSet[_Kept] = weakref.WeakSet()
    inside = False

    def enter(*_: object) -> None:
        nonlocal inside
        inside = True

    def leave(*_: object) -> None:
        nonlocal inside
        inside = False

    def note(tensor: torch.Tensor) -> _Kept:
        noted = _Kept(tensor)
        storage = tensor.untyped_storage()
        if inside and storage.data_ptr() not in weights and tensor.shape[-2:] != (tokens, tokens):
            kept.add(noted)
        return noted

    hooks = [layer.register_forward_pre_hook(enter), layer.register_forward_hook(leave)]
    row = {"input_ids": torch.zeros(1, tokens, dtype=torch.long), "position_ids": _two_samples(tokens)}
    cast = torch.autocast("cpu", dtype=dtype, enabled=dtype != torch.float32)
    try:
        with torch.autograd.graph.saved_tensors_hooks(note, lambda noted: noted.tensor), cast:
            output = inner(**row, use_cache=False)
            found = {one.tensor.untyped_storage().data_ptr(): one.tensor.untyped_storage().nbytes() for one in kept}
    finally:
        for hook in hooks:
            hook.remove()
    del output
    return sum(found.values())


def _two_samples(tokens: int) -> torch.Tensor:
    """Return the positions of two samples in one row, for which transformers builds a mask, as in training."""
    return torch.cat([torch.arange(tokens // 2), torch.arange(tokens - tokens // 2)])[None]
