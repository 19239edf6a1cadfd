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
from harness.pairs.settings import OF_THE_JUDGE
from harness.tables.files import read_toml
from harness.templates import is_path
from harness.types import Estimand, EvalSpec, JudgeSpec, ModelSpec, TaskSpec

DEFAULT_BASE = "llm-jp/llm-jp-3-13b"
DEFAULT_STORE = "sqlite:///runs/store.sqlite"
DEFAULT_PROMPT = "course.v1"
PAIRWISE = "pairwise"
"""The judge that compares answers instead of scoring them."""
_NAME_LENGTH = 60  # characters of a task's name in a run's; file systems allow 255 bytes
LOCAL_BACKENDS = {"base", "adapter", "checkpoints", "hf", "gguf", "embedded"}  # all read the settings of [models.hf]
_STRICT = {"extra": "forbid"}
_FULL_WIDTH = {**{wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}, 0x3000: 0x20, 0x301C: 0x7E}
_PYTHON_FILE = re.compile(r"(?P<path>.+\.py)(?P<name>:[^:/\\]*)?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationConfig:
    """The ``[generation]`` table: defaults for how tokens are drawn."""

    __pydantic_config__ = _STRICT
    max_new_tokens: Annotated[int, Ge(1)] | None = None
    temperature: Annotated[float, Ge(0), Lt(math.inf)] | None = None
    repetition_penalty: Annotated[float, Gt(0), Lt(math.inf)] | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationConfig:
    """The ``[eval]`` table: what is declared before looking (see `harness.types.Declaration`)."""

    __pydantic_config__ = _STRICT
    primary: str | None = None
    primary_task: str | None = None
    margin: Annotated[float, Gt(0), Lt(math.inf)] | None = None
    estimand: Estimand | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """harness.toml. Every key is optional and every flag wins over it.

    ``models`` holds ``base`` and one table of settings per backend; ``judges`` and ``tasks`` hold one table per name.
    """

    __pydantic_config__ = _STRICT
    store: str | None = None
    store_mirror: str | None = None
    lang: Literal["en", "ja"] | None = None
    runs: str = "runs"
    prompt: str | None = None
    engine: Literal["auto", "hf", "vllm"] | None = None
    models: Mapping[str, Any] = field(default_factory=dict)
    generation: GenerationConfig = field(default_factory=GenerationConfig)
    eval: DeclarationConfig = field(default_factory=DeclarationConfig)
    judges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTable:
    """What every ``[tasks.NAME]`` table may hold; further keys are the task plugin's own settings."""

    path: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    seal: Annotated[float, Gt(0), Lt(1)] | None = None


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
        wanted, what = (str, tr("text")) if name == "base" else (Mapping, tr("a table of settings"))
        if not isinstance(value, wanted):
            raise InputError(
                tr("models.{name}: should be {what} (got {value!r}).", name=name, what=what, value=value), path=source
            )


def store_url(flag: str | None, config: Config) -> str:
    """Return the store to use: the flag, else ``HARNESS_STORE``, else harness.toml, else a file under runs/."""
    return flag or os.environ.get("HARNESS_STORE") or config.store or DEFAULT_STORE


def store_mirror(config: Config) -> str | None:
    """Return the folder that keeps a copy of the store: ``HARNESS_STORE_MIRROR``, else harness.toml's, else none."""
    return os.environ.get("HARNESS_STORE_MIRROR") or config.store_mirror


def plain(text: str) -> str:
    """Return text as it would have been typed on a keyboard for ASCII: full-width letters, digits and signs folded.

    >>> plain("ｅｃｈｏ"), plain("ｍｉｎｅ＝ｏｕｔｐｕｔｓ："), plain("答え")
    ('echo', 'mine=outputs:', '答え')
    """
    return text.translate(_FULL_WIDTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSpec:
    """``[LABEL=]BACKEND[:TARGET]`` taken apart; what the target means is the backend's affair."""

    label: str | None
    backend: str
    target: str | None

    @property
    def text(self) -> str:
        """The spec without its label."""
        return self.backend if self.target is None else f"{self.backend}:{self.target}"


def split_spec(text: str) -> SplitSpec:
    """Return the parts of ``[LABEL=]BACKEND[:TARGET]``, whatever stands in the target.

    A label is what stands before the first ``=`` if it holds no colon, so that ``outputs:a=b.jsonl`` has none. Wide
    signs count as plain ones, and a backend may be typed in wide letters; a label and a target stay as they are.

    >>> split_spec("mine=outputs:a=b@c.jsonl")
    SplitSpec(label='mine', backend='outputs', target='a=b@c.jsonl')
    >>> split_spec("私の＝ａｄａｐｔｅｒ：～/x").text
    'adapter:~/x'
    """
    folded = plain(text)  # one character for one, so that places are the same
    equals, colon = folded.find("="), folded.find(":")
    is_labelled = equals >= 0 and (colon < 0 or equals < colon)
    start = equals + 1 if is_labelled else 0
    end = len(text) if colon < 0 else colon
    target = None if colon < 0 else _homed(text[colon + 1 :].strip())
    return SplitSpec(
        label=text[:equals].strip() if is_labelled else None, backend=folded[start:end].strip(), target=target
    )


def _homed(path: str) -> str:
    """Return a path with the sign of the home folder as a plain one; whoever reads the path puts the folder there."""
    return f"~/{path[2:]}" if plain(path[:2]) == "~/" else path


def parse_model(
    text: str,
    config: Config,
    *,
    base: str | None = None,
    quantization: str | None = None,
    dtype: str | None = None,
    engine: str | None = None,
) -> ModelSpec:
    """Return the model spec of ``[LABEL=]BACKEND[:TARGET]``.

    >>> parse_model("mine=outputs:answers.csv", Config()).label
    'mine'

    Raises:
        UnknownNameError: no backend has the name before the colon.
        UsageError: the spec is empty or lacks what its backend needs.
    """
    parts = split_spec(text)
    label = parts.text if parts.label is None else parts.label
    if not label or not parts.backend:
        raise UsageError(
            tr("--model {text!r} is empty.", text=text), hint=tr("Write --model SPEC or --model LABEL=SPEC.")
        )
    _check_backend(parts)
    if parts.target == "":
        raise UsageError(
            tr("--model {text!r} names nothing after the colon.", text=text),
            hint=tr("Write --model {backend}:TARGET.", backend=parts.backend),
        )
    return ModelSpec(
        text=parts.text,
        label=label,
        backend=parts.backend,
        target=parts.target,
        base=base or config.models.get("base", DEFAULT_BASE),
        adapter=parts.target if parts.backend == "adapter" else None,
        quantization=quantization,
        dtype=dtype,
        settings=_settings(parts.backend, config, engine or config.engine),
    )


def _settings(backend: str, config: Config, engine: str | None) -> Mapping[str, Any]:
    """Return the settings of a backend; the engine is one where it was chosen, so that other runs keep their names."""
    if backend not in LOCAL_BACKENDS:
        settings: Mapping[str, Any] = config.models.get(backend, {})
        return settings
    return {**config.models.get("hf", {}), **({} if engine is None else {"engine": engine})}


def _check_backend(parts: SplitSpec) -> None:
    """Refuse a backend that is not there; a path without one is told which backend reads it."""
    names = plugins.names("models")
    if parts.backend in names:
        return
    meant = _meant(parts.text)
    raise UnknownNameError(
        tr("model"), parts.backend if meant is None else parts.text, names,
        hint=None if meant is None else tr("Did you mean {meant}?", meant=meant),
    )  # fmt: skip


def _meant(text: str) -> str | None:
    """Return the spec of a file or folder that was named without its backend, None if it is none."""
    shown = text.replace("\\", "/")
    path = Path(shown).expanduser()
    if path.is_dir():
        kinds = {"adapter_config.json": "adapter", "config.json": "hf"}
        inside = next((kind for name, kind in kinds.items() if (path / name).is_file()), None)
        checkpoints = any((one / "adapter_config.json").is_file() for one in path.glob("checkpoint-*"))
        kind = inside or ("checkpoints" if checkpoints and "checkpoints" in plugins.names("models") else "adapter")
        return f"{kind}:{shown}"
    if path.is_file():
        return f"{'gguf' if path.suffix == '.gguf' else 'outputs'}:{shown}"
    return None


def parse_task(text: str, config: Config) -> TaskSpec:
    """Return the task spec of ``NAME[=PATH]``; ``[tasks.NAME]`` of harness.toml may give the path and the columns.

    Raises:
        UsageError: no name, or no path where the name alone says nothing.
        InputError: the table's path or columns are of the wrong type.
    """
    place = plain(text).find("=")
    name, path = (text, None) if place < 0 else (text[:place].strip(), _homed(text[place + 1 :].strip()))
    if not name.strip() or path == "":
        raise UsageError(
            tr("--task {text!r} lacks a name or a path.", text=text), hint=tr("Write --task NAME or --task NAME=PATH.")
        )
    settings = dict(config.tasks.get(name, {}))
    own: dict[str, Any] = {key: settings.pop(key) for key in ("path", "columns", "seal") if key in settings}
    table = decode(TaskTable, own, where=f"[tasks.{name}]")
    source = path or table.path
    task = TaskSpec(name=name, source=source, columns=table.columns, settings=settings)
    if source is None and (is_path(name) or Path(name).is_file()):
        raise UsageError(
            tr("--task {name!r} is a path without a name.", name=name),
            hint=tr("Give it a name: --task {stem}={name}", stem=Path(name).stem, name=name),
        )
    if source is None:
        plugins.entry("tasks", task_plugin(task))
    return task


def seal_shares(spec: EvalSpec, config: Config, flag: float | None = None) -> dict[str, float]:
    """Return how much of each task set is to be sealed: ``--seal`` for all, else ``seal`` of ``[tasks.NAME]``.

    >>> task = TaskSpec(name="mine")
    >>> spec = EvalSpec(models=(), prompts=(), tasks=(task,), judges=())
    >>> seal_shares(spec, Config(tasks={"mine": {"seal": 0.4}})), seal_shares(spec, Config())
    ({'mine': 0.4}, {})
    """
    shares = {task.name: flag or config.tasks.get(task.name, {}).get("seal") for task in spec.tasks}
    return {name: share for name, share in shares.items() if share is not None}


def task_plugin(task: TaskSpec) -> str:
    """Return the name of the plugin that reads a task: its own, that of its prefix (``bundled:…``), else ``file``."""
    for name in (task.name, task.name.partition(":")[0]):
        if name in plugins.names("tasks"):
            return name
    return "file" if task.source is not None else task.name


def parse_judge(text: str, config: Config, *, rubric: str | None = None) -> JudgeSpec:
    """Return the judge spec of ``NAME[:OPTION]``, or of ``FILE.py[:NAME]``, which is named after its file.

    >>> parse_judge("./checks/my_metric.py:tone", Config()).text
    'my_metric:tone'

    Raises:
        UnknownNameError: no judge has this name.
    """
    parts = split_spec(text)
    if found := _PYTHON_FILE.fullmatch(text.strip()):
        stem = Path(found["path"].replace("\\", "/")).stem
        stem = f"{stem}.py" if stem in plugins.names("judges") else stem
        settings = config.judges.get(stem, {})
        name = f"{stem}{found['name'] or ''}".removesuffix(":")
        return JudgeSpec(text=name, name="python", option=text.strip(), rubric=rubric, settings=settings)
    name, option = (parts.backend, parts.target) if parts.label is None else (text, None)
    plugins.entry("judges", name)
    shown = name if option is None else f"{name}:{option}"
    settings = config.judges.get(name, {})
    if name == PAIRWISE:
        settings = {**settings, OF_THE_JUDGE: config.judges.get((option or "").partition(":")[0], {})}
    return JudgeSpec(text=shown, name=name, option=option or None, rubric=rubric, settings=settings)


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
