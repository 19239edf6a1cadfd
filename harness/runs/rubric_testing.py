"""Carrying out the tests of a rubric judge: its variants opened, answers judged through the store, scores by test."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.analysis.rubric_tests import Probe, RubricTests, probes_of, rubric_tests, with_criteria
from harness.codec import digest
from harness.engine.job import Job, Outcome
from harness.engine.plan import PlannedModel, items_of, plan_requests
from harness.errors import HarnessError, NothingToJudgeError
from harness.locale import tr
from harness.plugins import judge_info
from harness.protocols import Judge
from harness.runs.assemble import open_judges
from harness.runs.run import Run
from harness.store.store import Store
from harness.tasks.rubric_material import Material
from harness.templates import load_template
from harness.types import Generation, JudgeSpec, PlannedTask, Request, Sample, Sampling
from judges.rubric.rewording import reordered, reworded

TASK = "rubric-tests"
MOST_OF_A_RUN = 30
"""How many answers of a run are tested on."""

_REWRITES: Mapping[str, Callable[[str], str | None]] = {"reworded": reworded, "reordered": reordered}


@dataclass(frozen=True, slots=True)
class Given:
    """Answers that exist already, as a model of the engine."""

    texts: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """A digest of all of them."""
        return f"{TASK}/1 {digest(dict(self.texts))[:16]}"

    def generate(self, requests: Sequence[Request]) -> Iterator[Generation]:
        """Yield the answer to every request."""
        for request in requests:
            yield Generation(request_key=request.key, text=self.texts[request.sample_id])

    def check_ids(self, task: str, sample_ids: Sequence[str]) -> None:
        """They are made for their tasks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Testing:
    """The tests of one judge, ready to be carried out: a job for the rubric as it is, and one for each rewrite."""

    name: str
    source: str | None
    material: tuple[Material, ...]
    jobs: Mapping[str, Job]

    @property
    def judge(self) -> Judge:
        """The judge with its rubric as it is."""
        return self.jobs[""].judges[0]


def material_of(run: Run, most: int = MOST_OF_A_RUN) -> tuple[Material, ...]:
    """Return answers of a run to test on, a task and a model after the other; a task is there once.

    Raises:
        NothingToJudgeError: the run has none.
    """
    samples = {(task.name, sample.id): sample for task in run.tasks for sample in task.samples}
    by_task: dict[tuple[str, str], list[tuple[Request, str]]] = {}
    for request in run.requests:
        answer = run.answers.get(request.key)
        if answer is not None and answer.text is not None and answer.text.strip() and not request.repeat:
            by_task.setdefault((request.task, request.sample_id), []).append((request, answer.text))
    if not by_task:
        raise NothingToJudgeError(
            tr("Run {run} holds no answer to test a judge on.", run=run.name),
            hint=tr("Name a run with answers, or run its evaluation again: missing answers are tried anew."),
        )
    step = max(1.0, len(by_task) / most)
    chosen = list(by_task)[:: max(1, round(step))][:most]
    found = []
    for place, key in enumerate(chosen):
        own = by_task[key]
        _, text = own[place % len(own)]
        found.append(Material(sample=replace(samples[key], id=f"{key[0]}/{key[1]}"), answer=text, twins={}))
    return tuple(found)


def prepare(spec: JudgeSpec, material: Sequence[Material], folder: Path, *, source: str | None = None) -> Testing:
    """Return the tests of the judge of a spec; rewritten rubrics are put into ``folder``.

    Raises:
        HarnessError: the judge cannot be opened.
    """
    complete = all(item.sample.reference is not None for item in material)
    spec = replace(spec, rubric=spec.rubric or ("elyza.v1" if complete else "tv.v1"))
    probes = dict(probes_of(material))
    plain = _opened(spec, [probe for group in probes.values() for probe in group])
    jobs = {"": _job(plain, [probe for group in probes.values() for probe in group])}
    template = None
    if (variant := judge_info(plain).variant) is not None:
        try:
            template = load_template(variant, kind="judges")
        except HarnessError:
            template = None  # a judge of another package may name its variants otherwise
    for form, rewrite in _REWRITES.items():
        changed = None if template is None else rewrite(template.text)
        asked = probes["answer"] if form == "reworded" else with_criteria(material, reordered)
        judge: Judge | None = None
        if changed is not None:
            path = folder / f"{form}.j2"
            path.write_text(changed, encoding="utf-8")
            judge = _opened(replace(spec, rubric=str(path)), asked)
        elif [one.sample.criteria for one in asked] != [one.sample.criteria for one in probes["answer"]]:
            judge = plain
        if judge is not None:
            jobs[form] = _job(judge, asked)
    return Testing(name=plain.name, source=source, material=tuple(material), jobs=jobs)


def what_came_of(testing: Testing, outcomes: Mapping[str, Outcome], *, confidence: float = 0.95) -> RubricTests:
    """Return what came of the tests, by the outcomes of their jobs."""
    scores: dict[str, dict[str, float]] = {}
    for name, job in testing.jobs.items():
        outcome = outcomes[name]
        for item in items_of(job.tasks, job.requests, outcome.answers, job.planned_judges):
            verdict = outcome.verdicts.get(item.key)
            if verdict is not None and verdict.score is not None:
                task, _, form = item.request.sample_id.rpartition("/")
                scores.setdefault(name or form, {})[task] = verdict.score
    [judge] = testing.jobs[""].planned_judges
    clusters = {item.sample.id: item.sample.cluster or item.sample.id for item in testing.material}
    return rubric_tests(testing.name, judge.scale, scores, clusters, source=testing.source, confidence=confidence)


def to_ask(testing: Testing, store: Store | None) -> list[tuple[Judge, Sample, Generation]]:
    """Return the verdicts that no store has: what carrying the tests out will take. Equal ones are there once."""
    found: dict[str, tuple[Judge, Sample, Generation]] = {}
    for job in testing.jobs.values():
        [backend], [judge] = job.models.values(), job.judges
        answers = {one.request_key: one for one in backend.generate(job.requests)}
        samples = {sample.id: sample for task in job.tasks for sample in task.samples}
        for item in items_of(job.tasks, job.requests, answers, job.planned_judges):
            found.setdefault(item.key, (judge, samples[item.request.sample_id], answers[item.request.key]))
    stored = store.judgements(list(found)) if store is not None else {}
    return [one for key, one in found.items() if key not in stored]


def _opened(spec: JudgeSpec, probes: Sequence[Probe]) -> Judge:
    [judge], _ = open_judges(
        [spec], [PlannedTask(name=TASK, samples=tuple(probe.sample for probe in probes))], [(TASK, None)]
    )
    return judge


def _job(judge: Judge, probes: Sequence[Probe]) -> Job:
    task = PlannedTask(name=TASK, samples=tuple(probe.sample for probe in probes))
    backend = Given({probe.sample.id: probe.text for probe in probes})
    planned = PlannedModel(label=TASK, fingerprint=backend.fingerprint, answers_exist=True)
    requests = plan_requests([task], [planned], [], sampling=Sampling())
    return Job(tasks=(task,), requests=tuple(requests), models={TASK: backend}, judges=(judge,))
