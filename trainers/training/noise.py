"""NEFTune: noise on the embeddings while training (Jain et al., "NEFTune", 2023), the less the longer a sample is.

transformers scales it by the length of a row, which here holds several samples: each has the noise that it would have
alone, so that how a step is cut changes nothing about it.
"""

from collections.abc import Mapping
from typing import Any

import torch


class EmbeddingNoise:
    """Uniform noise of at most alpha / √(tokens · width) on each embedding of a sample; none in evaluation."""

    def __init__(self, alpha: float) -> None:
        self._alpha = alpha
        self._positions: torch.Tensor | None = None

    def attach(self, model: Any) -> None:  # noqa: ANN401 - peft is untyped
        """Add noise to what the model's input embeddings give, from now on."""
        model.register_forward_pre_hook(self._see, with_kwargs=True)
        model.get_base_model().get_input_embeddings().register_forward_hook(self._add)

    def _see(self, module: torch.nn.Module, given: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        """Take note of where samples begin: their positions count from 0."""
        del module, given
        self._positions = named.get("position_ids")

    def _add(self, module: torch.nn.Module, given: tuple[Any, ...], embedded: torch.Tensor) -> torch.Tensor:
        del given
        if not module.training:
            return embedded
        rows, tokens, width = embedded.shape
        lengths = torch.full((rows, tokens), tokens, device=embedded.device)
        if self._positions is not None:
            starts = (self._positions == 0).long().cumsum(1) - 1
            lengths = torch.stack([torch.bincount(row)[row] for row in starts])
        most = self._alpha / torch.sqrt(lengths * width)
        return embedded + torch.zeros_like(embedded).uniform_(-1, 1) * most[..., None].to(embedded.dtype)
