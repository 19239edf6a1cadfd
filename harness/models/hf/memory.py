"""What a model needs and what the machine has, before anything is loaded."""

import contextlib
import ctypes
import gc
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import AutoModelForCausalLM

from harness.errors import OutOfMemoryError
from harness.locale import listing, tr
from harness.models.hf.numerics import Numerics

GIB = 1 << 30
_NF4_BYTES = 0.5 + 4 / 64  # four bits a weight and one float32 scale for each block of 64
_NF4_DOUBLE_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)  # the scales are 8 bits, with a scale for each 256 of them
_SLACK = 1.05  # the allocator's rounding, buffers, the largest weight while it is being converted
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """The sizes of a model: elements of its linear layers (what nf4 quantises) and of everything else.

    ``kv_elements`` is what one token adds to the key-value cache, ``activations`` the elements that one token of a
    prompt needs for a moment, both upper bounds. ``constants``: elements of tables that are computed, not stored.
    ``largest``: elements of the largest linear layer.
    """

    linear: int
    other: int
    kv_elements: int
    activations: int
    vocabulary: int
    constants: int = 0
    largest: int = 0

    def weight_bytes(self, numerics: Numerics) -> int:
        """Return the bytes of the loaded weights, by count.

        >>> small = Footprint(linear=640, other=100, kv_elements=1, activations=1, vocabulary=10)
        >>> small.weight_bytes(Numerics(device="cpu", dtype=torch.float32, quantization="none"))
        2960
        """
        size = numerics.dtype.itemsize
        per_linear: float = size
        if numerics.quantization == "nf4" and numerics.route == "plain":
            per_linear = _NF4_DOUBLE_BYTES if numerics.double_quant else _NF4_BYTES
        return int(self.linear * per_linear + (self.other + self.constants) * size)

    def loading_bytes(self, numerics: Numerics) -> int:
        """Return the bytes that loading the weights takes at its height."""
        return int(self.weight_bytes(numerics) * _SLACK)

    def row_bytes(self, prompt_tokens: int, new_tokens: int, dtype: torch.dtype) -> int:
        """Return the bytes that one row of a batch needs: its cache, its prompt's activations and its scores."""
        tokens = prompt_tokens + new_tokens
        scores = 40 * self.vocabulary  # logits and a penalised copy in float32, a distribution and its sum in float64
        mask = 3 * prompt_tokens * prompt_tokens  # as booleans, and as numbers that are added
        return (tokens * self.kv_elements + prompt_tokens * self.activations) * dtype.itemsize + scores + mask


def footprint(config: Any, *, trust_remote_code: bool = False) -> Footprint:  # noqa: ANN401 - transformers is untyped
    """Return the sizes of the model that a transformers config describes; no weight is allocated."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=trust_remote_code)
    model.tie_weights()
    head = model.get_output_embeddings()
    layers = [
        module.weight.numel()
        for module in model.modules()
        if isinstance(module, torch.nn.Linear) and module is not head
    ]
    linear = sum(layers)
    total = sum(parameter.numel() for parameter in model.parameters())
    text = config.get_text_config(decoder=True)
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    inner = getattr(text, "intermediate_size", None) or 4 * text.hidden_size
    return Footprint(
        linear=linear,
        other=total - linear,
        kv_elements=2 * text.num_hidden_layers * heads * width,
        activations=3 * inner + 8 * text.hidden_size,
        vocabulary=text.vocab_size,
        constants=sum(buffer.numel() for buffer in model.buffers()),
        largest=max(layers, default=0),
    )


def available_bytes(device: str, limits: Sequence[str] = _CGROUP_LIMITS) -> int:
    """Return the bytes that can still be allocated on a device; on a CPU the container's limit counts too.

    ``limits``: the files that hold it, where there is one.
    """
    if device == "cuda":
        free, _ = torch.cuda.mem_get_info()
        return int(free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated())
    available = int(psutil.virtual_memory().available)
    for file in limits:
        try:
            limit = int(Path(file).read_text(encoding="ascii"))
        except (OSError, ValueError):  # no such controller, or "max"
            continue
        available = min(available, max(0, limit - psutil.Process().memory_info().rss))
    return available


def check_fits(name: str, needed: int, available: int, numerics: Numerics, sizes: Footprint | None = None) -> None:
    """Raise if weights do not fit. With ``sizes``, only what would fit is proposed.

    Raises:
        OutOfMemoryError: with both figures and what to do.
    """
    if needed <= available:
        return
    others = {
        "--quantization nf4": replace(numerics, quantization="nf4", route="plain"),
        "--dtype bfloat16": replace(numerics, dtype=torch.bfloat16),
        "--quantization nf4 --dtype bfloat16": replace(
            numerics, quantization="nf4", route="plain", dtype=torch.bfloat16
        ),
    }
    remedies = [
        tr("{option} (about {needed:.1f} GiB)", option=option, needed=sizes.loading_bytes(other) / GIB)
        for option, other in others.items()
        if sizes is not None and other != numerics and sizes.loading_bytes(other) <= available
    ][:2]
    if numerics.device == "cpu":
        remedies.append(tr("a machine with a GPU"))
    remedies.append(tr("a smaller base"))
    raise OutOfMemoryError(
        tr(
            "{name} needs about {needed:.1f} GiB as {kind}, and {available:.1f} GiB are available on the {device}.",
            name=name,
            needed=needed / GIB,
            kind=numerics.dtype_name if numerics.quantization == "none" else f"nf4 and {numerics.dtype_name}",
            available=available / GIB,
            device=numerics.device.upper().replace("CUDA", "GPU"),
        ),
        hint=tr("What would do: {remedies}.", remedies=listing(remedies)),
    )


def dequantised_fits(sizes: Footprint, numerics: Numerics, total_bytes: int) -> bool:
    """Return whether a GPU of ``total_bytes`` holds nf4 weights dequantised, with half of itself left for batches.

    Total rather than free memory decides, so that one machine always takes the same route.
    """
    dense = Numerics(device=numerics.device, dtype=numerics.dtype, quantization="none")
    return sizes.loading_bytes(dense) <= total_bytes // 2


def ran_out(error: BaseException) -> bool:
    """Return whether an error says that memory ran out.

    >>> ran_out(MemoryError()), ran_out(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()  # the CPU allocator has no exception of its own
    return "can't allocate memory" in text or "not enough memory" in text


def release() -> None:
    """Give memory that nothing holds any more back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    trim()


def trim() -> None:
    """Give back what glibc keeps of freed memory: 0.3 GiB after loading the embedded model."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)
