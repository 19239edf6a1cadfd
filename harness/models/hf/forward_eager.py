"""One forward pass after the other: the prompts at once, then a token a row.

`EagerSteps` runs anywhere. `harness.models.hf.forward_cuda_graph` has the faster way for a GPU.
"""

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from transformers import DynamicCache


class Steps(Protocol):
    """A model in the middle of generating for a batch."""

    def start(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read the prompts and return the scores of the first new token, shape (rows, vocabulary)."""

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """Append one token to each row, shape (rows,), and return the scores of the next."""

    def worth_dropping(self, live: int, rows: int) -> bool:
        """Return whether going on with the ``live`` rows of ``rows`` alone is worth the cost of dropping the rest."""

    def keep(self, index: Sequence[int]) -> None:
        """Go on with these rows only."""


def pad_left(prompts: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, shape (rows, longest), every prompt ending in the last column.

    >>> ids, mask = pad_left([[5, 6], [7]], pad=0, device=torch.device("cpu"))
    >>> ids.tolist(), mask.tolist()
    ([[5, 6], [0, 7]], [[1, 1], [0, 1]])
    """
    longest = max(len(prompt) for prompt in prompts)
    ids = [[pad] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


def last_scores_only(model: Any) -> dict[str, int]:  # noqa: ANN401 - transformers is untyped
    """Return the option that keeps a model from scoring every position of the prompts, if it knows it."""
    return {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}


class EagerSteps:
    """Plain forward passes with a cache that grows; finished rows are dropped at once."""

    def __init__(self, model: Any, pad: int) -> None:  # noqa: ANN401 - transformers is untyped
        self._model = model
        self._pad = pad
        self._options = last_scores_only(model)
        self._cache: Any = None
        self._mask = torch.empty(0)
        self._padded = False
        self._positions = torch.empty(0)

    @torch.inference_mode()
    def start(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """See `Steps.start`."""
        ids, self._mask = pad_left(prompts, self._pad, self._model.device)
        self._padded = len({len(prompt) for prompt in prompts}) > 1
        positions = (self._mask.cumsum(dim=-1) - 1).clamp(min=0)
        self._positions = positions[:, -1:]
        self._cache = DynamicCache(config=self._model.config.get_text_config(decoder=True))
        return self._forward(ids, positions)

    @torch.inference_mode()
    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Steps.step`."""
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(self._mask), 1)], dim=1)
        self._positions = self._positions + 1
        return self._forward(tokens[:, None], self._positions)

    def worth_dropping(self, live: int, rows: int) -> bool:
        """See `Steps.worth_dropping`: always, because a row's cache is all that is copied."""
        return live < rows

    @torch.inference_mode()
    def keep(self, index: Sequence[int]) -> None:
        """See `Steps.keep`."""
        chosen = torch.tensor(index, device=self._mask.device)
        self._mask = self._mask[chosen]
        self._positions = self._positions[chosen]
        self._cache.batch_select_indices(chosen)

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self._model(
            input_ids=ids,
            attention_mask=self._mask if self._padded else None,  # without padding the faster causal kernels apply
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            **self._options,
        ).logits[:, -1]
        return scores
