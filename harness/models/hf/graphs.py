"""Decoding on a GPU with CUDA graphs: one launch a token where an eager pass makes thousands.

The keys and values lie in buffers of a fixed size, so a captured pass can be replayed; when the answers outgrow the
buffers, these grow by a block and the pass is captured again (about 0.2 s). Attention therefore reads little more than
is filled, where a cache of full length would be read whole for every token. The kernels are those of an eager pass.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicLayer

from harness.models.hf.steps import pad_left

_BLOCK = 128  # tokens that the buffers grow by
_WARM_UPS = 2  # passes before a capture, in which libraries allocate what must not be allocated in it


class _Slots(CacheLayerMixin):  # type: ignore[misc]  # transformers is untyped
    """The keys and values of one layer, new ones written at ``slot``."""

    is_compileable = True

    def __init__(self, layer: DynamicLayer, slot: torch.Tensor, length: int) -> None:
        super().__init__()
        self.keys: torch.Tensor = _grown(layer.keys, length)
        self.values: torch.Tensor = _grown(layer.values, length)
        self.slot = slot
        self.is_initialized = True

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,  # noqa: ANN401, ARG002 - the base class's signature
        **kwargs: Any,  # noqa: ANN401, ARG002 - likewise
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write one token's keys and values and return the buffers."""
        self.keys.index_copy_(2, self.slot, key_states)
        self.values.index_copy_(2, self.slot, value_states)
        return self.keys, self.values

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Do nothing: the buffers exist from the start."""

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Raise: a length read now would be frozen into the captured pass."""
        raise CaptureError(f"the model asks for mask sizes ({query_length})")

    def get_seq_length(self) -> int:
        """Raise: a length read now would be frozen into the captured pass."""
        raise CaptureError("the model asks for the cache's length")

    def get_max_length(self) -> int:
        """Return the size of the buffers in tokens."""
        return int(self.keys.shape[2])


class CaptureError(RuntimeError):
    """The model's forward pass depends on something that a captured pass could not follow."""


def can_capture(model: Any) -> bool:  # noqa: ANN401 - transformers is untyped
    """Return whether a model can be decoded this way: on a GPU, full attention in all layers, weights not quantised.

    Sliding windows would need another mask for each kind of layer; the 4-bit layers are left alone because nothing is
    gained there: a pass spends its time on dequantising.
    """
    if model.device.type != "cuda" or getattr(model, "is_quantized", False):
        return False
    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    return len(cache.layers) > 0 and all(type(layer) is DynamicLayer for layer in cache.layers)


class GraphSteps:
    """Forward passes replayed from CUDA graphs. Finished rows ride along until half of them are done."""

    def __init__(self, model: Any, pad: int) -> None:  # noqa: ANN401 - transformers is untyped
        self._model = model
        self._pad = pad
        self._graph: torch.cuda.CUDAGraph | None = None
        self._length = 0

    @torch.inference_mode()
    def start(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """See `Steps.start`."""
        ids, mask = pad_left(prompts, self._pad, self._model.device)
        positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
        filled = DynamicCache(config=self._model.config.get_text_config(decoder=True))
        scores: torch.Tensor = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=filled,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        self._length = ids.shape[1]
        size = _rounded(self._length + 1)
        self._slot = torch.zeros(1, dtype=torch.long, device=ids.device)
        self._tokens = ids[:, -1:].clone()
        self._positions = positions[:, -1:].clone()
        self._mask = _grown_mask(_additive(mask, scores.dtype), size)
        layers = []
        while filled.layers:  # one by one, so that the whole cache never exists twice
            layers.append(_Slots(filled.layers.pop(0), self._slot, size))
        self._cache = Cache(layers=layers)
        return scores

    @torch.inference_mode()
    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Steps.step`."""
        if self._length == self._mask.shape[-1]:
            self._grow()
        self._slot.fill_(self._length)
        self._mask[..., self._length] = 0
        self._tokens.copy_(tokens[:, None])
        self._positions.add_(1)
        self._length += 1
        if self._graph is None:
            self._capture()
        assert self._graph is not None
        self._graph.replay()
        return self._scores

    def worth_dropping(self, live: int, rows: int) -> bool:
        """See `Steps.worth_dropping`: a new capture pays once half of the rows are done."""
        return live <= rows // 2

    @torch.inference_mode()
    def keep(self, index: Sequence[int]) -> None:
        """See `Steps.keep`."""
        self._graph = None
        chosen = torch.tensor(index, device=self._mask.device)
        self._tokens, self._positions, self._mask = (
            tensor[chosen] for tensor in (self._tokens, self._positions, self._mask)
        )
        for layer in self._cache.layers:
            layer.keys, layer.values = layer.keys[chosen], layer.values[chosen]

    def _grow(self) -> None:
        self._graph = None
        size = _rounded(self._length + 1)
        self._mask = _grown_mask(self._mask, size)
        for layer in self._cache.layers:
            layer.keys, layer.values = _grown(layer.keys, size), _grown(layer.values, size)

    def _capture(self) -> None:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's own omission
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UPS):
                self._forward()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self._scores = self._forward()
        self._graph = graph

    def _forward(self) -> torch.Tensor:
        scores: torch.Tensor = self._model(
            input_ids=self._tokens,
            attention_mask=self._mask,
            position_ids=self._positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        return scores


def _rounded(length: int) -> int:
    return -(-length // _BLOCK) * _BLOCK


def _grown(states: torch.Tensor, length: int) -> torch.Tensor:
    """Return states (rows, heads, tokens, width) in a longer buffer; the rest is zero, since 0 × NaN would be NaN."""
    buffer = states.new_zeros(*states.shape[:2], length, states.shape[3])
    buffer[:, :, : states.shape[2]] = states
    return buffer


def _additive(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return a mask of ones and zeros, (rows, tokens), as what is added to attention scores, (rows, 1, 1, tokens)."""
    blocked = torch.full(mask.shape, torch.finfo(dtype).min, dtype=dtype, device=mask.device)
    return blocked.masked_fill_(mask.bool(), 0)[:, None, None, :]


def _grown_mask(mask: torch.Tensor, length: int) -> torch.Tensor:
    buffer = mask.new_full((*mask.shape[:3], length), torch.finfo(mask.dtype).min)
    buffer[..., : mask.shape[-1]] = mask
    return buffer
