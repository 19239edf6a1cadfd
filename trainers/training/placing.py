"""Loading a base that one GPU does not hold: read on the CPU, quantised layer by layer, each process keeping a part."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Linear4bit, Params4bit
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.pytorch_utils import Conv1D
from transformers.quantizers import AutoHfQuantizer

from harness.models.hf.bases import four_bits
from harness.models.hf.memory import release
from harness.models.hf.numerics import Numerics
from harness.models.hf.resolved_base import ResolvedBase
from trainers.training.sharded import LayerShards


def load_sharded(base: ResolvedBase) -> Any:  # noqa: ANN401 - transformers is untyped
    """Return a base with the values that it has when it is loaded whole, of whose layers every process keeps a part.

    Its files are mapped into memory, which all processes share as long as the dtype on the disk is the base's. 4-bit
    weights are made on the device that they are used on, a layer at a time, as its products are compared with theirs.

    Raises:
        HarnessError: the base does not fit into the CPU's memory, or its files cannot be loaded.
    """
    numerics, dequantized = base.numerics, base.numerics.route == "dequantised"
    read = replace(numerics, device="cpu", quantization="none", route="plain")
    model = replace(base, numerics=read).load_model()
    if numerics.quantization == "nf4" and getattr(model, "hf_quantizer", None) is None:
        _declare_four_bits(model, numerics)
    device = torch.device("cuda", torch.cuda.current_device()) if numerics.device == "cuda" else torch.device("cpu")
    layers = [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]
    within = {id(module) for layer in layers for module in layer.modules()}
    for module in [module for module in model.modules() if id(module) not in within]:
        module._apply(lambda tensor: tensor.to(device), recurse=False)  # noqa: SLF001 - of one module, as to() does it
    if dequantized:
        _dequantize(model, numerics.dtype, within)
    shards = LayerShards()
    for layer in layers:
        layer.to(device)
        if dequantized:
            _dequantize(layer, numerics.dtype)
        shards.add(layer)
    if dequantized:
        model.hf_quantizer.remove_quantization_config(model)
    shards.place()
    model.layer_shards = shards
    release()
    return model


def use_shards(model: Any, layers: Sequence[Any]) -> None:  # noqa: ANN401 - peft is untyped
    """Have a base from `load_sharded` train with its adapter: its ``layers`` are put together where they are used."""
    shards: LayerShards = model.get_base_model().layer_shards
    shards.attach(layers)
    model.layer_shards = shards
    # Every tensor is where it belongs. Moved there again, on a CPU each would be copied out of its buffer.
    model.to = lambda *_, **__: model
    frozen = [name for name, parameter in model.named_parameters() if not parameter.requires_grad]
    model._ddp_params_and_buffers_to_ignore = frozen  # noqa: SLF001 - torch's way to say that nobody has them whole


def _declare_four_bits(model: Any, numerics: Numerics) -> None:  # noqa: ANN401 - transformers is untyped
    """Have a model's linear layers become 4-bit ones, each once it is moved to a device, as loading by itself would."""
    quantizer = AutoHfQuantizer.from_config(four_bits(numerics), pre_quantized=False)
    read = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear | Conv1D)}
    quantizer.preprocess_model(model=model, dtype=numerics.dtype, device_map=None)
    for name, module in read.items():
        new = model.get_submodule(name)
        if isinstance(new, Linear4bit):
            values = module.weight.data.T if isinstance(module, Conv1D) else module.weight.data
            new.weight = Params4bit(values, requires_grad=False, **new.weight.__dict__)
            new.bias = module.bias
            new.train(module.training)
    quantizer.postprocess_model(model)
    model.hf_quantizer = quantizer


def _dequantize(root: torch.nn.Module, dtype: torch.dtype, but: Collection[int] = ()) -> None:
    """Have 4-bit layers within a module become plain ones of the same values; ``but``: the ids of those that wait."""
    for name, module in list(root.named_modules()):
        if isinstance(module, Linear4bit) and id(module) not in but:
            with torch.device("meta"):
                plain = torch.nn.Linear(module.in_features, module.out_features, bias=module.bias is not None)
            values = dequantize_4bit(module.weight.data, module.weight.quant_state)
            plain.weight = torch.nn.Parameter(values.to(dtype), requires_grad=False)
            plain.bias = module.bias
            root.set_submodule(name, plain.train(module.training))
