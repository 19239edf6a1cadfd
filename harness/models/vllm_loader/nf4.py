"""The values that QLoRA trained beside: weights rounded to nf4 and turned back, tensor by tensor while vLLM loads.

The numbers are those of `harness.models.hf.bases.load_base` on the route "dequantised": the same bitsandbytes functions
on the same tensors. No second copy of the weights is written.
"""

from collections.abc import Iterable, Iterator
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
    for name, weight in weights:
        if name in names:
            yield name, nf4_values(weight.to(device=device, dtype=dtype), double_quant=double_quant)
        else:
            yield name, weight


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
