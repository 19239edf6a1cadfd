"""The log-probabilities of learnt tokens: trl's fused head, and on a CPU one that scores no other token.

Off the GPU trl scores every position in elementwise float32 passes: 20 of 25 seconds of a step of the embedded model.
"""

import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from torch.utils.checkpoint import checkpoint
from trl.trainer.utils import add_fused_lm_head

from trainers.encoding import IGNORED
from trainers.memory_plan import CPU_HEAD_TILE

__all__ = ["LearntLogProbs", "add_loss_head"]

# Heads that change their scores stay with trl, which knows how each architecture does.
_SCALED = ("final_logit_softcapping", "logit_scale", "output_multiplier", "lm_head_multiplier", "logits_scaling")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearntLogProbs:
    """Of shape (rows, tokens − 1): each next token's log-probability, 0 where it is not learnt, and whether it is."""

    log_probs: torch.Tensor
    label_mask: torch.Tensor


def add_loss_head(model: Any, device: str) -> None:  # noqa: ANN401 - transformers is untyped
    """Give a causal model the argument ``fused_lm_head``, with which it returns log-probabilities and no scores."""
    add_fused_lm_head(model)
    text = model.config.get_text_config(decoder=True)
    if device == "cpu" and all(getattr(text, name, None) is None for name in _SCALED):
        model.forward = types.MethodType(_on_cpu(model.forward), model)


def _on_cpu(fused: Callable[..., Any]) -> Callable[..., Any]:
    def forward(self: Any, *args: Any, fused_lm_head: bool = False, **inputs: Any) -> Any:  # noqa: ANN401
        if not fused_lm_head:
            return fused(*args, **inputs)
        labels = inputs.pop("labels")[:, 1:]
        hidden = self.base_model(*args, **inputs).last_hidden_state[:, :-1]
        mask = labels != IGNORED
        found = _log_probs(hidden[mask], self.get_output_embeddings(), labels[mask])
        # masked_scatter keeps a row without any learnt token connected to the model
        log_probs = found.new_zeros(mask.shape).masked_scatter(mask, found)
        return LearntLogProbs(log_probs=log_probs, label_mask=mask)

    return forward


def _log_probs(hidden: torch.Tensor, head: torch.nn.Linear, targets: torch.Tensor) -> torch.Tensor:
    """Return the log-probability of each of n targets from hidden vectors of shape (n, hidden), in float32."""

    def part(vectors: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        scores = functional.linear(vectors, head.weight, head.bias).float()
        return -functional.cross_entropy(scores, words, reduction="none")

    at_once = max(1, CPU_HEAD_TILE // head.weight.shape[0])
    parts = zip(torch.split(hidden, at_once), torch.split(targets, at_once), strict=True)
    return torch.cat([checkpoint(part, *each, use_reentrant=False, preserve_rng_state=False) for each in parts])
