"""Attention over several samples laid end to end in one row, so that no computation goes into padding.

On a GPU with bfloat16 units torch's own flash attention for sequences of many lengths is used; elsewhere transformers
builds a mask that keeps the samples apart.
"""

import inspect
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface

try:
    from torch.nn.attention import varlen
except ImportError:  # before torch 2.10
    varlen = None  # type: ignore[assignment, unused-ignore]

DENSE = "sdpa"
VARLEN = "harness_varlen"
_AMPERE = 8  # compute capability of the first GPUs with bfloat16 units and flash attention
_WIDEST_HEAD = 256


def choose_attention(config: Any, device: str, dtype: torch.dtype) -> str:  # noqa: ANN401 - transformers is untyped
    """Return the name of the attention to train a model of this config with, `VARLEN` or `DENSE`."""
    text = config.get_text_config(decoder=True)
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    usable = (
        device == "cuda"
        and hasattr(varlen, "varlen_attn")
        and torch.cuda.get_device_capability()[0] >= _AMPERE
        and dtype in {torch.bfloat16, torch.float16}
        and head <= _WIDEST_HEAD
        and not getattr(text, "attn_logit_softcapping", None)
    )
    if not usable:
        return DENSE
    AttentionInterface.register(VARLEN, _attend)
    AttentionMaskInterface.register(VARLEN, _no_mask)
    return VARLEN


def _attend(  # noqa: PLR0917 - the signature is transformers'
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **lengths: Any,  # noqa: ANN401 - whatever else transformers passes to every layer
) -> tuple[torch.Tensor, None]:
    """Attend within each sample: query (1, heads, tokens, width), ``cu_seq_lens_q`` the samples' bounds."""
    del attention_mask, dropout
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = (states.repeat_interleave(groups, dim=1) for states in (key, value))
    window = (-1 if sliding_window is None else sliding_window - 1, 0)
    q, k, v = (states[0].transpose(0, 1) for states in (query, key, value))
    attended: Any = varlen.varlen_attn(
        q,
        k,
        v,
        lengths["cu_seq_lens_q"],
        lengths["cu_seq_lens_k"],
        lengths["max_length_q"],
        lengths["max_length_k"],
        scale=scaling,
        **_causal(window),
    )
    del module
    return attended[None], None


def _causal(window: tuple[int, int]) -> dict[str, Any]:
    """Return how this torch is told to look back only: a window, or in its first version a flag."""
    if "window_size" in inspect.signature(varlen.varlen_attn).parameters:
        return {"window_size": window}
    return {"is_causal": True}


def _no_mask(*_: object, **__: object) -> None:
    """Return no mask: the bounds of the samples say it all."""
