"""Whether an adapter's tensors fit a model, read from the file's header before peft loads it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from harness.errors import AdapterMismatchError, InputError
from harness.locale import tr
from harness.models.hf.adapters import WEIGHTS, Adapter
from harness.notices import Notice

_PREFIX = "base_model.model."
_HALVES = {".lora_A.weight": ("in_features", 1), ".lora_B.weight": ("out_features", 0)}


def check_tensors(adapter: Adapter, model: Any) -> Notice | None:  # noqa: ANN401 - transformers is untyped
    """Check a LoRA adapter's tensors against a model; return a notice if some of them belong to no layer of it.

    Adapters of other types are left to peft.

    Raises:
        InputError: the file is no safetensors file, or a tensor has another rank than the configuration says.
        HarnessError: no tensor belongs to the model, or one has another shape than its layer.
    """
    if adapter.kind != "LORA":
        return None
    modules = dict(model.named_modules())
    homeless, total = [], 0
    for name, suffix, shape in _lora_tensors(adapter):
        total += 1
        module = modules.get(name)
        if module is None:
            homeless.append(name)
            continue
        attribute, axis = _HALVES[suffix]
        width = getattr(module, attribute, None)
        if width is not None and width != shape[axis]:
            raise AdapterMismatchError(
                tr(
                    "{name} does not fit the base: {name_2}{suffix} is {shape}×{shape_2}, "
                    "and the layer's {attribute} is {width}.",
                    name=adapter.name,
                    name_2=name,
                    suffix=suffix,
                    shape=shape[0],
                    shape_2=shape[1],
                    attribute=attribute,
                    width=width,
                ),
                hint=tr("It was trained on another model: pass that one with --base."),
            )
        _check_rank(adapter, name, suffix, shape[1 - axis])
    if total and len(homeless) == total:
        raise AdapterMismatchError(
            tr(
                "{name} does not fit the base: none of its {total} tensors belongs to a layer of it, "
                "for example {homeless!r}.",
                name=adapter.name,
                total=total,
                homeless=homeless[0],
            ),
            hint=tr("Its target modules are those of another architecture: pass its base with --base."),
        )
    if homeless:
        return Notice(
            "adapter_partly_used",
            tr(
                "adapter {name}: {n_homeless} of {total} tensors belong to no layer of the base",
                name=adapter.name,
                n_homeless=len(homeless),
                total=total,
            ),
        )
    return None


def check_tokenizer(adapter: Adapter, tokenizer_size: int, embedding_rows: int) -> Notice | None:
    """Compare the tokenizer beside an adapter, if there is one, with its base's; return a notice if the sizes differ.

    Answers are generated with the base's tokenizer.

    Raises:
        HarnessError: the adapter was trained with tokens that the base has no embedding for.
        InputError: the tokenizer file is not readable.
    """
    path = adapter.folder / "tokenizer.json"
    if not path.is_file():
        return None
    size = _vocabulary_size(path)
    if size > max(tokenizer_size, embedding_rows):
        raise AdapterMismatchError(
            tr(
                "{name} was trained with a tokenizer of {size} entries; its base has {tokenizer_size} and "
                "{embedding_rows} embeddings.",
                name=adapter.name,
                size=size,
                tokenizer_size=tokenizer_size,
                embedding_rows=embedding_rows,
            ),
            hint=tr("Added tokens need the resized base: pass it with --base."),
        )
    if size != tokenizer_size:
        return Notice(
            "adapter_tokenizer",
            tr(
                "adapter {name}: its tokenizer has {size} entries, the base's {tokenizer_size}, which was used",
                name=adapter.name,
                size=size,
                tokenizer_size=tokenizer_size,
            ),
        )
    return None


def _vocabulary_size(path: Path) -> int:
    """Return one more than the highest token id of a tokenizer.json."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        vocabulary = content["model"]["vocab"]
        ids = vocabulary.values() if isinstance(vocabulary, dict) else range(len(vocabulary))
        return 1 + max(int(number) for number in [*ids, *(token["id"] for token in content.get("added_tokens", []))])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(tr("not readable as a tokenizer: {error!r}", error=error), path=path) from error


def all_zero(adapter: Adapter) -> bool:
    """Return whether every ``lora_B`` is zero, as before the first optimizer step: such an adapter changes nothing."""
    found = False
    with safe_open(_weights(adapter), framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 - not a mapping
            if ".lora_B." in key or ".lora_embedding_B" in key:
                found = True
                if file.get_tensor(key).count_nonzero():
                    return False
    return found


def tensor_shapes(adapter: Adapter) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor in an adapter's file, by name.

    Raises:
        InputError: it is no safetensors file.
    """
    try:
        with safe_open(_weights(adapter), framework="pt") as file:
            return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(tr("not a safetensors file: {error}", error=error), path=_weights(adapter)) from error


def non_finite(adapter: Adapter) -> str | None:
    """Return the name of a tensor that holds NaN or an infinity, or None."""
    with safe_open(_weights(adapter), framework="pt") as file:
        for key in file.keys():  # noqa: SIM118 - not a mapping
            tensor = file.get_tensor(key)
            if tensor.is_floating_point() and not tensor.isfinite().all():
                return str(key)
    return None


def _lora_tensors(adapter: Adapter) -> Iterator[tuple[str, str, tuple[int, int]]]:
    for key, shape in tensor_shapes(adapter).items():
        for suffix in _HALVES:
            if key.endswith(suffix) and len(shape) == len(_HALVES):
                yield key.removeprefix(_PREFIX).removesuffix(suffix), suffix, (shape[0], shape[1])


def _check_rank(adapter: Adapter, name: str, suffix: str, rank: int) -> None:
    if adapter.rank is not None and adapter.rank != rank:
        raise InputError(
            tr(
                "{name}{suffix} has rank {rank}, and the configuration says {rank_2}.",
                name=name,
                suffix=suffix,
                rank=rank,
                rank_2=adapter.rank,
            ),
            path=adapter.folder,
            hint=tr("Configuration and weights come from different trainings: save the adapter again."),
        )


def _weights(adapter: Adapter) -> Path:
    return adapter.folder / WEIGHTS


def hardly_acts(name: str, moved: float, spread: float) -> Notice:
    """Return what is to be said of an adapter that moves the scores of a base by next to nothing."""
    return Notice(
        "adapter_hardly_acts",
        tr(
            "adapter {name} hardly changes the model: the scores after one prompt move by at most {moved:.2g}, "
            "and their spread is {spread:.2g}",
            name=name,
            moved=moved,
            spread=spread,
        ),
    )


def no_effect(adapter: Adapter) -> AdapterMismatchError:
    """Return the error on an adapter with which the base's scores are the same."""
    reason, hint = tr("its tensors reach no layer of the model"), tr("Check target_modules in adapter_config.json.")
    if all_zero(adapter):
        reason = tr("all its lora_B weights are zero, as before the first optimizer step")
        hint = tr("Train it: a run of no more steps than its warm-up, or max_steps 1, changes nothing.")
    return AdapterMismatchError(
        tr("{name} has no effect: base and adapter give equal scores; {reason}.", name=adapter.name, reason=reason),
        hint=hint,
    )
