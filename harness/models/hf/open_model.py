"""From a model spec to a backend: everything is identified and checked that can be without loading weights."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from harness.errors import UnknownNameError, UsageError
from harness.locale import tr
from harness.models.hf.adapters import CONFIG, DEFAULT_BASE, Adapter, BaseChoice, choose_base, open_adapter
from harness.models.hf.backend import Engines, LocalModel
from harness.models.hf.bases import sizes_of
from harness.models.hf.batching import BatchLimits
from harness.models.hf.checkpoint_folders import checkpoint_folders
from harness.models.hf.memory import dequantised_fits
from harness.models.hf.resolved_base import ResolvedBase, resolve_base
from harness.models.hf.sources import split_revision
from harness.models.hf.trained_prompt import TrainedPrompt
from harness.models.hf.unread import refuse_unread
from harness.models.vllm.choose import ENGINES, choose_engines
from harness.notices import Notice
from harness.templates.contract import CONTRACT
from harness.types import ModelSpec

_SETTINGS = ("trust_remote_code", "fast_dequantize", "double_quant", "max_batch_rows", "max_batch_tokens", "engine")


def open_local(spec: ModelSpec) -> LocalModel:
    """Return the backend of a ``base``, ``adapter:``, ``hf:``, ``gguf:`` or ``embedded:`` spec.

    Settings (the ``[models.hf]`` table): ``trust_remote_code`` (list of model names whose own code may run),
    ``fast_dequantize`` (true, false, or where memory allows: nf4 weights dequantized once at load),
    ``double_quant`` (nf4 scales quantised as well, default false), ``max_batch_rows`` and ``max_batch_tokens`` (padded
    prompt and answer tokens of a batch; default: what memory allows), ``engine`` (auto, hf or vllm).

    Raises:
        UsageError: an unknown or unusable setting, or nothing named where the spec needs a name.
        InputError: a folder or file cannot be used.
        HarnessError: adapter and base do not belong together, the Hub fails, or weights do not fit.
    """
    settings = _checked(spec.settings)
    adapter, choice, chat = _choose(spec)
    refuse_unread(choice.base, settings, quantization=spec.quantization, dtype=spec.dtype)
    base = resolve_base(choice.base, choice.revision, settings, quantization=spec.quantization, dtype=spec.dtype)
    base = _routed(base, settings.get("fast_dequantize"))
    notices = [choice.notice] if choice.notice else []
    if adapter is not None and not adapter.has_contract:
        notices.append(
            Notice(
                "prompt_unknown",
                tr("adapter {name} has no {file}: its training prompt is unknown", name=adapter.name, file=CONTRACT),
            )
        )
    if chat is not None:
        notices.append(
            Notice(
                "chat_template_of_adapter",
                tr("{label} is asked in the chat format that the adapter beside it was trained in", label=spec.label),
            )
        )
    if base.numerics.route == "dequantised":
        notices.append(
            Notice(
                "weights_dequantized",
                tr(
                    "nf4 weights were dequantized to {dtype} once at load (same values, faster)",
                    dtype=base.numerics.dtype_name,
                ),
            )
        )
    return LocalModel(
        label=spec.label,
        base=base,
        adapter=adapter,
        limits=BatchLimits(rows=settings.get("max_batch_rows"), tokens=settings.get("max_batch_tokens")),
        notices=notices,
        engines=Engines(wanted=settings.get("engine", "auto"), choose=choose_engines),
        spec=spec,
        chat_template=chat,
    )


def _choose(spec: ModelSpec) -> tuple[Adapter | None, BaseChoice, str | None]:
    """Return the adapter, if the spec names one, the base, and the chat template of a base beside an adapter."""
    if spec.backend == "base" and spec.adapter is not None:
        beside = open_adapter(*split_revision(_last_of(spec.adapter)))
        choice = choose_base(beside, spec.base)
        said = Notice(
            "base_of_adapter",
            tr(
                "{label} is {base}, on which {adapter} was trained",
                label=spec.label,
                base=choice.base,
                adapter=beside.name,
            ),
        )
        choice = replace(choice, notice=said if beside.base is not None else choice.notice)
        return None, choice, TrainedPrompt(adapter=beside).chat_template
    if spec.backend == "base":
        base, revision = split_revision(spec.base or DEFAULT_BASE)
        return None, BaseChoice(base=base, revision=revision), None
    if not spec.target:
        raise UsageError(
            tr("--model {text!r} names nothing after the colon.", text=spec.text),
            hint=tr("Write --model {backend}:TARGET.", backend=spec.backend),
        )
    if spec.backend == "adapter":
        adapter = open_adapter(*split_revision(spec.target))
        return adapter, choose_base(adapter, spec.base), None
    target, revision = split_revision(spec.target) if spec.backend == "hf" else (spec.target, None)
    return None, BaseChoice(base=f"{spec.backend}:{target}", revision=revision), None


def _last_of(target: str) -> str:
    """Return an adapter's place; of a training's folder without one, that of its last checkpoint."""
    folder = Path(target).expanduser()
    if not folder.is_dir() or (folder / CONFIG).exists():
        return target
    return str(list(checkpoint_folders(target).values())[-1])


def _checked(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in settings.items():
        if name not in _SETTINGS:
            raise UnknownNameError(tr("setting of [models.hf]"), name, _SETTINGS)
        if name.startswith("max_") and not (isinstance(value, int) and value > 0):
            raise UsageError(
                tr("[models.hf] {name} = {value!r} is not a positive whole number.", name=name, value=value)
            )
    if (engine := settings.get("engine", "auto")) not in ENGINES:
        raise UnknownNameError(tr("engine"), str(engine), ENGINES)
    return settings


def _routed(base: ResolvedBase, wanted: object) -> ResolvedBase:
    """Return the base with the faster route for nf4 if the GPU is large enough, or as the user wants it."""
    numerics = base.numerics
    if numerics.quantization != "nf4" or wanted is False:
        return base
    fits = wanted is True
    if wanted is None and numerics.device == "cuda":
        sizes = sizes_of(base.source, base.config(), trusted=base.trusted)
        fits = dequantised_fits(sizes, numerics, torch.cuda.get_device_properties(0).total_memory)
    return replace(base, numerics=replace(numerics, route="dequantised")) if fits else base
