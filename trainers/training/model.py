"""The base model ready for an adapter: loaded as evaluation loads it, with LoRA layers that train in float32."""

import os
import re
from dataclasses import dataclass, replace
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GenerationConfig
from transformers.modeling_layers import GradientCheckpointingLayer
from trl.trainer.utils import add_fused_lm_head

from harness.errors import TrainingError
from harness.locale import tr
from harness.models.hf.bases import load_base
from harness.models.hf.memory import available_bytes, footprint
from harness.models.hf.numerics import Numerics
from harness.models.hf.sources import Source, config_folder
from harness.models.hf.tokens import Encoder
from trainers.memory_plan import MemoryPlan, ModelShape
from trainers.recipe import Recipe
from trainers.training.attention import choose_attention, use_attention
from trainers.training.quantized import keep_gradients


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainableModel:
    """A base with a new adapter, and the token ids that end an answer."""

    model: Any
    end: frozenset[int]


def model_shape(config: Any, recipe: Recipe, numerics: Numerics, *, trusted: bool) -> ModelShape:  # noqa: ANN401
    """Return what decides a training's memory, from the model's config alone.

    Raises:
        HarnessError: ``target_modules`` names what no layer of the model is called, or the head.
    """
    sizes = footprint(config, trust_remote_code=trusted)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=trusted)
    adapted = _adapted(model, recipe.target_modules)
    text = config.get_text_config(decoder=True)
    dense = replace(numerics, quantization="none", route="plain")
    return ModelShape(
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        inner=getattr(text, "intermediate_size", None) or 4 * text.hidden_size,
        vocabulary=text.vocab_size,
        weights=sizes.weight_bytes(replace(numerics, route="plain")),
        dense_weights=sizes.weight_bytes(dense),
        adapter=sum(recipe.lora_r * (layer.in_features + layer.out_features) for layer in adapted),
        adapted_inputs=sum(layer.in_features for layer in adapted) // text.num_hidden_layers,
        itemsize=numerics.dtype.itemsize,
    )


def load_trainable_model(
    source: Source, numerics: Numerics, recipe: Recipe, plan: MemoryPlan, *, base: str, trusted: bool
) -> TrainableModel:
    """Return the base with a new adapter, set up as the plan says.

    ``base`` is what adapter_config.json records: the spec as typed, never a path of a cache.

    Raises:
        HarnessError: the base does not fit, or its files cannot be loaded.
    """
    loaded = load_base(source, replace(numerics, route="dequantised" if plan.dequantized else "plain"), trusted=trusted)
    model = loaded.model
    keep_gradients(model)
    model.config.use_cache = False
    use_attention(model, choose_attention(model.config, numerics.device, numerics.dtype))
    torch.manual_seed(recipe.seed)
    add_fused_lm_head(model)
    wrapped = get_peft_model(model, _lora(recipe))
    wrapped.peft_config["default"].base_model_name_or_path = base
    wrapped.peft_config["default"].revision = source.commit
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if numerics.dtype != torch.float32:  # autocast multiplies in the base's dtype; casting inputs up first costs memory
        for module in wrapped.modules():
            if hasattr(module, "cast_input_dtype_enabled"):
                module.cast_input_dtype_enabled = False
    recompute(wrapped, plan.recomputed)
    if recipe.torch_compile:
        for layer in layers_of(wrapped):
            layer.compile(dynamic=True)
    return TrainableModel(model=wrapped, end=loaded.end)


def end_tokens(source: Source, encoder: Encoder) -> frozenset[int]:
    """Return the ids that evaluation ends an answer at: those the base names, and the tokenizer's own."""
    try:
        named = GenerationConfig.from_pretrained(config_folder(source), local_files_only=True).eos_token_id
    except OSError:  # a base that says nothing
        named = None
    ids = named if isinstance(named, list | tuple) else [named]
    return frozenset(token for token in (*ids, encoder.tokenizer.eos_token_id) if token is not None)


def take_device() -> None:
    """Use the GPU that torchrun or accelerate launch gave this process; do nothing without one."""
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))


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


def is_compiled(model: Any) -> bool:  # noqa: ANN401 - peft is untyped
    """Return whether layers of the model are compiled."""
    return any(layer._compiled_call_impl is not None for layer in layers_of(model))  # noqa: SLF001 - no public name


def leave_uncompiled(model: Any) -> None:  # noqa: ANN401 - peft is untyped
    """Let the layers of the model run as they are written again."""
    for layer in layers_of(model):
        layer._compiled_call_impl = None  # noqa: SLF001 - torch has no public way back for one module


def _lora(recipe: Recipe) -> LoraConfig:
    targets = recipe.target_modules
    return LoraConfig(
        r=recipe.lora_r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        bias="none",
        task_type="CAUSAL_LM",
    )


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
