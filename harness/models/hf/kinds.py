"""Which adapters can be evaluated on a base that others use, too: an allow-list of kinds, options and initialisations.

An adapter is loaded with trained weights, so it never needs initialising. Some ways of initialising take a part out of
the base's weights and train the rest beside it (PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA): what was trained then belongs to
that changed base, and is wrong on the true one. Those are refused; harmless ways are replaced by the plain one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from peft import PEFT_TYPE_TO_CONFIG_MAPPING

from harness.errors import AdapterMismatchError, InputError
from harness.locale import tr

MERGE = (
    "Merge it where it was trained and evaluate the whole model: model = PeftModel.from_pretrained(base, DIR); "
    "model.merge_and_unload().save_pretrained(OUT), with the tokenizer, then hf:OUT."
)
_AROUND = {  # these add virtual tokens or prompts around the model, not weights inside it
    "PROMPT_TUNING",
    "MULTITASK_PROMPT_TUNING",
    "P_TUNING",
    "PREFIX_TUNING",
    "ADAPTION_PROMPT",
    "CPT",
    "CARTRIDGE",
}
_INSIDE = {  # saved whole: loaded on the same base they give what they gave in training, and leave the base as it was
    *("LORA", "ADALORA", "BEFT", "BOFT", "C3A", "DEFT", "DELORA", "FOURIERFT", "GLORA", "GRALORA", "HIRA", "HRA"),
    *("IA3", "LILY", "LN_TUNING", "LOHA", "LOKR", "MISS", "OFT", "PEANUT", "PVERA", "RANDLORA", "ROAD", "SHIRA"),
    *("TRAINABLE_TOKENS", "UNILORA", "VBLORA", "VERA", "WAVEFT"),
}
_HARMLESS = {"gaussian", "eva", "orthogonal", "mica"}  # set the adapter's own weights only
_OWN_CONFIGS = ("loftq_config", "eva_config", "corda_config", "lora_ga_config")  # how to initialise
_OTHER_LORA = {  # these change the base's layers, look at the prompt, draw at random or bring other adapters
    *("layer_replication", "alora_invocation_tokens", "arrow_config", "monteclora_config", "velora_config"),
    *("kasa_config", "use_bdlora", "use_qalora", "megatron_config"),
}
_ANY_SIZE = ("alpha", "seed", "key", "token", "total_step", "tinit", "tfinal", "delta")  # numbers that size nothing
_SMALL = 4096  # a number up to which nothing is suspicious


def check_kind(config: Mapping[str, Any], path: object) -> str:
    """Return the kind of an adapter, if adapters of this kind and with these options can be evaluated.

    Raises:
        InputError: they cannot, and why.
    """
    kind = str(config.get("peft_type") or "").upper()
    known = {getattr(name, "value", str(name)): made for name, made in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    where = str(path)
    if not kind:
        raise InputError(tr("it does not say what kind of adapter it is: peft_type is missing."), path=where)
    if kind not in known:
        raise InputError(tr("peft_type {kind!r} is not known to the installed peft.", kind=kind), path=where)
    if kind in _AROUND:
        raise InputError(
            tr(
                "an adapter of type {kind} puts virtual tokens around the model; only adapters inside it are "
                "evaluated.",
                kind=kind,
            ),
            path=where,
            hint=tr("Supported: LORA and the other types that change the model's layers."),
        )
    if kind not in _INSIDE:
        raise InputError(
            tr(
                "an adapter of type {kind} is made anew from the base, or from other adapters, when it is loaded; "
                "whether "
                "that gives what was trained is not certain, so it is refused.",
                kind=kind,
            ),
            path=where,
            hint=MERGE,
        )
    task = str(config.get("task_type") or "CAUSAL_LM")
    if task != "CAUSAL_LM":
        raise InputError(tr("an adapter for {task}, not for text generation (CAUSAL_LM).", task=task), path=where)
    options = {field.name for field in fields(known[kind])} - _OTHER_LORA
    for name, value in config.items():
        if name not in options and value not in (None, False, [], {}, ""):
            raise InputError(
                tr(
                    "{name} = {value} in an adapter of type {kind} is not known to be evaluated right.",
                    name=name,
                    value=str(value)[:60],
                    kind=kind,
                ),
                path=where,
                hint=tr("A newer peft may know it; or merge the adapter. ") + MERGE,
            )
    _check_initialisation(config.get("init_lora_weights"), where)
    return kind


def without_initialisation(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration that initialises nothing from anywhere; the trained weights replace it all.

    >>> without_initialisation({"peft_type": "LORA", "init_lora_weights": "eva", "eva_config": {}, "r": 4})
    {'peft_type': 'LORA', 'init_lora_weights': True, 'r': 4}
    """
    changed = {name: value for name, value in config.items() if name not in _OWN_CONFIGS}
    if "init_lora_weights" in changed:
        changed["init_lora_weights"] = True
    return changed


def check_sizes(config: Mapping[str, Any], longest: int, name: str) -> None:
    """Raise if a configuration asks for more than the saved tensors can hold; ``longest``: their longest side.

    Raises:
        HarnessError: which entry, and both numbers.
    """
    for field, value in config.items():
        if any(part in field.lower() for part in _ANY_SIZE):
            continue
        for number in _numbers(value):
            if number > max(_SMALL, longest):
                raise AdapterMismatchError(
                    tr(
                        "{name}: adapter_config.json says {field} = {number:.6g}, and no side of its tensors is longer "
                        "than {longest:,}.",
                        name=name,
                        field=field,
                        number=number,
                        longest=longest,
                    ),
                    hint=tr("Configuration and weights come from different trainings: save the adapter again."),
                )


def _check_initialisation(wanted: object, where: str) -> None:
    if wanted is None or isinstance(wanted, bool) or (isinstance(wanted, str) and wanted.lower() in _HARMLESS):
        return
    raise InputError(
        tr(
            "init_lora_weights = {wanted!r}: such an adapter was trained beside a base whose weights it had "
            "changed, and does not belong to the base as it is.",
            wanted=str(wanted)[:60],
        ),
        path=where,
        hint=tr("Save it as a plain LoRA: save_pretrained(DIR, path_initial_model_for_weight_conversion=INITIAL). Or: ")
        + MERGE,
    )


def _numbers(value: object) -> Iterator[float]:
    """Yield the numbers in a value of a configuration, those in lists and tables, too."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _numbers(part)
    elif isinstance(value, list):
        for part in value:
            yield from _numbers(part)
