"""One forward pass after the other: the prompts at once, then a token a row.

`EagerSteps` runs anywhere. `harness.models.hf.forward_cuda_graph` has the faster way for a GPU.
"""

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer


class Steps(Protocol):
    """A model in the middle of generating for a batch.

    ``refills``: whether rows can enter on the way. ``refill_cost``: in passes, what that costs each time beside the
    work for the tokens of their prompts.
    """

    refills: bool
    refill_cost: float

    def start(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read the prompts and return the scores of the first new token, shape (rows, vocabulary)."""

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """Append one token to each row, shape (rows,), and return the scores of the next."""

    def rest(self, place: int) -> None:
        """Take note that a row has ended, whatever becomes of its place."""

    def worth_dropping(self, live: int, rows: int, *, awaited: bool = False) -> bool:
        """Return whether going on with the ``live`` rows of ``rows`` alone is worth the cost of dropping the rest.

        ``awaited``: other rows are to take the places.
        """

    def keep(self, index: Sequence[int]) -> None:
        """Go on with these rows only."""

    def admit(self, places: Sequence[int], prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Read prompts into places, of rows that ended or behind the last, and return the scores of their first token.

        After it a step appends to these rows, too.
        """


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


def refillable(model: Any) -> bool:  # noqa: ANN401 - transformers is untyped
    """Return whether rows can enter a batch: what a layer keeps of a token must be its keys and values alone.

    Chunks of attention lie at fixed distances from the beginning of a row, which moves.
    """
    config = model.config.get_text_config(decoder=True)
    layers = DynamicCache(config=config).layers
    chunked = "chunked_attention" in (getattr(config, "layer_types", None) or ())
    return not chunked and all(type(layer) in {DynamicLayer, DynamicSlidingWindowLayer} for layer in layers)


class EagerSteps:
    """Plain forward passes with a cache that grows; finished rows are dropped at once.

    All rows end in the last column, so that one that enters is padded on the left like any other.
    """

    refill_cost = 1.0

    def __init__(self, model: Any, pad: int) -> None:  # noqa: ANN401 - transformers is untyped
        self.refills = refillable(model)
        self._model = model
        self._pad = pad
        self._options = last_scores_only(model)
        self._cache: Any = None
        self._mask = torch.empty(0)
        self._padded = False
        self._positions = torch.empty(0)
        self._lengths: list[int] = []

    @torch.inference_mode()
    def start(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """See `Steps.start`."""
        ids, self._mask = pad_left(prompts, self._pad, self._model.device)
        self._lengths = [len(prompt) for prompt in prompts]
        self._padded = len(set(self._lengths)) > 1
        positions = (self._mask.cumsum(dim=-1) - 1).clamp(min=0)
        self._positions = positions[:, -1:]
        self._cache = DynamicCache(config=self._model.config.get_text_config(decoder=True))
        return self._forward(ids, positions)

    @torch.inference_mode()
    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Steps.step`."""
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(self._mask), 1)], dim=1)
        self._lengths = [length + 1 for length in self._lengths]
        self._positions = self._positions + 1
        return self._forward(tokens[:, None], self._positions)

    def rest(self, place: int) -> None:
        """See `Steps.rest`: it will be dropped."""

    def worth_dropping(self, live: int, rows: int, *, awaited: bool = False) -> bool:  # noqa: ARG002 - the protocol's
        """See `Steps.worth_dropping`: always, because a row's cache is all that is copied."""
        return live < rows

    @torch.inference_mode()
    def keep(self, index: Sequence[int]) -> None:
        """See `Steps.keep`; columns that none of these rows uses go, too."""
        self._lengths = [self._lengths[row] for row in index]
        chosen = torch.tensor(index, dtype=torch.long, device=self._mask.device)
        self._mask = self._mask[chosen]
        self._positions = self._positions[chosen]
        if not self.refills:
            self._cache.batch_select_indices(chosen)
            return
        longest = max(self._lengths, default=0)
        self._mask = self._mask[:, self._mask.shape[1] - longest :]
        self._padded = len(set(self._lengths)) > 1
        for layer in self._cache.layers:
            if layer.is_initialized:
                first = layer.keys.shape[2] - _set_length(layer, longest)
                layer.keys, layer.values = layer.keys[:, :, first:][chosen], layer.values[:, :, first:][chosen]

    @torch.inference_mode()
    def admit(self, places: Sequence[int], prompts: Sequence[Sequence[int]]) -> torch.Tensor:  # noqa: ARG002 - likewise
        """See `Steps.admit`: behind the last, for there are no other places."""
        if not self._lengths:
            return self.start(prompts)
        own = EagerSteps(self._model, self._pad)
        scores = own.start(prompts)
        longest = max(self._mask.shape[1], own._mask.shape[1])
        self._lengths += own._lengths
        self._padded = len(set(self._lengths)) > 1
        self._positions = torch.cat([self._positions, own._positions])
        self._mask = torch.cat([_widened(mask, longest, 1) for mask in (self._mask, own._mask)])
        for layer, other in zip(self._cache.layers, own._cache.layers, strict=True):
            if layer.is_initialized:
                width = _set_length(layer, longest)
                layer.keys = torch.cat([_widened(states, width, 2) for states in (layer.keys, other.keys)])
                layer.values = torch.cat([_widened(states, width, 2) for states in (layer.values, other.values)])
        return scores

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


def _set_length(layer: Any, length: int) -> int:  # noqa: ANN401 - transformers is untyped
    """Tell a layer of a cache how many tokens its longest row has, and return how many of them it keeps."""
    if not layer.is_sliding:
        return length
    layer.cumulative_length = length
    return min(length, int(layer.sliding_window) - 1)


def _widened(states: torch.Tensor, width: int, dim: int) -> torch.Tensor:
    """Return states with zeros in front of them, so many in all along a dimension."""
    missing = list(states.shape)
    missing[dim] = width - states.shape[dim]
    return torch.cat([states.new_zeros(missing), states], dim=dim) if missing[dim] else states
