"""Decoding on a GPU with CUDA graphs: one launch a token where an eager pass makes thousands.

The keys and values lie in buffers of the size that the longest answer may need, so a captured pass can be replayed. The
prompts are read straight into them: a cache of the prompts that is then moved would exist beside them, and leave gaps.
Attention sees the filled part of them, in blocks: when the answers outgrow what it sees, it is shown one block more and
the pass is captured again (about 0.2 s), where a cache of full length would be read whole for every token. The kernels
are those of an eager pass.
"""

import functools
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicLayer

from harness.models.hf.forward_eager import last_scores_only, pad_left

_BLOCK = 128  # tokens by which the visible part grows
_WARM_UPS = 2  # passes before a capture, in which libraries allocate what must not be allocated in it


class _Slots(CacheLayerMixin):  # type: ignore[misc]  # transformers is untyped
    """The keys and values of one layer, of ``size`` tokens: the prompts' first, then new ones, each at ``slot``."""

    def __init__(self, slot: torch.Tensor, size: int, visible: int) -> None:
        super().__init__()
        self.slot = slot
        self.size = size
        self.visible = visible
        self.all: list[_Slots] = []
        self.room: tuple[torch.Tensor, torch.Tensor] | None = None
        self.is_initialized = False
        self.is_compileable = False  # the prompts are masked as for a cache that grows

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,  # noqa: ANN401, ARG002 - the base class's signature
        **kwargs: Any,  # noqa: ANN401, ARG002 - likewise
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep the prompts' keys and values and return them; of one token more return what is visible of all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            return key_states, value_states
        self.keys.index_copy_(2, self.slot, key_states)
        self.values.index_copy_(2, self.slot, value_states)
        return self.keys[:, :, : self.visible], self.values[:, :, : self.visible]

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Take the prompts into the buffers, which the first layer makes for all: between passes they leave gaps."""
        for layer in self.all:
            if layer.room is None:
                layer.room = _buffer(key_states, self.size), _buffer(value_states, self.size)
        self.all = []
        assert self.room is not None
        self.keys, self.values = self.room
        made = [buffer[:, :, : key_states.shape[2]].shape for buffer in self.room]
        if made != [key_states.shape, value_states.shape]:  # layers of unlike shapes
            self.keys, self.values = _buffer(key_states, self.size), _buffer(value_states, self.size)
        self.keys[:, :, : key_states.shape[2]] = key_states
        self.values[:, :, : value_states.shape[2]] = value_states
        self.room = None
        self.is_initialized = self.is_compileable = True

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return the length of the prompts; raise afterwards: a length read then would be frozen into the pass."""
        if not self.is_initialized:
            return query_length, 0
        raise CaptureError(f"the model asks for mask sizes ({query_length})")

    def get_seq_length(self) -> int:
        """Return 0 before the prompts are read; raise afterwards, likewise."""
        if not self.is_initialized:
            return 0
        raise CaptureError("the model asks for the cache's length")

    def get_max_length(self) -> int:
        """Return the size of the buffers in tokens."""
        return self.size


class CaptureError(RuntimeError):
    """The model's forward pass depends on something that a captured pass could not follow."""


def can_capture(model: Any) -> bool:  # noqa: ANN401 - transformers is untyped
    """Return whether a model can be decoded this way: on a GPU, with full attention in all layers.

    Sliding windows would need another mask for each kind of layer. Of quantised weights, only bitsandbytes' 4-bit
    layers are known to give under capture what they give without.
    """
    if model.device.type != "cuda":
        return False
    if getattr(model, "is_quantized", False) and not getattr(model, "is_loaded_in_4bit", False):
        return False
    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    return len(cache.layers) > 0 and all(type(layer) is DynamicLayer for layer in cache.layers)


class GraphSteps:
    """Forward passes replayed from CUDA graphs, for at most ``room`` new tokens a row.

    Finished rows ride along until half of them are done.
    """

    def __init__(self, model: Any, pad: int, room: int) -> None:  # noqa: ANN401 - transformers is untyped
        self._model = model
        self._pad = pad
        self._room = room
        self._options = last_scores_only(model)
        self._graph: torch.cuda.CUDAGraph | None = None
        self._length = 0

    @torch.inference_mode()
    def start(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """See `Steps.start`."""
        ids, mask = pad_left(prompts, self._pad, self._model.device)
        positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
        self._length = ids.shape[1]
        self._visible = rounded(self._length + 1)
        size = rounded(self._length + self._room)
        self._slot = torch.zeros(1, dtype=torch.long, device=ids.device)
        self._tokens = ids[:, -1:].clone()
        self._positions = positions[:, -1:].clone()
        count = len(DynamicCache(config=self._model.config.get_text_config(decoder=True)).layers)
        layers = [_Slots(self._slot, size, self._visible) for _ in range(count)]
        layers[0].all = layers
        self._cache = Cache(layers=layers)
        scores: torch.Tensor = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            **self._options,
        ).logits[:, -1]
        self._mask = _additive(mask, size, scores.dtype)
        return scores

    @torch.inference_mode()
    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Steps.step`."""
        if self._length == self._visible:
            self._show_more()
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

    def _show_more(self) -> None:
        self._graph = None
        self._visible += _BLOCK
        for layer in self._cache.layers:
            layer.visible = self._visible

    def _capture(self) -> None:
        stream = _side_stream()
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
            attention_mask=self._mask[..., : self._visible],
            position_ids=self._positions,
            past_key_values=self._cache,
            use_cache=True,
            **self._options,
        ).logits[:, -1]
        return scores


@functools.cache
def _side_stream() -> torch.cuda.Stream:
    """Return the stream of the passes before a capture: the libraries keep a workspace for each that they ever saw."""
    return torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's own omission


def rounded(length: int) -> int:
    """Return the tokens that a row's buffers are made for, of which it may need ``length``.

    >>> rounded(1), rounded(128), rounded(409)
    (128, 128, 512)
    """
    return -(-length // _BLOCK) * _BLOCK


def _buffer(states: torch.Tensor, size: int) -> torch.Tensor:
    """Return a buffer for states (rows, heads, tokens, width), of zeros, since 0 × NaN would be NaN."""
    return states.new_zeros(*states.shape[:2], size, states.shape[3])


def _additive(mask: torch.Tensor, size: int, dtype: torch.dtype) -> torch.Tensor:
    """Return a mask of ones and zeros, (rows, tokens), as what is added to attention scores, (rows, 1, 1, size)."""
    added = torch.full((len(mask), 1, 1, size), torch.finfo(dtype).min, dtype=dtype, device=mask.device)
    added[:, 0, 0, : mask.shape[1]].masked_fill_(mask.bool(), 0)
    return added
