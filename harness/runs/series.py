"""One model after the other on the same tasks, each a row of one run: how an adapter is judged while it is trained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.analysis.scores import ScoreTable
from harness.analysis.verdict import margin_on
from harness.engine.execute import execute
from harness.engine.job import Progress, planned_judge
from harness.engine.plan import PlannedJudge
from harness.errors import ModelUnavailableError
from harness.locale import tr
from harness.notices import Notice
from harness.plugins import judge_info
from harness.protocols import ModelBackend, is_free
from harness.runs.asking import evaluation_spec
from harness.runs.assemble import assemble, open_judges, open_task
from harness.runs.boards import board_tables
from harness.runs.declared import declaration
from harness.runs.enter import enter
from harness.runs.finish import finish
from harness.runs.folder import RunFolder
from harness.runs.provenance import Invocation
from harness.runs.run import Run
from harness.runs.sealing import OPEN, read_sealing
from harness.specs import Config, store_mirror, store_url
from harness.store.mirror import mirrored_store
from harness.types import Declaration, EvalSpec, Generation, ModelSpec, PlannedTask, Request, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesAsked:
    """What every model of a series is asked, by whom it is judged, and where that is kept.

    ``spec`` names the task set, the judge and the prompt; models come one by one · ``samples``: the tasks that are
    seen, of a sealed set the open ones (``is_open``) · ``asks_model``: the judge's verdicts may cost something ·
    ``margin``: in points of its scale.
    """

    spec: EvalSpec
    declared: Declaration
    samples: tuple[Sample, ...]
    judge: PlannedJudge
    asks_model: bool
    is_open: bool
    margin: float
    url: str
    mirror: str | None
    runs: str
    notices: tuple[Notice, ...]
    seals: Mapping[str, Mapping[str, Any]]

    @property
    def tasks(self) -> str:
        """The name of the task set."""
        return self.spec.tasks[0].name


def ask_series(
    settings: Config, *, tasks: str, judge: str, prompt: str, limit: int | None, store: str | None, date: str
) -> SeriesAsked:
    """Return what a series is asked, every name opened; nothing is made or written. Answers are greedy.

    Raises:
        HarnessError: the set or the judge cannot be opened, all its tasks are sealed, or the judge knows only answers
            that are there already.
    """
    spec = evaluation_spec(settings, **_options(tasks, judge, prompt))
    [task] = spec.tasks
    url, mirror = store_url(store, settings), store_mirror(settings)
    sealing = read_sealing(url, date=date, mirror=mirror)
    samples = sealing.choose(task.name, open_task(task))[:limit]
    is_open = sealing.parts.get(task.name, {}).get("part") == OPEN
    judges, notices = open_judges(spec.judges, [PlannedTask(name=task.name, samples=samples)], [])
    declared, planned, info = declaration(settings), planned_judge(judges[0], None), judge_info(judges[0])
    return SeriesAsked(
        spec=spec,
        declared=declared,
        samples=samples,
        judge=planned,
        asks_model=info.scored_by == "model" or not is_free(info.price),
        is_open=is_open,
        margin=margin_on(planned.scale, declared.margin, None),
        url=url,
        mirror=mirror,
        runs=settings.runs,
        notices=(*sealing.notices, *notices),
        seals=dict(sealing.parts),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A model that answered before and is no more: all that is left of it is in the store."""

    fingerprint: str

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:  # noqa: ARG002 - the protocol's
        """Raise ModelUnavailableError: what is missing now cannot be had any more."""
        raise ModelUnavailableError(
            tr("This checkpoint is not in memory any more, and the store lacks answers of it."),
            hint=tr("Where its files are kept: --model checkpoints:DIR"),
        )


def with_models(
    asked: SeriesAsked, name: str, models: Mapping[str, ModelBackend], *, training: str, invocation: Invocation
) -> Run:
    """Return the run of some models by label, the baseline first, entered in the ledger: each but it is a try.

    What is stored is not done again. ``training``: what the others are checkpoints of.

    Raises:
        HarnessError: the judge cannot be opened, or the store cannot be used.
    """
    labels = list(models)
    spec = replace(
        asked.spec,
        models=tuple(ModelSpec(text=label, label=label, backend="training") for label in labels),
        baseline=labels[0],
    )
    evaluation = assemble(
        spec,
        name,
        declared=asked.declared,
        choose=lambda _, __: asked.samples,
        opener=lambda model: {model.label: models[model.label]},
    )
    evaluation = replace(
        evaluation,
        notices=tuple(dict.fromkeys((*evaluation.notices, *asked.notices))),
        seals=asked.seals,
        trainings={training: tuple(labels[1:])},
    )
    with mirrored_store(asked.url, asked.mirror, tell=lambda _: None) as store:
        outcome = execute(evaluation.job, store, Progress())
        run = finish(evaluation, outcome, store, invocation=invocation)
        return enter(run, store, before=None, date=invocation.date)


def table_of(run: Run) -> ScoreTable:
    """Return the scores of a series, a row for each model in their order."""
    return board_tables(run)[0]


def save_series(run: Run, asked: SeriesAsked) -> None:
    """Write the files of a series under its name; an earlier state of it makes way.

    Raises:
        HarnessError: they cannot be written.
    """
    with mirrored_store(asked.url, asked.mirror, tell=lambda _: None) as store:
        store.save_plan(run.manifest.plan, {task.name: task.samples for task in run.tasks}, run.requests)
    folder = RunFolder(asked.runs, run.name)
    with folder.lock():
        run.save(folder)


def _options(tasks: str, judge: str, prompt: str) -> dict[str, Any]:
    left = ("base", "quantization", "dtype", "rubric", "max_new_tokens", "repetition_penalty", "seed")
    return {
        **dict.fromkeys((*left, "judge_repeats", "baseline", "limit")),
        "models": ("base",),
        "prompts": (prompt,),
        "tasks": (tasks,),
        "judges": (judge,),
        "panels": (),
        "temperature": 0.0,
        "repeats": 1,
        "confidence": 0.95,
    }
