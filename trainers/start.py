"""An adapter that training goes on from: what it is made of decides the new one's shape, base and prompt."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from harness.errors import AdapterMismatchError, UsageError
from harness.locale import tr
from harness.models.hf.adapters import CONFIG, WEIGHTS, Adapter, choose_base, open_adapter
from harness.models.hf.reading import json_object
from harness.models.hf.sources import split_revision
from harness.models.hf.tokens import Encoder
from harness.templates import Template
from harness.templates.contract import mismatch, read_contract
from trainers.adapter.files import sha256_of
from trainers.recipe import NamedRecipe

_PLAIN = ("rank_pattern", "alpha_pattern", "modules_to_save", "trainable_token_indices")
_SHAPE = ("lora_r", "lora_alpha", "target_modules", "use_rslora", "use_dora")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An adapter to go on from. ``sha256`` is its weights'; ``base``, ``revision`` are the base it is to be put on."""

    adapter: Adapter
    sha256: str
    base: str
    revision: str | None
    notice: str | None


def open_start(target: str, base: str | None) -> Start:
    """Return an adapter as a place to start from; ``base`` as typed, None for the adapter's own.

    Raises:
        HarnessError: there is no such adapter, or its base is another one.
        AdapterMismatchError: it is more than LoRA layers of one rank, which is what is trained here.
    """
    name, revision = split_revision(target.removeprefix("adapter:"))
    adapter = open_adapter(name, revision)
    config = json_object(adapter.folder / CONFIG)
    odd = [key for key in _PLAIN if config.get(key)]
    if adapter.kind != "LORA" or config.get("bias") not in {None, "none"}:
        odd = [f"peft_type {adapter.kind}, bias {config.get('bias')}"]
    if odd:
        raise AdapterMismatchError(
            tr("{name} cannot be trained on: it is not plain LoRA ({odd}).", name=adapter.name, odd=", ".join(odd)),
            hint=tr("Merge it first (harness merge), and train a new adapter on the result."),
        )
    choice = choose_base(adapter, base)
    return Start(
        adapter=adapter,
        sha256=sha256_of(adapter.folder / WEIGHTS),
        base=choice.base,
        revision=choice.revision,
        notice=choice.notice,
    )


def with_shape_of(recipe: NamedRecipe, start: Start) -> NamedRecipe:
    """Return a recipe with the rank, scale and layers of the adapter that training goes on from.

    Raises:
        UsageError: ``--set`` asks for others.
    """
    config = json_object(start.adapter.folder / CONFIG)
    targets: Any = config.get("target_modules")
    shape: dict[str, Any] = {
        "lora_r": int(config["r"]),
        "lora_alpha": int(config["lora_alpha"]),
        "target_modules": targets if isinstance(targets, str) else tuple(sorted(targets or ())),
        "use_rslora": bool(config.get("use_rslora")),
        "use_dora": bool(config.get("use_dora")),
    }
    asked = asdict(recipe.values)
    for key in _SHAPE:
        if key in recipe.changed and asked[key] != shape[key]:
            raise UsageError(
                tr(
                    "--set {key}={asked!r} does not fit {name}, whose {key} is {is_!r}.",
                    key=key,
                    asked=asked[key],
                    name=start.adapter.name,
                    is_=shape[key],
                ),
                hint=tr("Leave it out: the new adapter has the shape of the one that it goes on from."),
            )
    return replace(recipe, values=replace(recipe.values, **shape))


def check_prompt(start: Start, template: Template, encoder: Encoder) -> None:
    """Check that training goes on with the prompt that the adapter was trained with, token by token.

    Raises:
        AdapterMismatchError: another one; without a contract nothing is known.
    """
    contract = read_contract(start.adapter.contract_folder)
    if contract is None:
        return
    hint = tr("Go on with its own: --set prompt={prompt}", prompt=contract.template)
    if encoder.chat_template != contract.chat_template:
        hint = tr("Leave chat_template_path and chat_template_kwargs out: its own chat format is gone on with.")
    if (difference := mismatch(contract, template, encoder.tokens)) is not None:
        raise AdapterMismatchError(
            tr("{name} was trained with another prompt: {why}", name=start.adapter.name, why=difference.sentence),
            hint=hint,
        )
