"""Decoding on a GPU with CUDA graphs: one launch a token where an eager pass makes thousands.

The keys and values lie in buffers of the size that the longest answer may need, so a captured pass can be replayed. The
prompts are read straight into them: a cache of the prompts that is then moved would exist beside them, and leave gaps.
Attention sees the filled part of them, in blocks, where a cache of full length would be read whole for every token: for
each number of blocks that the longest row comes to need, the pass is captured once (about 0.2 s). The kernels are those
of an eager pass.

Every row writes at a place of its own, so that one that enters begins at the first: its prompt is read into the buffers
of a row that ended, and the captured passes go on as they are.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import Cache, CacheLayerMixin, DynamicLayer

from harness.models.hf.forward_eager import last_scores_only, pad_left

_BLOCK = 128  # tokens by which the visible part grows
_WARM_UPS = 2  # passes before a capture, in which libraries allocate what must not be allocated in it


class _Slots(CacheLayerMixin):  # type: ignore[misc]  # transformers is untyped
    """The keys and values of one layer: of each of ``rows`` ``size`` tokens, the prompt's, then new ones at ``slots``.

    ``reading``: the rows whose prompts a pass reads, None for all at first and for a token a row afterwards.
    """

    def __init__(self, rows: torch.Tensor, slots: torch.Tensor, size: int, visible: int) -> None:
        super().__init__()
        self.rows = rows
        self.slots = slots
        self.size = size
        self.visible = visible
        self.all: list[_Slots] = []
        self.room: tuple[torch.Tensor, torch.Tensor] | None = None
        self.reading: torch.Tensor | None = None
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
        if self.reading is not None:
            _overwrite(self.keys, self.reading, key_states)
            _overwrite(self.values, self.reading, value_states)
            return key_states, value_states
        self.keys[self.rows, :, self.slots] = key_states[:, :, 0]
        self.values[self.rows, :, self.slots] = value_states[:, :, 0]
        return self.keys[:, :, : self.visible], self.values[:, :, : self.visible]

    def read(self, rows: torch.Tensor | None) -> None:
        """Have the next passes read prompts into these rows, or go on with a token a row for None."""
        self.reading = rows
        self.is_compileable = rows is None

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
        """Return the length of the prompts that are read; raise otherwise: it would be frozen into the pass."""
        if not self.is_initialized or self.reading is not None:
            return query_length, 0
        raise CaptureError(f"the model asks for mask sizes ({query_length})")

    def get_seq_length(self) -> int:
        """Return 0 while prompts are read; raise otherwise, likewise."""
        if not self.is_initialized or self.reading is not None:
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


@dataclass(frozen=True, slots=True)
class _Captured:
    graph: torch.cuda.CUDAGraph
    scores: torch.Tensor

    def replay(self) -> torch.Tensor:
        self.graph.replay()
        return self.scores


class GraphSteps:
    """Forward passes replayed from CUDA graphs, for at most ``room`` new tokens a row.

    Finished rows ride along until others enter in their places or, if none wait, until half of them are done.
    """

    refills = True
    refill_cost = 2.0  # the prompts are read by a pass without a graph, which takes longer

    def __init__(self, model: Any, pad: int, room: int) -> None:  # noqa: ANN401 - transformers is untyped
        self._model = model
        self._pad = pad
        self._room = room
        self._options = last_scores_only(model)
        self._graphs: dict[int, _Captured] = {}
        self._pool: Any = None
        self._lengths: list[int] = []

    @torch.inference_mode()
    def start(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """See `Steps.start`."""
        ids, mask = pad_left(prompts, self._pad, self._model.device)
        length = ids.shape[1]
        self._visible = rounded(length + 1)
        self._size = rounded(length + self._room)
        self._lengths = [length] * len(prompts)
        self._slots = torch.full((len(prompts),), length - 1, device=ids.device)
        self._going = torch.ones_like(self._slots)
        self._tokens = ids[:, -1:].clone()
        count = len(DynamicCache(config=self._model.config.get_text_config(decoder=True)).layers)
        rows = torch.arange(len(prompts), device=ids.device)
        layers = [_Slots(rows, self._slots, self._size, self._visible) for _ in range(count)]
        layers[0].all = layers
        self._cache = Cache(layers=layers)
        scores, self._positions = self._read(ids, mask)
        self._mask = _additive(mask, self._size, scores.dtype)
        return scores

    @torch.inference_mode()
    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        """See `Steps.step`."""
        self._lengths = [length + 1 if length else 0 for length in self._lengths]
        self._show(rounded(max(self._lengths)))
        self._slots.add_(self._going)
        self._mask.scatter_(3, self._slots[:, None, None, None], 0)
        self._tokens.copy_(tokens[:, None])
        self._positions.add_(self._going[:, None])
        if self._visible not in self._graphs:
            self._graphs[self._visible] = self._capture()
        return self._graphs[self._visible].replay()

    @torch.inference_mode()
    def rest(self, place: int) -> None:
        """See `Steps.rest`: what it rides along with stays where it is."""
        self._lengths[place] = 0
        self._going[place] = 0

    def worth_dropping(self, live: int, rows: int, *, awaited: bool = False) -> bool:
        """See `Steps.worth_dropping`: new captures pay once half of the rows are done."""
        return not awaited and live <= rows // 2

    @torch.inference_mode()
    def keep(self, index: Sequence[int]) -> None:
        """See `Steps.keep`."""
        self._graphs.clear()
        self._pool = None
        self._lengths = [self._lengths[row] for row in index]
        chosen = torch.tensor(index, device=self._mask.device)
        self._tokens, self._positions, self._mask, self._slots, self._going = (
            tensor[chosen] for tensor in (self._tokens, self._positions, self._mask, self._slots, self._going)
        )
        for layer in self._cache.layers:
            layer.keys, layer.values = layer.keys[chosen], layer.values[chosen]
            layer.rows, layer.slots = layer.rows[: len(index)], self._slots

    @torch.inference_mode()
    def admit(self, places: Sequence[int], prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """See `Steps.admit`: in places of rows that ended, for there are no others."""
        ids, mask = pad_left(prompts, self._pad, self._model.device)
        chosen = torch.tensor(places, device=ids.device)
        for layer in self._cache.layers:
            layer.read(chosen)
        scores, positions = self._read(ids, mask)
        for layer in self._cache.layers:
            layer.read(None)
        self._mask[chosen] = _additive(mask, self._size, self._mask.dtype)
        self._positions[chosen] = positions
        self._slots[chosen] = ids.shape[1] - 1
        self._going[chosen] = 1
        for place in places:
            self._lengths[place] = ids.shape[1]
        return scores

    def _read(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the scores after prompts, and the position of the last token of each."""
        positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)
        scores: torch.Tensor = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            **self._options,
        ).logits[:, -1]
        return scores, positions[:, -1:].clone()

    def _show(self, visible: int) -> None:
        if visible == self._visible:
            return
        self._visible = visible
        for layer in self._cache.layers:
            layer.visible = visible

    def _capture(self) -> _Captured:
        stream = _side_stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UPS):
                self._forward()
        torch.cuda.current_stream().wait_stream(stream)
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            scores = self._forward()
        return _Captured(graph, scores)

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


def _overwrite(buffer: torch.Tensor, rows: torch.Tensor, states: torch.Tensor) -> None:
    """Put states in front of some rows of a buffer, and zeros behind them."""
    read = states.shape[2]
    buffer[:, :, :read].index_copy_(0, rows, states)
    buffer[:, :, read:].index_fill_(0, rows, 0)


def _additive(mask: torch.Tensor, size: int, dtype: torch.dtype) -> torch.Tensor:
    """Return a mask of ones and zeros, (rows, tokens), as what is added to attention scores, (rows, 1, 1, size)."""
    added = torch.full((len(mask), 1, 1, size), torch.finfo(dtype).min, dtype=dtype, device=mask.device)
    added[:, 0, 0, : mask.shape[1]].masked_fill_(mask.bool(), 0)
    return added
