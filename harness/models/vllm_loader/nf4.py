"""The values that QLoRA trained beside: weights rounded to nf4 and turned back, tensor by tensor while vLLM loads.

The numbers are those of `harness.models.hf.bases.load_base` on the route "dequantised": the same bitsandbytes functions
on the same tensors. No second copy of the weights is written.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from bitsandbytes import functional
from safetensors import safe_open
from transformers import AutoModelForCausalLM
from transformers.quantizers.base import get_keys_to_not_convert
from transformers.quantizers.quantizers_utils import should_convert_module

NF4_TURNED = "harness-nf4"
"""The name that `harness.models.vllm_loader.worker` gives its way of loading weights."""

_THREADS, _AHEAD = 4, 6  # copies at once, and weights that wait: the largest of 13.7 B take 256 MB each
_BLOCK = 64  # weights that share a scale, as transformers has it


def nf4_values(weight: torch.Tensor, *, double_quant: bool) -> torch.Tensor:
    """Return a weight matrix with the values that its nf4 form stands for, in its own dtype, on its device."""
    packed, state = functional.quantize_4bit(
        weight.contiguous(), blocksize=_BLOCK, compress_statistics=double_quant, quant_type="nf4"
    )
    values: torch.Tensor = functional.dequantize_4bit(packed, state)
    return values


def turned(
    weights: Iterable[tuple[str, torch.Tensor]],
    names: frozenset[str],
    *,
    dtype: torch.dtype,
    device: str,
    double_quant: bool,
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield weights by name, those of ``names`` with their nf4 values in ``dtype``, the others as they are."""
    for name, weight in pinned_ahead(weights, names) if device == "cuda" else weights:
        if name in names:
            there = weight.to(device=device, non_blocking=True).to(dtype)
            yield name, nf4_values(there, double_quant=double_quant)
        else:
            yield name, weight


def pinned_ahead(
    weights: Iterable[tuple[str, torch.Tensor]],
    names: frozenset[str],
    pin: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield weights as they come, those of ``names`` in memory that a GPU reads by itself; threads fill it ahead.

    A copy straight from a file that is mapped goes through one thread of the driver's, page by page.
    """
    waiting: deque[tuple[str, torch.Tensor, Future[torch.Tensor] | None]] = deque()

    def first() -> tuple[str, torch.Tensor]:
        name, weight, pinned = waiting.popleft()
        return name, weight if pinned is None else pinned.result()

    with ThreadPoolExecutor(_THREADS) as threads:
        for name, weight in weights:
            waiting.append((name, weight, threads.submit(pin or _pinned, weight) if name in names else None))
            if len(waiting) > _AHEAD:
                yield first()
        while waiting:
            yield first()


def _pinned(weight: torch.Tensor) -> torch.Tensor:
    try:
        return weight.pin_memory()
    except RuntimeError:  # little memory, or a system that locks none: it is copied as it is
        return weight


def quantized_names(config: Any, *, trusted: bool) -> frozenset[str]:  # noqa: ANN401 - transformers is untyped
    """Return the names of the weights that transformers rounds to nf4: of linear layers, but not the head's."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=trusted)
    kept = [*get_keys_to_not_convert(model), *(model._keep_in_fp32_modules or ())]  # noqa: SLF001 - as its quantizer
    return frozenset(
        f"{name}.weight"
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and should_convert_module(name, kept)
    )


def stored_names(folder: Path) -> frozenset[str]:
    """Return the names of all tensors in a model folder, read from the files' headers."""
    names = set[str]()
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            names |= set(file.keys())
    return frozenset(names)
