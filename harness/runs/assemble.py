"""The composition root: opens what a spec names and puts it together into a job for the engine."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from harness import plugins
from harness.engine.job import Job, planned_judge
from harness.engine.looks import Looks
from harness.engine.plan import PlannedModel, PlannedPanel, plan_digest, plan_requests
from harness.errors import NothingUsableError, SameJudgeError, TaskSetError, UnknownNameError
from harness.locale import tr
from harness.models.ahead import begin_processes
from harness.notices import Notice, as_notice
from harness.protocols import (
    AnswerFile,
    ChecksRows,
    ChecksSamples,
    Judge,
    MeetsTasks,
    ModelBackend,
    TaskSource,
    TellsOfTasks,
    prompts_share,
)
from harness.runs.engines import on_one_engine
from harness.runs.panels import PanelSpec, planned_panels
from harness.runs.prompt_match import check_prompts
from harness.runs.spreading import Gpus
from harness.specs import LOCAL_BACKENDS, check_labels, default_run_name, task_plugin
from harness.templates import Template, load_template
from harness.types import Declaration, EvalSpec, JudgeSpec, ModelSpec, PlannedTask, Request, Sample, TaskSpec

Choose = Callable[[str, tuple[Sample, ...]], tuple[Sample, ...]]
Opener = Callable[[ModelSpec], Mapping[str, ModelBackend]]


_PARTLY = {"ja-freeform", "tengu-bench"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A spec with all that it names opened. ``notices`` are for the user; ``baseline`` is a model label of the plan.

    ``declared``: what is said before looking; no part of the plan, so that saying it later makes no other run.
    ``seals``: which part of a sealed task set this is, and the share that is sealed, by the set's name.
    ``sizes``: how many tasks each set has, whatever part of them is asked. ``trainings``: the labels of the checkpoints
    of each training. ``parity``: what is certified of models that another engine than the HF path answers for, by
    label.
    """

    name: str
    spec: EvalSpec
    job: Job
    plan_digest: str
    templates: tuple[Template, ...]
    baseline: str
    notices: tuple[Notice, ...]
    declared: Declaration = field(default_factory=Declaration)
    panels: tuple[PlannedPanel, ...] = ()
    looks: Looks | None = None
    planned: tuple[Request, ...] = ()
    seals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    trainings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    parity: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def assemble(
    spec: EvalSpec,
    run_name: str | None,
    *,
    allow_prompt_mismatch: bool = False,
    declared: Declaration | None = None,
    panels: Sequence[PanelSpec] = (),
    choose: Choose | None = None,
    opener: Opener | None = None,
    gpus: Gpus = None,
) -> Evaluation:
    """Open tasks, models, templates and judges, and plan every request. ``panels`` are of judges of the spec.

    ``choose`` says which tasks of a set are seen (see `harness.runs.sealing`), before the limit; None: all. ``opener``
    opens models in the place of `open_model`. ``gpus``: as `begin_processes` has it.

    Raises:
        HarnessError: whatever cannot be opened, found or filled, before anything is generated; or an adapter was
            trained with another prompt, unless ``allow_prompt_mismatch``.
    """
    name = default_run_name(spec) if run_name is None else run_name
    templates = tuple(load_template(prompt) for prompt in spec.prompts)
    sources: dict[str, TaskSource] = {task.name: plugins.make("tasks", task_plugin(task), task) for task in spec.tasks}
    whole = {name: _samples(name, source) for name, source in sources.items()}
    if opener is None:
        _begin_ahead(spec, whole, gpus)
    models: dict[str, ModelBackend] = {}
    typed: dict[str, str] = {}
    trainings: dict[str, tuple[str, ...]] = {}
    for model in spec.models:
        opened = (opener or open_model)(model)
        check_labels([*models, *opened])
        models.update(opened)
        typed |= dict.fromkeys(opened, model.text)
        if model.backend == "checkpoints":
            trainings[next(iter(opened)).rpartition("/")[0]] = tuple(opened)
    told = _met(models, whole)
    seen = whole if choose is None else {task: choose(task, samples) for task, samples in whole.items()}
    tasks = tuple(PlannedTask(name=task, samples=samples[: spec.limit]) for task, samples in seen.items())
    rows = [
        (label, prompt)
        for label, backend in models.items()
        for prompt in ([None] if isinstance(backend, AnswerFile) else [template.name for template in templates])
    ]
    judges, notices = open_judges(spec.judges, tasks, rows)
    said = [as_notice(one) for source in sources.values() if isinstance(source, TellsOfTasks) for one in source.notices]
    notices = (*dict.fromkeys((*said, *told, *notices)), *_only_checks(judges))
    notices += (*plugins.unread(list(models.values())), *_prompts_share_ratings(judges, models, spec.prompts))
    planned = partial(plan_requests, tasks, templates=templates, sampling=spec.sampling, repeats=spec.repeats)
    requests = planned(models=_planned_models(models))
    models, said_of_engine = on_one_engine(models, requests)
    notices += said_of_engine
    requests = planned(models=_planned_models(models)) if said_of_engine else requests
    notices += check_prompts(models, typed, templates, allow=allow_prompt_mismatch)
    job = Job(tasks=tasks, requests=tuple(requests), models=models, judges=judges, judge_repeats=spec.judge_repeats)
    plan = plan_digest(tasks, requests)
    return Evaluation(
        name=name,
        spec=spec,
        job=replace(job, purse=plan),
        plan_digest=plan,
        templates=templates,
        baseline=_baseline(spec.baseline, list(models)),
        notices=notices,
        declared=declared or Declaration(),
        sizes={task: len(samples) for task, samples in whole.items()},
        trainings=trainings,
        panels=planned_panels(panels, [planned_judge(judge) for judge in judges]),
    )


def _begin_ahead(spec: EvalSpec, whole: Mapping[str, tuple[Sample, ...]], gpus: Gpus) -> None:
    """Begin the processes that are likely to answer, before this one imports what opens a model."""
    local = [model for model in spec.models if model.backend in LOCAL_BACKENDS]
    rows = sum(len(samples[: spec.limit]) for samples in whole.values()) * len(spec.prompts) * spec.repeats
    engines = {str(model.settings.get("engine", "auto")) for model in local}
    begin_processes(engines, len(local) * rows * spec.sampling.max_new_tokens, gpus)


def _planned_models(models: Mapping[str, ModelBackend]) -> list[PlannedModel]:
    """Return what the plan knows of models."""
    return [
        PlannedModel(
            label=label,
            fingerprint=plugins.identity(backend),
            answers_exist=isinstance(backend, AnswerFile),
            repeats=backend.repeats if isinstance(backend, MeetsTasks) else 1,
        )
        for label, backend in models.items()
    ]


def _met(models: Mapping[str, ModelBackend], tasks: Mapping[str, Sequence[Sample]]) -> list[Notice]:
    """Show every answer file the tasks, and return what those have to say that other tools wrote."""
    said: list[Notice] = []
    for backend in models.values():
        for task, samples in tasks.items():
            if isinstance(backend, MeetsTasks):
                said += map(as_notice, backend.meet(task, samples))
            if isinstance(backend, AnswerFile):
                backend.check_ids(task, [sample.id for sample in samples])
    return said


def open_task(spec: TaskSpec) -> tuple[Sample, ...]:
    """Return all samples of a task.

    Raises:
        HarnessError: the task cannot be read, or holds nothing.
    """
    return _samples(spec.name, plugins.make("tasks", task_plugin(spec), spec))


def _samples(name: str, source: TaskSource) -> tuple[Sample, ...]:
    samples = tuple(source.samples())
    if not samples:
        raise TaskSetError(
            tr("Task {name!r} holds no samples.", name=name), hint=tr("Check the file, or name another task.")
        )
    ids = Counter(sample.id for sample in samples)
    if wrong := [key for key, count in ids.items() if count > 1 or not isinstance(key, str)]:
        raise TaskSetError(
            tr(
                "Task {name!r} has {wrong!r} as the id of {ids} samples.",
                name=name,
                wrong=wrong[0],
                ids=ids[wrong[0]],
            ),
            hint=tr("Its plugin must give every sample an id of its own, as text."),
        )
    return samples


def open_model(spec: ModelSpec) -> Mapping[str, ModelBackend]:
    """Return the backends of one model spec by label: usually one, or one per model of an answer file."""
    opened = plugins.make("models", spec.backend, spec)
    return opened if isinstance(opened, Mapping) else {spec.label: opened}


def open_judges(
    specs: Sequence[JudgeSpec], tasks: Sequence[PlannedTask], rows: Sequence[tuple[str, str | None]]
) -> tuple[tuple[Judge, ...], tuple[Notice, ...]]:
    """Return the judges of all specs, with what they say about the samples and ``rows``, the models with their prompts.

    Raises:
        HarnessError: a judge cannot be opened, can judge nothing here, or two have the same name or are the same judge.
    """
    judges: list[Judge] = []
    notices: list[Notice] = []
    for spec in specs:
        opened = plugins.make("judges", spec.name, replace(spec, rubric=spec.rubric or _rubric(tasks)))
        judges += opened if isinstance(opened, Sequence) else [opened]
    names = [judge.name for judge in judges]
    for name in names:
        if names.count(name) > 1:
            raise SameJudgeError(tr("Two judges are named {name!r}.", name=name), hint=tr("Leave one out."))
    known: dict[str, str] = {}
    for judge in judges:
        first = known.setdefault(plugins.identity(judge), judge.name)
        if first != judge.name:
            raise SameJudgeError(
                tr(
                    "{first!r} and {name!r} are the same judge: its verdicts would stand on the board twice.",
                    first=first,
                    name=judge.name,
                ),
                hint=tr("Leave one out. To see how far it agrees with itself: --judge-repeats 2."),
            )
    notices += plugins.unread(judges)
    models = list(dict.fromkeys(model for model, _ in rows))
    for judge in judges:
        if isinstance(judge, ChecksRows):
            notices += map(as_notice, judge.check_rows(rows, [task.name for task in tasks]))
        if isinstance(judge, ChecksSamples):
            notices += _check_samples(judge, tasks, models)
    return tuple(judges), tuple(dict.fromkeys(notices))


def _check_samples(judge: ChecksSamples, tasks: Sequence[PlannedTask], models: Sequence[str]) -> list[Notice]:
    notices: list[Notice] = []
    unusable: list[NothingUsableError] = []
    for task in tasks:
        try:
            notices += map(as_notice, judge.check_samples(task.name, task.samples, models))
        except NothingUsableError as error:
            unusable.append(error)
    if len(unusable) == len(tasks):
        raise unusable[0]
    return [*notices, *(Notice("nothing_to_judge", error.message) for error in unusable)]


def _only_checks(judges: Sequence[Judge]) -> tuple[Notice, ...]:
    """Return what a run cannot tell whose judges look at an answer's form alone."""
    if any(plugins.judge_info(judge).kind != "checks" for judge in judges):
        return ()
    notice = Notice(
        "only_checks",
        tr(
            "{judges}: these are checks of form (language, length, repetition, what a task prescribes). They do not "
            "tell which answer is better, and models that answer properly all come out alike. For that add a judge "
            "that reads: --judge gemini, or people with harness rate.",
            judges=", ".join(judge.name for judge in judges),
        ),
    )
    return (notice,)


def _prompts_share_ratings(
    judges: Sequence[Judge], models: Mapping[str, ModelBackend], prompts: Sequence[str]
) -> tuple[Notice, ...]:
    prompted = [label for label, backend in models.items() if not isinstance(backend, AnswerFile)]
    rated = [judge.name for judge in judges if any(prompts_share(judge, label) for label in prompted)]
    if not (rated and prompted and len(prompts) > 1):
        return ()
    notice = Notice(
        "ratings_for_all_prompts",
        tr(
            "{names}: ratings name a model, not a prompt, so all {n_prompts} prompts of {names_2} get the same ones.",
            names=", ".join(rated),
            n_prompts=len(prompts),
            names_2=", ".join(prompted),
        ),
    )
    return (notice,)


def _rubric(tasks: Sequence[PlannedTask]) -> str:
    # The sets of ja-freeform have references for a part of their tasks, which elyza.v1 shows where there is one.
    complete = all(sample.reference is not None or task.name in _PARTLY for task in tasks for sample in task.samples)
    return "elyza.v1" if complete else "tv.v1"


def _baseline(wanted: str | None, labels: Sequence[str]) -> str:
    if wanted is None:
        return "base" if "base" in labels else labels[0]
    if wanted not in labels:
        raise UnknownNameError(tr("model label"), wanted, labels)
    return wanted
