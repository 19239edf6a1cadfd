"""From what a person types (flags and harness.toml) to an `EvalSpec`."""

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Lt

from harness import plugins
from harness.codec import decode, digest
from harness.errors import InputError, UnknownNameError, UsageError
from harness.locale import tr
from harness.tables.files import read_toml
from harness.templates import is_path
from harness.types import EvalSpec, JudgeSpec, ModelSpec, TaskSpec

DEFAULT_BASE = "llm-jp/llm-jp-3-13b"
DEFAULT_STORE = "sqlite:///runs/store.sqlite"
DEFAULT_PROMPT = "course.v1"
_NAME_LENGTH = 60  # characters of a task's name in a run's; file systems allow 255 bytes
LOCAL_BACKENDS = {"base", "adapter", "hf", "gguf", "embedded"}  # all read the settings of [models.hf]
_STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationConfig:
    """The ``[generation]`` table: defaults for how tokens are drawn."""

    __pydantic_config__ = _STRICT
    max_new_tokens: Annotated[int, Ge(1)] | None = None
    temperature: Annotated[float, Ge(0), Lt(math.inf)] | None = None
    repetition_penalty: Annotated[float, Gt(0), Lt(math.inf)] | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """harness.toml. Every key is optional and every flag wins over it.

    ``models`` holds ``base`` and one table of settings per backend; ``judges`` and ``tasks`` hold one table per name.
    """

    __pydantic_config__ = _STRICT
    store: str | None = None
    lang: Literal["en", "ja"] | None = None
    runs: str = "runs"
    prompt: str | None = None
    models: Mapping[str, Any] = field(default_factory=dict)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    judges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTable:
    """What every ``[tasks.NAME]`` table may hold; further keys are the task plugin's own settings."""

    path: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


def load_config(path: str | None) -> Config:
    """Return the configuration of a file; without a path, ``harness.toml`` of this folder if there is one.

    Raises:
        InputError: the file is missing though asked for, is not TOML, or holds an unknown key or a wrong value.
    """
    source = Path(path or "harness.toml")
    if path is None and not source.exists():
        return Config()
    data = read_toml(source)
    config = decode(Config, data, where=str(source))
    _check_models(config.models, source)
    return config


def _check_models(models: Mapping[str, Any], source: Path) -> None:
    """Refuse what would be passed over in silence: a misspelt table, or a value where a table stands."""
    known = {"base", *plugins.names("models")}
    for name, value in models.items():
        if name not in known:
            raise UnknownNameError(tr("key of [models]"), name, known)
        wanted, what = (str, "text") if name == "base" else (Mapping, "a table of settings")
        if not isinstance(value, wanted):
            raise InputError(
                tr("models.{name}: should be {what} (got {value!r}).", name=name, what=what, value=value), path=source
            )


def store_url(flag: str | None, config: Config) -> str:
    """Return the store to use: the flag, else ``HARNESS_STORE``, else harness.toml, else a file under runs/."""
    return flag or os.environ.get("HARNESS_STORE") or config.store or DEFAULT_STORE


def parse_model(
    text: str,
    config: Config,
    *,
    base: str | None = None,
    quantization: str | None = None,
    dtype: str | None = None,
) -> ModelSpec:
    """Return the model spec of ``[LABEL=]SPEC``.

    A label is what stands before the first ``=`` if it holds no colon, so that ``outputs:a=b.jsonl`` has none.

    >>> parse_model("mine=outputs:answers.csv", Config()).label
    'mine'

    Raises:
        UnknownNameError: no backend has the name before the colon.
        UsageError: the spec is empty or lacks what its backend needs.
    """
    label, separator, rest = text.partition("=")
    if not separator or ":" in label:
        label, rest = text, text
    if not label.strip() or not rest.strip():
        raise UsageError(
            tr("--model {text!r} is empty.", text=text), hint=tr("Write --model SPEC or --model LABEL=SPEC.")
        )
    backend, colon, target = rest.partition(":")
    plugins.entry("models", backend)
    if colon and not target:
        raise UsageError(
            tr("--model {text!r} names nothing after the colon.", text=text),
            hint=tr("Write --model {backend}:TARGET.", backend=backend),
        )
    revision = None
    if backend in {"adapter", "hf"} and "@" in target:
        target, _, revision = target.rpartition("@")
    settings = config.models.get("hf" if backend in LOCAL_BACKENDS else backend, {})
    return ModelSpec(
        text=rest,
        label=label,
        backend=backend,
        target=target or None,
        base=base or config.models.get("base", DEFAULT_BASE),
        revision=revision,
        adapter=target if backend == "adapter" else None,
        quantization=quantization,
        dtype=dtype,
        settings=settings,
    )


def parse_task(text: str, config: Config) -> TaskSpec:
    """Return the task spec of ``NAME[=PATH]``; ``[tasks.NAME]`` of harness.toml may give the path and the columns.

    Raises:
        UsageError: no name, or no path where the name alone says nothing.
        InputError: the table's path or columns are of the wrong type.
    """
    name, separator, path = text.partition("=")
    if not name or (separator and not path):
        raise UsageError(
            tr("--task {text!r} lacks a name or a path.", text=text), hint=tr("Write --task NAME or --task NAME=PATH.")
        )
    settings = dict(config.tasks.get(name, {}))
    own: dict[str, Any] = {key: settings.pop(key) for key in ("path", "columns") if key in settings}
    table = decode(TaskTable, own, where=f"[tasks.{name}]")
    source = path or table.path
    task = TaskSpec(name=name, source=source, columns=table.columns, settings=settings)
    if source is None and is_path(name):
        raise UsageError(
            tr("--task {name!r} is a path without a name.", name=name),
            hint=tr("Give it a name: --task {stem}={name}", stem=Path(name).stem, name=name),
        )
    if source is None:
        plugins.entry("tasks", task_plugin(task))
    return task


def task_plugin(task: TaskSpec) -> str:
    """Return the name of the plugin that reads a task: its own, that of its prefix (``bundled:…``), else ``file``."""
    for name in (task.name, task.name.partition(":")[0]):
        if name in plugins.names("tasks"):
            return name
    return "file" if task.source is not None else task.name


def parse_judge(text: str, config: Config, *, rubric: str | None = None) -> JudgeSpec:
    """Return the judge spec of ``NAME[:OPTION]``.

    Raises:
        UnknownNameError: no judge has this name.
    """
    name, _, option = text.partition(":")
    plugins.entry("judges", name)
    return JudgeSpec(text=text, name=name, option=option or None, rubric=rubric, settings=config.judges.get(name, {}))


def check_labels(models: Sequence[str]) -> None:
    """Raise UsageError if two models share a label.

    >>> check_labels(["base", "mine"])
    """
    seen: set[str] = set()
    for label in models:
        if label in seen:
            raise UsageError(
                tr("Two models are labelled {label!r}.", label=label),
                hint=tr("Tell them apart: --model NAME=SPEC for one of them."),
            )
        seen.add(label)


def default_run_name(spec: EvalSpec) -> str:
    """Return the run name derived from the spec, so that the same command resumes the same run."""
    task = re.sub(r"[^\w.+=@,-]", "-", spec.tasks[0].name)[:_NAME_LENGTH]
    more = f"-and-{len(spec.tasks) - 1}-more" if len(spec.tasks) > 1 else ""
    return f"{task}{more}-{digest(spec)[:8]}"
