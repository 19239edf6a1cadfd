"""A report before it is written: the figures of a leaderboard with the answers and verdicts behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.analysis.leaderboard import Leaderboard
from harness.analysis.pairwise import PairBoard
from harness.analysis.prompt_test import Experiment
from harness.analysis.scores import ScoreTable
from harness.types import Generation, RenderedPrompt, RowKey, Sampling, Verdict

SLOT = "\ue000"
"""Where the answer stands in a judge's prompt: a letter for private use, which no rubric has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAnswer:
    """One answer with every verdict on it, by judge, one for each judge repeat.

    ``generation`` None: nothing was generated. ``sampling`` None: the answer existed already.
    """

    task: str
    sample_id: str
    row: RowKey
    repeat: int
    generation: Generation | None
    sampling: Sampling | None
    verdicts: Mapping[str, tuple[Verdict, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptExample:
    """A prompt template as it was used: its hash, and what it makes of the first sample of a task."""

    name: str
    sha256: str | None
    task: str
    sample_id: str
    rendered: RenderedPrompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a report may show. ``tables`` are in the order of the leaderboard's boards, ``pairs`` beside them.

    ``ab``: the tests of prompts, where the run has any · ``asked``: by judge and task set, what the judge was sent
    about each sample, with `SLOT` for the answer, where that is known.
    """

    leaderboard: Leaderboard
    tables: tuple[ScoreTable, ...]
    answers: tuple[ShownAnswer, ...]
    prompts: tuple[PromptExample, ...]
    provenance: Mapping[str, Any]
    notices: tuple[str, ...] = ()
    pairs: tuple[PairBoard, ...] = ()
    ab: tuple[Experiment, ...] = ()
    asked: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
