"""Recipes: every hyperparameter of a training, with where it came from, as a short TOML file."""

import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le, Lt

from harness.codec import decode, digest
from harness.errors import InputError, UnknownNameError, UsageError
from harness.locale import Text, tr
from harness.tables.files import read_toml

Positive = Annotated[int, Ge(1)]
Finite = Annotated[float, Ge(0), Lt(math.inf)]
_FOLDED = re.compile(r"[\\/]")
_FORMER = {("loss", "answer"): "completion_only"}  # values that have another name by now
_PREFERENCE = {"beta", "loss_type", "sft_weight", "label_smoothing"}
_CHOICES: Mapping[str, tuple[Callable[[Any], bool], Text]] = {  # keys of several types: what they take, in words
    "gradient_checkpointing": (lambda value: isinstance(value, bool) or value == "auto", tr("true, false or auto")),
    "dequantize": (lambda value: isinstance(value, bool) or value == "auto", tr("true, false or auto")),
    "heldout": (
        lambda value: _is_number(value) and (0 <= value < 1 or (isinstance(value, int) and value >= 0)),
        tr("a share from 0 to below 1, or a whole number of samples"),
    ),
    "loraplus_lr_ratio": (
        lambda value: _is_number(value) and (value == 0 or 1 <= value < math.inf),
        tr("0 (one learning rate for A and B) or a number from 1"),
    ),
    "max_steps": (lambda value: value != 0, tr("-1 (all epochs) or a number of steps")),
    "sample_prompts": (
        lambda value: isinstance(value, str) or (_is_number(value) and isinstance(value, int) and value >= 0),
        tr("a number of held-out prompts, or a file of prompts"),
    ),
    "shard": (lambda value: isinstance(value, bool) or value == "auto", tr("true, false or auto")),
    "target_modules": (
        lambda value: bool(value) and (_is_pattern(value) or _is_list_of_text(value)),
        tr("all-linear, a regular expression or a list of names"),
    ),
    "use_liger_kernel": (lambda value: isinstance(value, bool) or value == "auto", tr("true, false or auto")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every hyperparameter of a training, under the names that transformers, trl and peft use for them.

    ``data`` are sources of samples, as --data takes them, which counts instead where it is given: ``PATH``, or with a
    share of the mixture or the most rows that are taken (``PATH:0.7``, ``PATH:500``). ``mixture_samples`` is the size
    of a mixture with shares; 0: as large as it can be without learning a sample twice.
    ``chat_template_path`` is a file with a Jinja2 chat template that writes chats in place of the base's own ("": that
    one), ``chat_template_kwargs`` are arguments of the template, such as ``enable_thinking``; both for chat prompts.
    ``objective`` "dpo" learns from pairs of a better and a worse answer (Rafailov et al., "Direct Preference
    Optimization", 2023): a sample is then a pair, ``beta`` how closely the adapter stays to where it starts from,
    ``loss_type`` the paper's loss or IPO's (Azar et al., 2023), ``sft_weight`` that of the better answers' own loss
    beside it, ``label_smoothing`` the share of pairs that are taken to be the wrong way round.
    ``per_device_train_batch_size`` × ``gradient_accumulation_steps`` is the effective batch, in samples per optimizer
    step, on any number of GPUs: how it is cut into micro-batches is decided by the memory that is there and changes no
    sum. ``loss`` says which tokens are learnt: those of the answer ("completion_only"), or "all". A sample of more than
    ``max_length`` tokens is cut there, so that its end is not learnt (``overlong`` "truncate"), or left out ("drop").
    ``max_steps`` −1 is the whole of ``num_train_epochs``. ``heldout`` is a share (below 1) or a number of samples that
    are never trained on; their loss is measured before, after and every ``eval_steps`` optimizer steps (0: only before
    and after). ``early_stopping_patience`` ends the training after that many measurements in a row that are no lower
    than the lowest before them (0: never); ``keep_best`` writes the adapter of the lowest one, not the last.
    ``use_rslora`` scales the adapter by lora_alpha / √lora_r instead of lora_alpha / lora_r (Kalajdzievski, 2023),
    ``use_dora`` trains the length of each row of a weight apart from its direction (Liu et al., "DoRA", 2024),
    ``loraplus_lr_ratio`` is how many times the learning rate of A that of B is (0: the same), ``neftune_noise_alpha``
    how much noise is on the embeddings while training (0: none).
    ``eval_tasks`` names tasks that the adapter answers every ``eval_every`` optimizer steps (0: ``save_steps``), before
    the first and after the last, ``eval_judge`` who judges them, ``eval_limit`` how many of them (0: all); what that
    shows ends the training early (``eval_patience``: see `trainers.evaluations.stopping`). ``best_by`` "judge":
    ``keep_best`` goes by the judge's mean.
    ``sample_prompts`` are answered, for people to read, whenever the held-out loss is measured: so many of those held
    out, or those of a file, with at most ``sample_max_new_tokens``; no weight changes by it.
    ``report_to`` "tensorboard" writes the figures of the log as event files into the adapter's folder as well.
    ``dequantize`` turns nf4 weights back once after loading (same values, faster, four times the memory);
    ``gradient_checkpointing`` recomputes activations instead of keeping them; both are decided by memory if "auto".
    ``shard`` has the processes of a training share the weights of the base's layers ("auto": if it fits no other way).
    ``use_liger_kernel`` computes norms and gated layers with Liger's kernels on a GPU, which is faster and keeps less
    ("auto": where the extra ``liger`` is installed, layers are not compiled and the base's architecture was checked).
    """

    __pydantic_config__ = {"extra": "forbid", "strict": True}  # noqa: RUF012 - pydantic reads it from the class

    summary: str = ""
    data: tuple[str, ...] = ()
    mixture_samples: Annotated[int, Ge(0)] = 0
    prompt: str = "course.v1"
    chat_template_path: str = ""
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    objective: Literal["sft", "dpo"] = "sft"
    beta: Annotated[float, Gt(0), Lt(math.inf)] = 0.1
    loss_type: Literal["sigmoid", "ipo"] = "sigmoid"
    sft_weight: Finite = 0.0
    label_smoothing: Annotated[float, Ge(0), Lt(0.5)] = 0.0
    loss: Literal["completion_only", "all"] = "completion_only"
    max_length: Annotated[int, Ge(8)] = 1024
    overlong: Literal["truncate", "drop"] = "truncate"
    quantization: Literal["nf4", "none"] = "nf4"
    double_quant: bool = False
    lora_r: Positive = 16
    lora_alpha: Positive = 32
    lora_dropout: Annotated[float, Ge(0), Lt(1)] = 0.0
    target_modules: str | tuple[str, ...] = "all-linear"
    use_rslora: bool = False
    use_dora: bool = False
    loraplus_lr_ratio: Annotated[float, Ge(0), Lt(math.inf)] = 0.0
    neftune_noise_alpha: Finite = 0.0
    learning_rate: Annotated[float, Gt(0), Lt(math.inf)] = 2e-4
    lr_scheduler_type: Literal["linear", "cosine", "constant", "constant_with_warmup"] = "linear"
    warmup_steps: Annotated[int, Ge(0)] = 0
    weight_decay: Finite = 0.0
    max_grad_norm: Finite = 1.0
    optim: Literal["adamw_torch", "adamw_torch_fused", "paged_adamw_32bit", "paged_adamw_8bit"] = "adamw_torch"
    num_train_epochs: Annotated[float, Gt(0), Lt(math.inf)] = 1.0
    max_steps: Annotated[int, Ge(-1)] = -1
    per_device_train_batch_size: Positive = 2
    gradient_accumulation_steps: Positive = 4
    gradient_checkpointing: bool | Literal["auto"] = "auto"
    dequantize: bool | Literal["auto"] = "auto"
    torch_compile: bool = False
    shard: bool | Literal["auto"] = "auto"
    use_liger_kernel: bool | Literal["auto"] = "auto"
    seed: Annotated[int, Ge(0), Le(2**32 - 1)] = 42
    logging_steps: Positive = 10
    save_steps: Positive = 100
    save_total_limit: Positive = 2
    eval_steps: Annotated[int, Ge(0)] = 0
    heldout: Annotated[int, Ge(0)] | Annotated[float, Ge(0), Lt(1)] = 0
    early_stopping_patience: Annotated[int, Ge(0)] = 0
    keep_best: bool = False
    best_by: Literal["heldout", "judge"] = "heldout"
    eval_tasks: str = ""
    eval_judge: str = "rules"
    eval_every: Annotated[int, Ge(0)] = 0
    eval_limit: Annotated[int, Ge(0)] = 0
    eval_patience: Annotated[int, Ge(0)] = 3
    sample_prompts: Annotated[int, Ge(0)] | str = 0
    sample_max_new_tokens: Positive = 64
    report_to: Literal["none", "tensorboard"] = "none"
    data_license: str | None = None

    @property
    def chooses(self) -> bool:
        """Whether the held-out loss decides which step's adapter is written.

        >>> Recipe(keep_best=True).chooses, Recipe().chooses
        (True, False)
        """
        return (self.keep_best and self.best_by == "heldout") or self.early_stopping_patience > 0

    @property
    def each(self) -> int:
        """How many answers make up a sample.

        >>> Recipe(objective="dpo").each, Recipe().each
        (2, 1)
        """
        return 2 if self.objective == "dpo" else 1

    @property
    def batch_size(self) -> int:
        """The samples of one optimizer step, over all devices together.

        >>> Recipe(per_device_train_batch_size=2, gradient_accumulation_steps=4).batch_size
        8
        """
        return self.per_device_train_batch_size * self.gradient_accumulation_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRecipe:
    """A recipe with its name, where its values come from, and which of them ``--set`` changed."""

    name: str
    values: Recipe
    sources: Mapping[str, str] = field(default_factory=dict)
    changed: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The identity of the values."""
        return digest(asdict(self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """The shape of a recipe file: the values at the top, and a table of sources."""

    __pydantic_config__ = {"extra": "allow"}  # noqa: RUF012 - the other keys are the recipe's, checked as such
    sources: Mapping[str, str] = field(default_factory=dict)


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with the harness.

    >>> recipe_names()
    ['article', 'course-plain', 'course-unsloth', 'cpu-demo', 'dpo', 'fast']
    """
    folder = files("trainers") / "recipes"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))


def load_recipe(name_or_path: str, changes: Sequence[str] = ()) -> NamedRecipe:
    """Return a recipe by name, or from a TOML file, with ``KEY=VALUE`` changes applied.

    >>> load_recipe("article", ["max_steps=1"]).values.max_steps
    1

    Raises:
        UnknownNameError: there is no recipe of this name, or no key of that name.
        UsageError: a change is not ``KEY=VALUE``, comes twice, or gives a key a value that it does not take.
        InputError: the file cannot be read, or holds a key or a value that cannot be used.
    """
    is_file = name_or_path.endswith(".toml") or _FOLDED.search(name_or_path) is not None
    if not is_file and name_or_path not in recipe_names():
        raise UnknownNameError(tr("recipe"), name_or_path, recipe_names())
    data = _read(Path(name_or_path).expanduser()) if is_file else _shipped(name_or_path)
    sources = decode(_File, {"sources": data.pop("sources", {})}, where=name_or_path).sources
    known = {item.name for item in fields(Recipe)}
    for key in (*data, *sources):
        if key not in known:
            raise InputError(tr("no recipe key is named {key!r}.", key=key), path=name_or_path, hint=_near(key, known))
    values = _checked(data, where=name_or_path)
    changed = _parse_changes(changes, known)
    if changed:
        try:
            values = _checked(data | changed, where="--set")
        except InputError as error:
            hint = error.hint or tr("Give it a value that it takes, or leave it out: the recipe has one of its own.")
            raise UsageError(error.message, hint=hint) from error
    name = Path(_FOLDED.split(name_or_path)[-1]).stem if is_file else name_or_path
    return NamedRecipe(name=name, values=values, sources=sources, changed=tuple(sorted(changed)))


def current_value(key: str, value: Any) -> Any:  # noqa: ANN401 - of any type that a recipe's key takes
    """Return a recipe's value by the name that it has now.

    >>> current_value("loss", "answer"), current_value("loss", "all")
    ('completion_only', 'all')
    """
    return _FORMER.get((key, value), value) if isinstance(value, str) else value


def _checked(data: Mapping[str, Any], *, where: str) -> Recipe:
    """Return the recipe of these values; every wrong one is named with its key."""
    data = {key: current_value(key, value) for key, value in data.items()}
    for key, (fits, takes) in _CHOICES.items():
        if key in data and not fits(data[key]):
            raise InputError(
                tr("{key}: takes {takes} (got {data!r}).", key=key, takes=takes, data=data[key]), path=where
            )
    recipe = decode(Recipe, json.dumps(data, default=str), where=where)
    for key in _PREFERENCE & data.keys() if recipe.objective == "sft" else ():
        if getattr(recipe, key) != getattr(Recipe(), key):
            raise InputError(
                tr('{key} is for objective = "dpo", and this recipe learns from single answers.', key=key),
                path=where,
                hint=tr("Leave it out, or add objective=dpo and data with a better and a worse answer."),
            )
    if recipe.objective == "dpo" and recipe.loss == "all":
        raise InputError(
            tr('loss = "all" learns prompts, and objective = "dpo" compares two answers to one prompt.'),
            path=where,
            hint=tr('Take loss = "completion_only".'),
        )
    if recipe.best_by == "judge" and not recipe.eval_tasks:
        raise InputError(
            tr('best_by = "judge" goes by tasks that are judged on the way, and eval_tasks names none.'),
            path=where,
            hint=tr("For example: --eval-tasks NAME=PATH --eval-judge rules"),
        )
    if isinstance(recipe.sample_prompts, int) and recipe.sample_prompts and not recipe.heldout:
        raise InputError(
            tr("sample_prompts takes prompts that are held out, and heldout is 0."),
            path=where,
            hint=tr('For example: heldout = 0.05, or sample_prompts = "prompts.txt"'),
        )
    if recipe.chooses and not (recipe.heldout and recipe.eval_steps):
        raise InputError(
            tr(
                "{key} goes by the held-out loss on the way, and {missing} is 0.",
                key="early_stopping_patience" if recipe.early_stopping_patience else "keep_best",
                missing="eval_steps" if recipe.heldout else "heldout",
            ),
            path=where,
            hint=tr("For example: heldout = 0.05 and eval_steps = 50"),
        )
    return recipe


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pattern(value: object) -> bool:
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _near(key: str, known: set[str]) -> str | None:
    return UnknownNameError(tr("recipe key"), key, known).hint


def _shipped(name: str) -> dict[str, Any]:
    return tomllib.loads((files("trainers") / "recipes" / f"{name}.toml").read_text(encoding="utf-8"))


def _read(path: Path) -> dict[str, Any]:
    if not path.exists() and not path.is_symlink():
        raise InputError(
            tr("no such recipe file."),
            path=path,
            hint=tr("Recipes by name: {recipe_names}.", recipe_names=", ".join(recipe_names())),
        )
    return read_toml(path)


def _parse_changes(changes: Sequence[str], known: set[str]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for text in changes:
        key, value = _parse_change(text)
        if key not in known:
            raise UnknownNameError(tr("recipe key"), key, known)
        if key in changed:
            raise UsageError(
                tr(
                    "--set {key} is given twice: {changed!r} and {value!r}.", key=key, changed=changed[key], value=value
                ),
                hint=tr("Give it once."),
            )
        changed[key] = value
    return changed


def _parse_change(text: str) -> tuple[str, Any]:
    """Return the key and the value of ``KEY=VALUE``: a TOML value, or what people write for one, or else plain text.

    >>> _parse_change("learning_rate=1e-4"), _parse_change("prompt=plain.v1"), _parse_change("lora_dropout=.05")
    (('learning_rate', 0.0001), ('prompt', 'plain.v1'), ('lora_dropout', 0.05))
    >>> _parse_change('target_modules=["q_proj"]'), _parse_change("double_quant=True")
    (('target_modules', ['q_proj']), ('double_quant', True))
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key:
        raise UsageError(
            tr("--set {text!r} is not KEY=VALUE.", text=text), hint=tr("For example: --set learning_rate=1e-4")
        )
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        parsed = {}
    if parsed.keys() == {"value"}:  # more keys: the text went on in another line
        return key, parsed["value"]
    if value.startswith(("[", "{")):
        example = '["q_proj", "v_proj"]' if value.startswith("[") else "{enable_thinking = false}"
        raise UsageError(
            tr("--set {text!r} is not valid TOML; a shell takes quotation marks away.", text=text),
            hint=tr("Quote it whole, for example: --set '{key}={example}'", key=key, example=example),
        )
    if value in {"True", "False"}:
        return key, value == "True"
    try:
        return key, float(value)
    except ValueError:
        return key, value
