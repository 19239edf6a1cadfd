"""Attention over several samples laid end to end in one row, so that no computation goes into padding.

On a GPU with bfloat16 units torch's own flash attention for sequences of many lengths is used where it computes all
that the model's layers ask for; elsewhere transformers builds a mask that keeps the samples apart.
"""

import inspect
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface

from harness.errors import TrainingError
from harness.locale import tr

try:
    from torch.nn.attention import varlen
except ImportError:  # before torch 2.10
    varlen = None  # type: ignore[assignment, unused-ignore]

DENSE = "sdpa"
VARLEN = "harness_varlen"
_AMPERE = 8  # compute capability of the first GPUs with bfloat16 units and flash attention
_WIDEST_HEAD = 256
_LAYERS = {"full_attention", "sliding_attention"}  # others look back in ways that a window does not say
_WINDOW_IN_MASK_ONLY = {"doge", "phimoe", "qwen2_moe"}  # these models tell their attention nothing of a sliding window
_WANTED = {"window_size", "scale"}  # of varlen_attn; torch's first version has neither
_BOUNDS = ("cu_seq_lens_q", "cu_seq_lens_k", "max_length_q", "max_length_k")
_HARMLESS = {  # what transformers passes on to every layer and what changes no attention of a training
    *("position_ids", "position_embeddings", "cache_position", "past_key_values", "use_cache"),
    *("output_attentions", "output_hidden_states", "output_router_logits", "num_items_in_batch", "return_dict"),
}


def choose_attention(config: Any, device: str, dtype: torch.dtype) -> str:  # noqa: ANN401 - transformers is untyped
    """Return the name of the attention to train a model of this config with, `VARLEN` or `DENSE`."""
    text = config.get_text_config(decoder=True)
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    usable = (
        device == "cuda"
        and _complete()
        and torch.cuda.get_device_capability()[0] >= _AMPERE
        and dtype in {torch.bfloat16, torch.float16}
        and head <= _WIDEST_HEAD
        and not getattr(text, "attn_logit_softcapping", None)
        and set(getattr(text, "layer_types", None) or ()) <= _LAYERS
        and not (text.model_type in _WINDOW_IN_MASK_ONLY and getattr(text, "sliding_window", None))
    )
    return VARLEN if usable else DENSE


def use_attention(model: Any, name: str) -> None:  # noqa: ANN401 - transformers is untyped
    """Let a model compute its attention by the name that `choose_attention` gave."""
    if name == VARLEN:
        AttentionInterface.register(VARLEN, _attend)
        AttentionMaskInterface.register(VARLEN, _no_mask)
    model.set_attn_implementation(name)


def _attend(  # noqa: PLR0917 - the signature is transformers'
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **others: Any,  # noqa: ANN401 - the bounds, and whatever else transformers passes to every layer
) -> tuple[torch.Tensor, None]:
    """Attend within each sample: query (1, heads, tokens, width), ``cu_seq_lens_q`` the samples' bounds.

    Raises:
        HarnessError: the layer asks for something that this attention does not compute.
    """
    del attention_mask, dropout
    _refuse_unknown(module, others)
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = (states.repeat_interleave(groups, dim=1) for states in (key, value))
    window = (-1 if sliding_window is None else sliding_window - 1, 0)
    q, k, v = (states[0].transpose(0, 1) for states in (query, key, value))
    attended: Any = varlen.varlen_attn(
        q,
        k,
        v,
        *(others[name] for name in _BOUNDS),
        scale=scaling,
        window_size=window,
    )
    return attended[None], None


def _complete() -> bool:
    """Return whether this torch has the attention with all that is asked of it."""
    attend = getattr(varlen, "varlen_attn", None)
    return attend is not None and _WANTED.issubset(inspect.signature(attend).parameters)


def _refuse_unknown(module: torch.nn.Module, given: dict[str, Any]) -> None:
    """Raise if a layer passes what would be left out in silence: sinks, a cap, a bias, attention in both directions."""
    known = {*_BOUNDS, *_HARMLESS, *(["is_causal"] if given.get("is_causal") else [])}
    unknown = [name for name, value in given.items() if value is not None and name not in known]
    if unknown:
        raise TrainingError(
            tr(
                "{name} asks for attention with {unknown}, which training cannot compute.",
                name=type(module).__name__,
                unknown=", ".join(unknown),
            ),
            hint=tr("This architecture cannot be trained on this GPU: choose another --base."),
        )


def _no_mask(*_: object, **__: object) -> None:
    """Return no mask: the bounds of the samples say it all."""
