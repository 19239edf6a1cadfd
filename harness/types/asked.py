"""An evaluation as it was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Estimand = Literal["new", "these"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn. ``temperature`` 0 is greedy; ``seed`` then has no effect and is left out of every key."""

    max_new_tokens: int = 512
    temperature: float = 0.0
    repetition_penalty: float = 1.2
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model as asked for: ``text`` is the spec without its label, ``label`` its name in every report.

    ``adapter`` of the backend ``base`` is the adapter whose base it is, if nobody chose one. Else it and ``revision``
    are read by nobody: a target says both. They stay: keys and run names hold them.
    """

    text: str
    label: str
    backend: str
    target: str | None = None
    base: str | None = None
    revision: str | None = None
    adapter: str | None = None
    quantization: str | None = None
    dtype: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_labelled(self) -> bool:
        """Whether the user chose the label."""
        return self.label != self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A task as asked for: ``name``, the file it comes from if one was given, and the names of that file's columns."""

    name: str
    source: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSpec:
    """A judge as asked for: ``NAME[:OPTION]``. ``settings`` is its ``[judges.NAME]`` table."""

    text: str
    name: str
    option: str | None = None
    rubric: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSpec:
    """Everything an evaluation is: equal specs are the same run."""

    models: tuple[ModelSpec, ...]
    prompts: tuple[str, ...]
    tasks: tuple[TaskSpec, ...]
    judges: tuple[JudgeSpec, ...]
    sampling: Sampling = field(default_factory=Sampling)
    repeats: int = 1
    judge_repeats: int | None = None
    limit: int | None = None
    baseline: str | None = None
    seed: int = 0
    confidence: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What the claims of a run rest on, said before anybody looks; None is the default.

    ``primary``: the judge that verdicts come from, of ``primary_task`` alone if that is named · ``margin``: within how
    many points two rows count as equal · ``estimand``: intervals are about new tasks like these, or about these.
    ``late``: what was declared only after the run had figures, by field, with what held before.
    """

    primary: str | None = None
    primary_task: str | None = None
    margin: float | None = None
    estimand: Estimand | None = None
    late: Mapping[str, Any] = field(default_factory=dict)
