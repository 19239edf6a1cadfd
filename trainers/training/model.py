"""The base model ready for an adapter: loaded as evaluation loads it, with LoRA layers that train in float32."""

import contextlib
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
from transformers.modeling_layers import GradientCheckpointingLayer

from harness.errors import TrainingError
from harness.locale import tr
from harness.models.hf.adapters import WEIGHTS
from harness.models.hf.memory import Footprint, available_bytes, footprint
from harness.models.hf.numerics import Numerics
from harness.models.hf.resolved_base import ResolvedBase
from harness.models.hf.sources import Source
from trainers.memory_plan import MemoryPlan, ModelShape
from trainers.recipe import Recipe
from trainers.training.attention import choose_attention, use_attention
from trainers.training.compiling import compile_layers
from trainers.training.fused import fuse
from trainers.training.host_memory import bound_kernel_caches, trim_between
from trainers.training.layer_probe import kept_bytes
from trainers.training.loss_head import add_loss_head
from trainers.training.noise import EmbeddingNoise
from trainers.training.placing import load_sharded, use_shards
from trainers.training.processes import broadcast_tensor_from_rank0
from trainers.training.quantized import keep_gradients


def model_shape(base: ResolvedBase, config: Any, recipe: Recipe) -> ModelShape:  # noqa: ANN401 - transformers is untyped
    """Return what decides a training's memory, from the model's config alone.

    Raises:
        HarnessError: ``target_modules`` names what no layer of the model is called, or the head.
    """
    numerics = base.numerics
    sizes = footprint(config, trust_remote_code=base.trusted)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=base.trusted)
    adapted = _adapted(model, recipe.target_modules)
    text = config.get_text_config(decoder=True)
    plain = replace(numerics, route="plain")
    dense = replace(plain, quantization="none")
    layers = layers_of(model)
    return ModelShape(
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        inner=getattr(text, "intermediate_size", None) or 4 * text.hidden_size,
        vocabulary=text.vocab_size,
        weights=sizes.weight_bytes(plain),
        dense_weights=sizes.weight_bytes(dense),
        layer_weights=tuple(_layer_bytes(layer, plain) for layer in layers),
        dense_layer_weights=tuple(_layer_bytes(layer, dense) for layer in layers),
        adapter=sum(
            recipe.lora_r * (layer.in_features + layer.out_features) + recipe.use_dora * layer.out_features
            for layer in adapted
        ),
        adapted_inputs=sum(layer.in_features for layer in adapted) // text.num_hidden_layers,
        itemsize=numerics.dtype.itemsize,
        dora_outputs=sum(layer.out_features for layer in adapted) // text.num_hidden_layers if recipe.use_dora else 0,
        kept=kept_bytes(config, lora_config(recipe), numerics.dtype, trusted=base.trusted)
        if numerics.device == "cpu"
        else 0,
        dora_bytes=max(_norm_bytes(layer, numerics.dtype.itemsize) for layer in adapted) if recipe.use_dora else 0,
    )


def _layer_bytes(layer: Any, numerics: Numerics) -> int:  # noqa: ANN401 - transformers is untyped
    linear = sum(module.weight.numel() for module in layer.modules() if isinstance(module, torch.nn.Linear))
    other = sum(parameter.numel() for parameter in layer.parameters()) - linear
    sizes = Footprint(linear=linear, other=other, kv_elements=0, activations=0, vocabulary=0)
    return sizes.weight_bytes(numerics)


def _norm_bytes(layer: Any, itemsize: int) -> int:  # noqa: ANN401 - torch is untyped here
    """Return what peft takes for a moment to find how long the rows of an adapted weight are.

    The product of B and A by way of a unit matrix in float32 and in the dtype of the products; that product, the
    weight, their sum and its norm's copy.
    """
    inputs, outputs = layer.in_features, layer.out_features
    return int(inputs * inputs * (4 + itemsize) + 4 * inputs * outputs * itemsize)


def load_trainable_model(base: ResolvedBase, recipe: Recipe, plan: MemoryPlan, start: Path | None = None) -> Any:  # noqa: ANN401 - peft is untyped
    """Return the base with an adapter, set up as the plan says: the same in every process.

    The adapter is a new one, or has the weights of the one in the folder ``start``.

    Raises:
        HarnessError: the base does not fit, or its files cannot be loaded.
    """
    numerics = replace(base.numerics, route="dequantised" if plan.dequantized else "plain")
    loaded = replace(base, numerics=numerics)
    model = load_sharded(loaded) if plan.shards > 1 else loaded.load_model()
    keep_gradients(model)
    model.config.use_cache = False
    use_attention(model, choose_attention(model.config, numerics.device, numerics.dtype))
    if plan.fused:
        fuse(model)
    torch.manual_seed(recipe.seed)
    add_loss_head(model, numerics.device)
    wrapped = get_peft_model(model, lora_config(recipe))
    if start is not None:
        _take_weights(wrapped, start)
    _describe(wrapped.peft_config["default"], base.source)
    for parameter in [parameter for parameter in wrapped.parameters() if parameter.requires_grad]:
        parameter.data = broadcast_tensor_from_rank0(parameter.data.float())
    if numerics.dtype != torch.float32:  # autocast multiplies in the base's dtype; casting inputs up first costs memory
        for module in wrapped.modules():
            if hasattr(module, "cast_input_dtype_enabled"):
                module.cast_input_dtype_enabled = False
    if recipe.neftune_noise_alpha:
        EmbeddingNoise(recipe.neftune_noise_alpha).attach(wrapped)
    recompute(wrapped, plan.recomputed)
    _run_layers(layers_of(wrapped), compiled=recipe.torch_compile, device=numerics.device)
    if plan.shards > 1:
        use_shards(wrapped, layers_of(wrapped))
    return wrapped


def _run_layers(layers: list[Any], *, compiled: bool, device: str) -> None:
    """Compile the layers; on a CPU let those that are not give memory back between them."""
    if compiled:
        compile_layers(layers)
    elif device == "cpu":
        trim_between(layers)


def _take_weights(model: Any, start: Path) -> None:  # noqa: ANN401 - peft is untyped
    """Give a new adapter the weights of another of its shape.

    Raises:
        TrainingError: they belong to other layers.
    """
    found = set_peft_model_state_dict(model, load_file(start / WEIGHTS))
    missing = [name for name in found.missing_keys if "lora_" in name]
    if odd := [*found.unexpected_keys, *missing]:
        raise TrainingError(
            tr("{start} does not fit this base: {odd}.", start=start, odd=odd[0]),
            hint=tr("Name the base that it was trained on: --base SPEC"),
        )


def take_device() -> None:
    """Use the GPU that torchrun or accelerate launch gave this process; without one, bound what its libraries keep.

    A GPU's memory is had in segments that grow, unless ``PYTORCH_CUDA_ALLOC_CONF`` says how: micro-batches of many
    lengths left a tenth of an H100 in gaps (70.1 GiB allocated, 78.3 reserved).
    """
    if not torch.cuda.is_available():
        bound_kernel_caches()
        return
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if not {"PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF"} & os.environ.keys():
        with contextlib.suppress(RuntimeError, AttributeError):  # a torch that names it otherwise
            torch._C._accelerator_setAllocatorSettings("expandable_segments:True")  # noqa: SLF001 - no public name


def total_bytes(device: str) -> int:
    """Return the memory of the whole device."""
    if device == "cuda":
        return int(torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory)
    return available_bytes(device)


def layers_of(model: Any) -> list[Any]:  # noqa: ANN401 - transformers is untyped
    """Return the transformer layers, in order."""
    return [module for module in model.modules() if isinstance(module, GradientCheckpointingLayer)]


def recompute(model: Any, count: int) -> None:  # noqa: ANN401 - peft is untyped
    """Let the first ``count`` layers recompute their activations in the backward pass, and the others keep them."""
    base = model.get_base_model()
    if count:
        base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    for index, layer in enumerate(layers_of(base)):
        layer.gradient_checkpointing = index < count


def lora_config(recipe: Recipe) -> LoraConfig:
    """Return the adapter of a recipe as peft takes it."""
    targets = recipe.target_modules
    return LoraConfig(
        r=recipe.lora_r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        use_rslora=recipe.use_rslora,
        use_dora=recipe.use_dora,
        target_modules=targets if isinstance(targets, str) else list(targets),
        bias="none",
        task_type="CAUSAL_LM",
    )


def _describe(adapter: LoraConfig, source: Source) -> None:
    """Let adapter_config.json name the base as peft and the Hub do, and list its modules in one order.

    peft's own set comes in an order that changes from process to process; the file decides an adapter's identity.
    """
    adapter.base_model_name_or_path = source.text.removeprefix("hf:")
    adapter.revision = source.commit
    if not isinstance(adapter.target_modules, str):
        adapter.target_modules = sorted(adapter.target_modules or ())


def _adapted(model: Any, targets: str | tuple[str, ...]) -> list[Any]:  # noqa: ANN401 - transformers is untyped
    """Return the linear layers that peft will adapt: all but the head, or those that ``targets`` names."""
    layers = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    head = model.get_output_embeddings()
    if targets == "all-linear":
        return [module for module in layers.values() if module is not head]
    matches = {
        target: [module for name, module in layers.items() if _names(target, name, pattern=isinstance(targets, str))]
        for target in ([targets] if isinstance(targets, str) else targets)
    }
    for target, found in matches.items():
        if not found:  # peft would adapt the others, and say nothing
            raise TrainingError(
                tr("target_modules: {target!r} names no linear layer of the base.", target=target),
                hint=tr("all-linear fits every architecture: --set target_modules=all-linear"),
            )
        if any(module is head for module in found):  # the loss takes its weights as they are
            raise TrainingError(
                tr("target_modules: {target!r} names the head, which cannot be adapted here.", target=target),
                hint=tr("all-linear adapts every linear layer but the head: --set target_modules=all-linear"),
            )
    return list({id(module): module for found in matches.values() for module in found}.values())


def _names(target: str, name: str, *, pattern: bool) -> bool:
    """Return whether a target means a module of this name, as peft understands it.

    >>> _names("q_proj", "model.layers.0.self_attn.q_proj", pattern=False)
    True
    """
    if pattern:
        return re.fullmatch(target, name) is not None
    return name == target or name.endswith(f".{target}")
